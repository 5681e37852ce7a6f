//! Finds an `ip=` or `ip6=` word that the kernel would reject, by the same rules; the messages say more
//! than the kernel has room for. The tests of both read `kernel/src/net/address/words.txt`.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::failure::Failure;

/// The largest number of name servers: `NAME_SERVERS` in `vmos::net`.
const NAME_SERVERS: usize = 3;

/// Rejects an address that the kernel would reject: see `vmos::net::Ip`. The key is `ip`, or with the
/// name of a network `ip.NAME`.
pub(super) fn check_address(key: &str, value: &str) -> Result<(), Failure> {
    match why_not_ipv4(value) {
        None => Ok(()),
        Some(why) => Err(Failure::usage(format!(
            "{key}={value}: {why}; write `{key}=dhcp`, or an address with its prefix length, then the \
             gateway and name servers, such as `{key}=10.0.2.15/24,10.0.2.2,10.0.2.3`"
        ))),
    }
}

/// Rejects an IPv6 address that the kernel would reject: see `vmos::net::Ip6`. The key is `ip6`, or
/// with the name of a network `ip6.NAME`.
pub(super) fn check_ipv6_address(key: &str, value: &str) -> Result<(), Failure> {
    match why_not_ipv6(value) {
        None => Ok(()),
        Some(why) => Err(Failure::usage(format!(
            "{key}={value}: {why}; write `{key}=auto`, `{key}=off`, or an address with its prefix \
             length, then the router and name servers, such as \
             `{key}=2001:db8::15/64,fe80::1,2001:db8::53`"
        ))),
    }
}

fn why_not_ipv4(value: &str) -> Option<String> {
    if value == "dhcp" {
        return None;
    }
    let mut parts = value.split(',');
    let Some((address, prefix)) = parts.next().and_then(|part| part.split_once('/')) else {
        return Some("the address has no prefix length".to_owned());
    };
    let Ok(address) = address.parse::<Ipv4Addr>() else {
        return Some("the address is not of the form 10.0.2.15".to_owned());
    };
    let Some(prefix) = prefix_length(prefix, 32) else {
        return Some("the prefix length is not a number from 1 to 32".to_owned());
    };
    // With a prefix of 31 or 32 bits, the network has no broadcast address (RFC 3021).
    let host_bits = u32::MAX.checked_shr(prefix).unwrap_or(0);
    let is_broadcast =
        |other: Ipv4Addr| prefix < 31 && other.to_bits() == address.to_bits() | host_bits;
    let is_host =
        |other: Ipv4Addr| !matches!(other.octets(), [0 | 127 | 224.., ..]) && !is_broadcast(other);
    if !is_host(address) {
        return Some(format!("{address} cannot be the address of a machine"));
    }
    let others: Vec<_> = parts.collect();
    let (gateway, servers) = split(&others);
    // The gateway may be empty only if a name server follows.
    if let Some(gateway) = gateway.filter(|it| !it.is_empty() || servers.is_empty()) {
        let Ok(gateway) = gateway.parse::<Ipv4Addr>() else {
            return Some("the gateway is not of the form 10.0.2.2".to_owned());
        };
        let differing = gateway.to_bits() ^ address.to_bits();
        // With a prefix of 32 bits, no other machine is on the network.
        let is_on_link = differing & !host_bits == 0 || prefix == 32;
        if !is_on_link || !is_host(gateway) || gateway == address {
            return Some(format!(
                "the gateway {gateway} is not another machine on the network of {address}/{prefix}"
            ));
        }
    }
    if servers.len() > NAME_SERVERS {
        return Some(format!("there are more than {NAME_SERVERS} name servers"));
    }
    let wrong = servers.iter().find(|it| it.parse::<Ipv4Addr>().is_err())?;
    Some(format!(
        "the name server `{wrong}` is not of the form 10.0.2.3"
    ))
}

