use super::*;

fn parse(value: &str) -> Result<Ip, IpError> {
    value.parse()
}

#[test]
fn an_address_with_prefix_and_gateway_is_read() {
    let address = Ipv4Cidr::new(Ipv4Addr::new(10, 0, 2, 15), 24);
    assert_eq!(
        parse("10.0.2.15/24"),
        Ok(Ip::Static {
            address,
            gateway: None,
            dns: [None; NAME_SERVERS],
        })
    );
    let gateway = Some(Ipv4Addr::new(10, 0, 2, 2));
    assert_eq!(
        parse("10.0.2.15/24,10.0.2.2"),
        Ok(Ip::Static {
            address,
            gateway,
            dns: [None; NAME_SERVERS],
        })
    );
    let dns = [Some(Ipv4Addr::new(10, 0, 2, 3)), None, None];
    assert_eq!(
        parse("10.0.2.15/24,10.0.2.2,10.0.2.3"),
        Ok(Ip::Static {
            address,
            gateway,
            dns,
        })
    );
    assert_eq!(
        parse("10.0.2.15/24,,10.0.2.3"),
        Ok(Ip::Static {
            address,
            gateway: None,
            dns,
        })
    );
    for servers in ["10.0.2", "", "1.1.1.1,2.2.2.2,3.3.3.3,4.4.4.4"] {
        let word = std::format!("10.0.2.15/24,10.0.2.2,{servers}");
        assert_eq!(parse(&word), Err(IpError::NameServer), "{word}");
    }
}

fn of_line(line: &str) -> Result<Ip, IpError> {
    Ip::from_command_line(CommandLine::new(line))
}

#[test]
fn without_a_word_it_is_dhcp_and_the_last_word_counts() {
    assert_eq!(of_line(""), Ok(Ip::Dhcp));
    assert_eq!(of_line("log=debug zip=1"), Ok(Ip::Dhcp));
    assert_eq!(of_line("ip=10.0.2.15/24 ip=dhcp"), Ok(Ip::Dhcp));
}

#[test]
fn an_address_is_read_as_the_standard_library_does() {
    for text in [
        "10.0.2.15",
        "0.0.0.0",
        "255.255.255.255",
        "256.0.0.1",
        "1000.0.0.1",
        "10.0.2",
        "10.0.2.15.1",
        "10.0.2.",
        ".10.0.2",
        "10..2.15",
        "010.0.2.15",
        "10.00.2.15",
        "+1.0.2.15",
        "-1.0.2.15",
        "1.0.2.x",
        " 10.0.2.15",
        "10.0.2.15 ",
        "10,0,2,15",
        "",
        "...",
    ] {
        assert_eq!(read_address(text), text.parse().ok(), "{text:?}");
    }
}

#[test]
fn each_error_is_distinguished() {
    let mistakes = [
        ("", IpError::Address),
        ("DHCP", IpError::Address),
        ("10.0.2/24", IpError::Address),
        ("10.0.2.256/24", IpError::Address),
        ("10.0.2.15", IpError::PrefixMissing),
        ("10.0.2.15,10.0.2.2", IpError::PrefixMissing),
        ("10.0.2.15/", IpError::Prefix),
        ("10.0.2.15/0", IpError::Prefix),
        ("10.0.2.15/33", IpError::Prefix),
        ("10.0.2.15/24,", IpError::Gateway),
        ("10.0.2.15/24,10.0.2.2/24", IpError::Gateway),
    ];
    for (value, error) in mistakes {
        assert_eq!(parse(value), Err(error), "ip={value}");
    }
}

#[test]
fn an_address_of_several_or_no_machines_is_rejected() {
    for value in [
        "0.0.0.0/8",
        "255.255.255.255/24",
        "224.0.0.1/4",
        "10.0.2.255/24",
        "127.0.0.1/8",
    ] {
        assert!(
            matches!(parse(value), Err(IpError::NotUnicast(_))),
            "ip={value}"
        );
    }
}

#[test]
fn with_a_prefix_of_32_bits_any_gateway_is_accepted() {
    let taken = parse("10.0.2.15/32,172.16.0.1");
    assert!(matches!(
        taken,
        Ok(Ip::Static {
            gateway: Some(_),
            ..
        })
    ));
    for gateway in ["10.0.2.15", "0.0.0.0", "127.0.0.1", "224.0.0.1"] {
        let value = std::format!("10.0.2.15/32,{gateway}");
        assert!(parse(&value).is_err(), "ip={value}");
    }
}

#[test]
fn only_addresses_of_other_machines_are_peers() {
    let own = Ipv4Cidr::new(Ipv4Addr::new(10, 0, 2, 15), 24);
    for (candidate, expected) in [
        ([10, 0, 2, 2], true),
        ([1, 0, 0, 0], true),
        ([126, 255, 255, 255], true),
        ([128, 0, 0, 1], true),
        ([223, 255, 255, 255], true),
        ([0, 0, 0, 0], false),
        ([0, 1, 2, 3], false),
        ([127, 0, 0, 1], false),
        ([127, 255, 255, 255], false),
        ([224, 0, 0, 1], false),
        ([240, 0, 0, 1], false),
        ([255, 255, 255, 255], false),
        ([10, 0, 2, 15], false),
        ([10, 0, 2, 255], false),
    ] {
        assert_eq!(is_peer(candidate.into(), own), expected, "{candidate:?}");
    }
}

#[test]
fn a_gateway_outside_the_network_is_rejected() {
    for gateway in [
        "10.0.3.2",
        "10.0.2.15",
        "10.0.2.255",
        "0.0.0.0",
        "224.0.0.1",
    ] {
        let value = std::format!("10.0.2.15/24,{gateway}");
        assert!(
            matches!(parse(&value), Err(IpError::GatewayUnreachable(_))),
            "ip={value}"
        );
    }
}

/// Tests the words of the table that the tests of `cargo xtask run` read, too.
#[test]
fn the_words_of_the_shared_table_are_accepted_or_rejected() {
    let lines = include_str!("words.txt").lines();
    let mut counts = [0; 2];
    for line in lines.filter(|line| !line.starts_with('#')) {
        let (verdict, word) = line.split_once(' ').unwrap();
        let is_accepted = match word.strip_prefix("ip6=") {
            #[cfg(feature = "ipv6")]
            Some(value) => value.parse::<crate::net::Ip6>().is_ok(),
            #[cfg(not(feature = "ipv6"))]
            Some(_) => continue,
            None => parse(word.strip_prefix("ip=").unwrap()).is_ok(),
        };
        assert_eq!(is_accepted, verdict == "accept", "{line}");
        counts[usize::from(is_accepted)] += 1;
    }
    assert!(counts.iter().all(|count| *count > 10));
}
