use smoltcp::wire::Icmpv6DstUnreachable;

use super::*;

#[test]
fn an_echo_request_is_answered_with_its_content() {
    let mut machine = Machine::routed();
    let address = own("2001:db8::", 1);
    for length in [0, 1, 56, 1400] {
        let payload = std::vec![7; length];
        let answers = machine.hears(echo_request(ip("2001:db9::1"), address, &payload));
        let [answer] = &answers[..] else {
            panic!("{answers:x?}")
        };
        assert_eq!(answer[..6], THEIR_MAC);
        let header = packet(answer).unwrap();
        assert_eq!(
            (header.src_addr(), header.dst_addr()),
            (address, ip("2001:db9::1"))
        );
        assert!(matches!(
            message(answer),
            Some(Icmpv6Repr::EchoReply { ident: 7, seq_no: 1, data }) if data == payload
        ));
    }
    // One to all on the link is answered from this machine's own address.
    let answers = machine.hears(echo_request(OTHER, ALL_NODES, b"all"));
    assert_eq!(packet(&answers[0]).unwrap().src_addr(), own("fe80::", 1));
}

#[test]
fn an_echo_request_behind_extension_headers_is_answered_without_them() {
    let mut machine = Machine::ready();
    let mut request = echo_request(OTHER, own("fe80::", 1), b"hello");
    request.splice(54..54, [44, 0, 1, 4, 0, 0, 0, 0, 58, 0, 0, 0, 1, 2, 3, 4]);
    request[20] = 60;
    request[19] += 16;
    let answers = machine.hears(request);
    assert!(matches!(
        message(&answers[0]),
        Some(Icmpv6Repr::EchoReply { data: b"hello", .. })
    ));
}

#[test]
fn fragments_are_refused_and_counted() {
    let mut machine = Machine::ready();
    let mut request = echo_request(OTHER, own("fe80::", 1), &[1; 64]);
    request.splice(54..54, [58, 0, 0, 1, 0, 0, 0, 7]);
    request[20] = 44;
    request[19] += 8;
    assert!(machine.hears(request).is_empty());
    assert_eq!(machine.net.ipv6_statistics().fragments, 1);
}

#[test]
fn a_closed_port_and_an_unknown_protocol_are_told_with_the_packet() {
    let mut machine = Machine::ready();
    let address = own("fe80::", 1);
    let sent = udp(OTHER, address, [4000, 9], &[5; 300]);
    let answers = machine.hears(sent.clone());
    let Some(Icmpv6Repr::DstUnreachable { reason, data, .. }) = message(&answers[0]) else {
        panic!("{answers:x?}")
    };
    assert_eq!(reason, Icmpv6DstUnreachable::PortUnreachable);
    assert_eq!(data, &sent[14 + 40..]);
    let pointer = |answers: &[Vec<u8>]| {
        let packet = packet(&answers[0]).unwrap();
        let bytes = packet.payload();
        assert_eq!(bytes[0], 4);
        (bytes[1], bytes[7])
    };
    let unknown = frame(OTHER, address, 64, 99, &[0; 20], None);
    assert_eq!(pointer(&machine.hears(unknown)), (1, 6));
    let option = frame(OTHER, address, 64, 60, &[59, 0, 0x80, 4, 0, 0, 0, 0], None);
    assert_eq!(pointer(&machine.hears(option.clone())), (2, 42));
    // Also if it was sent to a group, but not for any other reason.
    let mut to_group = frame(
        OTHER,
        ALL_NODES,
        64,
        60,
        &[59, 0, 0x80, 4, 0, 0, 0, 0],
        None,
    );
    assert_eq!(pointer(&machine.hears(to_group.clone())), (2, 42));
    to_group[56] = 0xc0;
    assert!(machine.hears(to_group).is_empty());
    assert!(
        machine
            .hears(udp(OTHER, ALL_NODES, [4000, 9], b"x"))
            .is_empty()
    );
    assert!(
        machine
            .hears(frame(OTHER, address, 64, 59, &[0; 20], None))
            .is_empty()
    );
}

#[test]
fn an_error_is_no_longer_than_every_link_takes_and_never_about_an_error() {
    let mut machine = Machine::ready();
    let address = own("fe80::", 1);
    let answers = machine.hears(udp(OTHER, address, [4000, 9], &[5; 1400]));
    assert_eq!(answers[0].len(), 14 + 1280);
    let mut inner = icmp(
        OTHER,
        address,
        64,
        &[&[1, 4, 0, 0, 0, 0, 0, 0][..], &[0; 40]].concat(),
    );
    // An unknown option before an error.
    inner.splice(54..54, [58, 0, 0x1e, 4, 0, 0, 0, 0]);
    inner[20] = 60;
    inner[19] += 8;
    assert!(machine.hears(inner).is_empty());
}

#[test]
fn errors_have_a_limited_rate() {
    let mut machine = Machine::ready();
    let address = own("fe80::", 1);
    let closed = udp(OTHER, address, [4000, 9], b"x");
    let mut answers = 0;
    for _ in 0..500 {
        answers += machine.hears(closed.clone()).len();
    }
    assert_eq!(answers, 100);
    assert_eq!(machine.net.ipv6_statistics().errors_suppressed, 400);
}
