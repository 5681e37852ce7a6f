use std::vec::Vec;

use super::*;

fn asked(name: &str) -> Vec<u8> {
    question::<Ipv4Addr>(&mut [0; MESSAGE], 0x1234, name)
        .unwrap()
        .to_vec()
}

/// Returns an answer to the question, with records of this kind, each with its owner and data.
fn answered(question: &[u8], flags: u16, records: &[(&[u8], u16, &[u8])]) -> Vec<u8> {
    let mut message = question.to_vec();
    message[2..4].copy_from_slice(&(0x8180 | flags).to_be_bytes());
    message[7] = records.len() as u8;
    for (owner, kind, data) in records {
        message.extend_from_slice(owner);
        message.extend_from_slice(&kind.to_be_bytes());
        message.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
        message.extend_from_slice(&(data.len() as u16).to_be_bytes());
        message.extend_from_slice(data);
    }
    message
}

/// Returns the addresses of an answer.
fn found(message: &[u8], asked: &[u8]) -> Vec<Ipv4Addr> {
    match answer(message, asked) {
        Some(Answer::Found(found)) => found.into_iter().flatten().collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_addresses_are_found_up_to_a_limit_in_their_order() {
    let asked = asked("x");
    let data: Vec<[u8; 4]> = (1..=10).map(|last| [192, 0, 2, last]).collect();
    let records: Vec<(&[u8], u16, &[u8])> = data.iter().map(|data| (SAME, 1, &data[..])).collect();
    let found = found(&answered(&asked, 0, &records), &asked);
    let expected: Vec<Ipv4Addr> = data.iter().take(8).map(|&it| it.into()).collect();
    assert_eq!(found, expected);
}

#[cfg(feature = "ipv6")]
#[test]
fn a_question_for_ipv6_is_answered_by_its_own_records() {
    use core::net::Ipv6Addr;
    let mut room = [0; MESSAGE];
    let asked = question::<Ipv6Addr>(&mut room, 0x1234, "x").unwrap();
    assert!(asked.ends_with(&[1, b'x', 0, 0, 28, 0, 1]), "{asked:?}");
    let address: Ipv6Addr = "2001:db8::1".parse().unwrap();
    let octets = address.octets();
    let records: [(&[u8], u16, &[u8]); 2] = [(SAME, 1, &[192, 0, 2, 1]), (SAME, 28, &octets)];
    let Some(Answer::<Ipv6Addr>::Found(found)) = answer(&answered(asked, 0, &records), asked)
    else {
        panic!("nothing was found");
    };
    assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), [address]);
    // The data of such a record have 16 bytes.
    let short = answered(asked, 0, &[(SAME, 28, &octets[..15])]);
    assert_eq!(answer::<Ipv6Addr>(&short, asked), None);
}

/// The name in the question.
const SAME: &[u8] = &[0xc0, 12];

#[test]
fn a_question_is_as_specified() {
    let expected = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x02ns\x07example\0\0\x01\0\x01";
    assert_eq!(asked("ns.example"), expected);
    assert_eq!(asked("ns.example."), expected);
}

#[test]
fn an_invalid_name_makes_no_question() {
    let long = "a".repeat(64);
    let deep = "a.".repeat(127) + "a";
    for name in ["", ".", "a..b", ".a", &long, &deep] {
        assert_eq!(
            question::<Ipv4Addr>(&mut [0; MESSAGE], 1, name),
            None,
            "{name}"
        );
    }
}

#[test]
fn the_address_of_a_name_is_found_through_its_aliases() {
    let asked = asked("www.example");
    let target = b"\x04host\xc0\x10";
    let records: [(&[u8], u16, &[u8]); 3] = [
        (target, 1, &[192, 0, 2, 1]),
        (b"\x05other\0", 1, &[192, 0, 2, 9]),
        (SAME, 5, target),
    ];
    let message = answered(&asked, 0, &records);
    assert_eq!(found(&message, &asked), [Ipv4Addr::new(192, 0, 2, 1)]);
}

#[test]
fn a_failing_server_differs_from_an_unknown_name() {
    let asked = asked("x");
    let says = |flags| answer::<Ipv4Addr>(&answered(&asked, flags, &[]), &asked);
    assert_eq!(says(3), Some(Answer::Unknown));
    assert_eq!(says(2), Some(Answer::Failure));
    assert_eq!(says(5), Some(Answer::Failure));
    assert_eq!(says(0), Some(Answer::Unknown));
    // The answer is shortened.
    assert_eq!(says(0x0200), Some(Answer::Failure));
}

#[test]
fn a_message_that_does_not_answer_the_question_is_ignored() {
    let asked = asked("x");
    let good = answered(&asked, 0, &[(SAME, 1, &[192, 0, 2, 1])]);
    assert!(answer::<Ipv4Addr>(&good, &asked).is_some());
    for place in [0, 1, 2, 5, 13] {
        let mut bad = good.clone();
        bad[place] ^= 0x83;
        assert_eq!(answer::<Ipv4Addr>(&bad, &asked), None, "{place}");
    }
}

#[test]
fn any_message_is_handled() {
    let asked = asked("x.y");
    let good = answered(
        &asked,
        0,
        &[(SAME, 5, &[0xc0, 30]), (SAME, 1, &[192, 0, 2, 1])],
    );
    for length in 0..good.len() {
        answer::<Ipv4Addr>(&good[..length], &asked);
    }
    for place in 0..good.len() {
        for value in [0, 1, 63, 64, 0xc0, 0xff] {
            let mut bad = good.clone();
            bad[place] = value;
            answer::<Ipv4Addr>(&bad, &asked);
        }
    }
    // A name that refers to itself.
    let loops = answered(
        &asked,
        0,
        &[(&[0xc0, asked.len() as u8], 1, &[192, 0, 2, 1])],
    );
    assert_eq!(answer::<Ipv4Addr>(&loops, &asked), None);
}
