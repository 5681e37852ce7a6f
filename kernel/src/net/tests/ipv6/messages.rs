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

/// Returns the payloads of the fragments of a packet, each with its offset, and whether more follow.
fn fragments(sent: &[Vec<u8>], longest: usize) -> Vec<(usize, bool, Vec<u8>)> {
    let fragment = |frame: &Vec<u8>| {
        assert!(frame.len() <= 14 + longest, "{}", frame.len());
        let header = packet(frame).unwrap();
        assert_eq!(header.next_header(), IpProtocol::Ipv6Frag);
        let [next, 0, high, low, _, _, _, _] = header.payload()[..8] else {
            panic!("no fragment header")
        };
        assert_eq!(next, 58);
        let place = u16::from_be_bytes([high, low]);
        let payload = header.payload()[8..].to_vec();
        (usize::from(place & !7), place & 1 == 1, payload)
    };
    sent.iter().map(fragment).collect()
}

/// Checks that the frames are the fragments of an echo reply with this payload.
fn is_reply_in_fragments(sent: &[Vec<u8>], longest: usize, payload: &[u8]) {
    let mut content = Vec::<u8>::new();
    let all = fragments(sent, longest);
    for (number, (offset, more, part)) in all.iter().enumerate() {
        assert_eq!(*offset, content.len());
        assert_eq!(*more, number + 1 < all.len());
        assert!(!more || part.len() % 8 == 0);
        content.extend(part);
    }
    let identifications: Vec<_> = sent.iter().map(|frame| &frame[14 + 44..14 + 48]).collect();
    assert!(identifications.windows(2).all(|two| two[0] == two[1]));
    // The whole packet, as the receiver puts it together.
    let mut whole = sent[0][..54].to_vec();
    whole[18..20].copy_from_slice(&(content.len() as u16).to_be_bytes());
    whole[20] = 58;
    whole.extend(content);
    let Some(Icmpv6Repr::EchoReply { data, .. }) = message(&whole) else {
        panic!("{whole:x?}")
    };
    assert_eq!(data, payload);
}

#[test]
fn a_reply_that_is_longer_than_the_path_takes_is_sent_in_fragments() {
    let mut machine = Machine::routed();
    let address = own("2001:db8::", 1);
    let far = ip("2001:db9::1");
    let payload: Vec<_> = (0..1400).map(|at| at as u8).collect();
    let whole = machine.hears(echo_request(far, address, &payload));
    assert_eq!(whole.len(), 1);
    // A router does not forward the reply.
    let too_big = |reply: &[u8], mtu: u32| {
        let mut message = std::vec![2, 0, 0, 0];
        message.extend(mtu.to_be_bytes());
        message.extend(&reply[14..14 + 1180]);
        icmp(ip("2001:db8:5::1"), address, 60, &message)
    };
    machine.hears(too_big(&whole[0], 1300));
    is_reply_in_fragments(
        &machine.hears(echo_request(far, address, &payload)),
        1300,
        &payload,
    );
    // Others get theirs whole, and the least MTU is not lowered.
    let other = echo_request(ip("2001:db9::2"), address, &payload);
    assert_eq!(machine.hears(other).len(), 1);
    machine.hears(too_big(&whole[0], 100));
    is_reply_in_fragments(
        &machine.hears(echo_request(far, address, &payload)),
        1280,
        &payload,
    );
    // After ten minutes, the reply is sent whole again (RFC 8201, 4).
    machine.until(700 * SECOND);
    assert_eq!(machine.hears(echo_request(far, address, &payload)).len(), 1);
    // A router gives the MTU of the link.
    machine.hears(advertise(1800, &[&[5, 1, 0, 0, 0, 0, 5, 0]]));
    let near = echo_request(OTHER, own("fe80::", 1), &payload);
    is_reply_in_fragments(&machine.hears(near), 1280, &payload);
}

#[test]
fn a_message_about_a_reply_from_another_address_is_ignored() {
    let mut machine = Machine::routed();
    let address = own("2001:db8::", 1);
    let far = ip("2001:db9::1");
    let mut whole = machine.hears(echo_request(far, address, &[1; 1400]));
    whole[0][14 + 8 + 15] ^= 1;
    let mut message = std::vec![2, 0, 0, 0, 0, 0, 5, 20];
    message.extend(&whole[0][14..14 + 100]);
    machine.hears(icmp(far, address, 60, &message));
    assert_eq!(
        machine.hears(echo_request(far, address, &[1; 1400])).len(),
        1
    );
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
    let error = [&[1, 4, 0, 0, 0, 0, 0, 0][..], &[0; 40]].concat();
    let request = [128, 0, 0, 0, 0, 7, 0, 1];
    for (message, errors) in [(&request[..], 1), (&error, 0)] {
        // After an unknown option. An error tells the sender about the option (RFC 8200, 4.2).
        let mut inner = icmp(OTHER, address, 64, message);
        inner.splice(54..54, [58, 0, 0x9e, 4, 0, 0, 0, 0]);
        inner[20] = 60;
        inner[19] += 8;
        assert_eq!(machine.hears(inner).len(), errors);
    }
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