fn why_not_ipv6(value: &str) -> Option<String> {
    if matches!(value, "auto" | "off") {
        return None;
    }
    let mut parts = value.split(',');
    let Some((address, prefix)) = parts.next().and_then(|part| part.split_once('/')) else {
        return Some("the address has no prefix length".to_owned());
    };
    let Ok(address) = address.parse::<Ipv6Addr>() else {
        return Some("the address is not of the form 2001:db8::15".to_owned());
    };
    let Some(prefix) = prefix_length(prefix, 128) else {
        return Some("the prefix length is not a number from 1 to 128".to_owned());
    };
    if address.is_unicast_link_local() {
        return Some(format!(
            "{address} is a link-local address, which a machine gives itself"
        ));
    }
    if !is_unicast(address) {
        return Some(format!("{address} cannot be the address of a machine"));
    }
    let others: Vec<_> = parts.collect();
    let (router, servers) = split(&others);
    if let Some(router) = router.filter(|router| !router.is_empty()) {
        let Ok(router) = router.parse::<Ipv6Addr>() else {
            return Some("the router is not of the form fe80::1".to_owned());
        };
        let common = (router.to_bits() ^ address.to_bits()).leading_zeros();
        let is_on_link = common >= prefix || router.is_unicast_link_local();
        if !is_on_link || !is_unicast(router) || router == address {
            return Some(format!(
                "the router {router} is neither a link-local address nor another machine on the \
                 network of {address}/{prefix}"
            ));
        }
    }
    if servers.len() > NAME_SERVERS {
        return Some(format!("there are more than {NAME_SERVERS} name servers"));
    }
    let is_server = |text: &str| text.parse().is_ok_and(is_unicast);
    let wrong = servers.iter().find(|text| !is_server(text))?;
    Some(format!(
        "the name server `{wrong}` is not the address of a machine, of the form 2001:db8::53"
    ))
}

/// Returns the router and the name servers.
fn split<'a, 'b>(others: &'b [&'a str]) -> (Option<&'a str>, &'b [&'a str]) {
    match others {
        [router, servers @ ..] => (Some(router), servers),
        [] => (None, &[]),
    }
}

/// Parses a prefix length from 1 to `most` bits.
fn prefix_length(text: &str, most: u8) -> Option<u32> {
    let length = text.parse::<u8>().ok()?;
    (1..=most).contains(&length).then_some(length.into())
}

/// Returns whether one machine can have the address: it is not unspecified, loopback, multicast or
/// an IPv4 address (`::/96`, `::ffff:0:0/96`).
fn is_unicast(address: Ipv6Addr) -> bool {
    !address.is_multicast() && !matches!(address.to_bits() >> 32, 0 | 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(result: Result<(), Failure>) -> String {
        result.unwrap_err().to_string()
    }

    /// The words that the kernel accepts and rejects, by the tests of the kernel.
    const WORDS: &str = include_str!("../../../../kernel/src/net/address/words.txt");

    #[test]
    fn a_word_is_rejected_if_and_only_if_the_kernel_rejects_it() {
        let lines = WORDS.lines().filter(|line| !line.starts_with('#'));
        let mut counts = [0; 2];
        for line in lines {
            let (verdict, word) = line.split_once(' ').unwrap();
            let result = match word.split_once('=').unwrap() {
                ("ip", value) => check_address("ip", value),
                (_, value) => check_ipv6_address("ip6", value),
            };
            let is_accepted = result.is_ok();
            assert_eq!(is_accepted, verdict == "accept", "{line}");
            if !is_accepted {
                let error = said(result);
                assert!(error.contains(&format!("{word}: ")), "{error}");
            }
            counts[usize::from(is_accepted)] += 1;
        }
        assert!(counts.iter().all(|count| *count > 20));
    }

    #[test]
    fn the_word_of_a_named_network_is_shown_whole() {
        let error = said(check_address("ip.lan", "foo"));
        assert!(error.starts_with("ip.lan=foo: "), "{error}");
        assert!(error.contains("`ip.lan=dhcp`"), "{error}");
        let error = said(check_ipv6_address("ip6.lan", "foo"));
        assert!(error.contains("`ip6.lan=auto`"), "{error}");
    }
}
