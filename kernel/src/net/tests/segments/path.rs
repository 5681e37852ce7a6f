//! Tests of path MTU discovery (RFC 1191), with routers and with attackers (RFC 5927).

use smoltcp::wire::Ipv4Packet;

use super::*;

/// Returns the message of a router with an MTU of `limit` bytes about a packet with a segment.
fn too_long(limit: u16, port: u16, remote: u16, sequence: u32) -> Vec<u8> {
    let mut quoted = std::vec![0; 28];
    {
        let mut header = Ipv4Packet::new_unchecked(&mut quoted[..]);
        header.set_version(4);
        header.set_header_len(20);
        header.set_total_len(1500);
        header.set_next_header(IpProtocol::Tcp);
        header.set_src_addr(A);
        header.set_dst_addr(B);
        header.fill_checksum();
    }
    quoted[20..22].copy_from_slice(&port.to_be_bytes());
    quoted[22..24].copy_from_slice(&remote.to_be_bytes());
    quoted[24..28].copy_from_slice(&sequence.to_be_bytes());
    let mut message = std::vec![3, 4, 0, 0, 0, 0];
    message.extend(limit.to_be_bytes());
    message.extend(quoted);
    let sum: u32 = message
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let sum = !(((sum & 0xffff) + (sum >> 16)) as u16);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    ipv4(Ipv4Addr::new(192, 0, 2, 1), IpProtocol::Icmp, &message)
}

/// Returns the segments that the machine sends in response to the frame.
fn said_to(machine: &mut Machine, peer: &Peer, frame: Vec<u8>) -> Vec<Said> {
    machine.card.received.push_back(frame);
    peer.hear(machine)
}

fn sending() -> (Machine, TcpListener, TcpStream, Peer) {
    let (mut machine, listener, mut stream, mut peer) = connected();
    peer.window = 60_000;
    peer.say(&mut machine, ACK, b"");
    write(&mut stream, &[7; 4 * 1460]);
    assert_eq!(peer.hear(&mut machine).len(), 4);
    (machine, listener, stream, peer)
}

#[test]
fn a_smaller_mtu_from_a_router_is_used_and_lost_data_is_sent_again() {
    for (limit, longest) in [(1400, 1360), (576, 536), (100, 512), (0, 536)] {
        let (mut machine, _listener, mut stream, mut peer) = sending();
        let first = peer.acknowledgement;
        let frame = too_long(limit, PORT, 5000, first + 1460);
        let mut said = said_to(&mut machine, &peer, frame);
        assert_eq!(said[0].sequence, first);
        let mut received = 0;
        while received < 4 * 1460 {
            assert!(!said.is_empty(), "{limit}: it stops after {received}");
            for segment in core::mem::take(&mut said) {
                assert!(segment.payload.len() <= longest, "{limit}");
                assert_eq!(segment.sequence, peer.acknowledgement);
                peer.acknowledgement += segment.payload.len() as u32;
                received += segment.payload.len();
            }
            said = peer.say(&mut machine, ACK, b"");
        }
        assert_eq!(machine.net.tcp_statistics().shortened, 1);
        write(&mut stream, &[8; 1460]);
        assert_eq!(peer.hear(&mut machine)[0].payload.len(), longest);
    }
}

#[test]
fn longer_segments_are_tried_again_after_ten_minutes() {
    let (mut machine, _listener, mut stream, mut peer) = sending();
    let first = peer.acknowledgement;
    let said = said_to(&mut machine, &peer, too_long(1000, PORT, 5000, first));
    assert!(said.iter().all(|segment| segment.payload.len() <= 960));
    peer.acknowledgement = first + 4 * 1460;
    peer.say(&mut machine, ACK, b"");
    let mut lengths = Vec::new();
    for minute in 0..22 {
        // The peer is heard from all the time.
        peer.now += 60 * SECOND;
        peer.say(&mut machine, ACK, b"");
        write(&mut stream, &[8; 1460]);
        let said = peer.hear(&mut machine);
        lengths.push(said[0].payload.len());
        let total: usize = said.iter().map(|segment| segment.payload.len()).sum();
        let mut missing = 1460 - total;
        peer.acknowledgement += total as u32;
        while missing > 0 {
            let said = peer.say(&mut machine, ACK, b"");
            let total: usize = said.iter().map(|segment| segment.payload.len()).sum();
            assert!(total > 0, "minute {minute}: {missing} bytes are missing");
            missing -= total;
            peer.acknowledgement += total as u32;
        }
        peer.say(&mut machine, ACK, b"");
    }
    let raised = lengths.iter().position(|length| *length == 1460);
    assert!(
        raised.is_some_and(|minute| (9..=10).contains(&minute)),
        "{lengths:?}"
    );
    assert!(
        lengths[..9].iter().all(|length| *length == 960),
        "{lengths:?}"
    );
    assert!(
        lengths[10..].iter().all(|length| *length == 1460),
        "{lengths:?}"
    );
    // A further message lowers it again, and the next attempt is ten minutes later.
    write(&mut stream, &[9; 1460]);
    assert_eq!(peer.hear(&mut machine)[0].payload.len(), 1460);
    let sequence = peer.acknowledgement;
    let said = said_to(&mut machine, &peer, too_long(1000, PORT, 5000, sequence));
    assert_eq!(said[0].payload.len(), 960);
    assert_eq!(machine.net.tcp_statistics().shortened, 2);
}

#[test]
fn a_forged_mtu_message_changes_nothing() {
    let (mut machine, _listener, mut stream, mut peer) = sending();
    let first = peer.acknowledgement;
    for (limit, port, remote, sequence) in [
        (576, PORT, 5000, first - 1),
        (576, PORT, 5000, first + 4 * 1460),
        (576, PORT, 5001, first),
        (576, PORT + 1, 5000, first),
        (1500, PORT, 5000, first),
        (9000, PORT, 5000, first),
    ] {
        let frame = too_long(limit, port, remote, sequence);
        assert_eq!(said_to(&mut machine, &peer, frame), []);
    }
    let mut wrong = too_long(576, PORT, 5000, first);
    let last = wrong.len() - 30;
    wrong[last] ^= 1;
    assert_eq!(said_to(&mut machine, &peer, wrong), []);
    for length in 34..34 + 36 {
        let frame = too_long(576, PORT, 5000, first)[..length].to_vec();
        assert_eq!(said_to(&mut machine, &peer, frame), []);
    }
    peer.acknowledgement += 4 * 1460;
    peer.say(&mut machine, ACK, b"");
    write(&mut stream, &[8; 1460]);
    assert_eq!(peer.hear(&mut machine)[0].payload.len(), 1460);
    // If nothing is in flight, the message is ignored.
    peer.acknowledgement += 1460;
    peer.say(&mut machine, ACK, b"");
    let frame = too_long(576, PORT, 5000, peer.acknowledgement);
    assert_eq!(said_to(&mut machine, &peer, frame), []);
    assert_eq!(machine.net.tcp_statistics().shortened, 0);
}
