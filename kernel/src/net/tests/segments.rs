//! TCP segment by segment, as a peer made by hand sees it.

use core::time::Duration;

use embedded_io_async::{Read, Write};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, EthernetFrame, EthernetProtocol, IpAddress, IpProtocol, Ipv4Packet, TcpControl,
    TcpPacket, TcpRepr, TcpSeqNumber,
};

use super::super::{TCP_QUEUE, TcpError, TcpListener, TcpStream};
use super::frames::{arp, fragments, ipv4};
use super::*;

const PORT: u16 = 80;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// A segment that the machine sent.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    sequence: u32,
    acknowledgement: u32,
    flags: u8,
    window: u16,
    longest: Option<u16>,
    payload: Vec<u8>,
}

fn said(frame: &[u8]) -> Option<Said> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    if frame.ethertype() != EthernetProtocol::Ipv4 {
        return None;
    }
    let packet = Ipv4Packet::new_checked(frame.payload()).unwrap();
    assert!(packet.verify_checksum());
    let (from, to) = (packet.src_addr().into(), packet.dst_addr().into());
    let segment = TcpPacket::new_checked(packet.payload()).unwrap();
    assert!(segment.verify_checksum(&from, &to));
    let repr = TcpRepr::parse(&segment, &from, &to, &ChecksumCapabilities::default()).unwrap();
    Some(Said {
        sequence: segment.seq_number().0 as u32,
        acknowledgement: segment.ack_number().0 as u32,
        flags: packet.payload()[13],
        window: segment.window_len(),
        longest: repr.max_seg_size,
        payload: segment.payload().to_vec(),
    })
}

/// One end of a connection, made by hand: what it says next stands in it, for each test to change.
#[derive(Clone)]
struct Peer {
    port: u16,
    sequence: u32,
    acknowledgement: u32,
    window: u16,
    shift: Option<u8>,
    now: u64,
}

impl Peer {
    fn new(port: u16) -> Self {
        Self {
            port,
            sequence: 1000,
            acknowledgement: 0,
            window: 8000,
            shift: None,
            now: MILLISECOND,
        }
    }

    fn packet(&self, flags: u8, payload: &[u8]) -> Vec<u8> {
        let options = (flags & SYN != 0).then_some(1460);
        let repr = TcpRepr {
            src_port: self.port,
            dst_port: PORT,
            control: TcpControl::None,
            seq_number: TcpSeqNumber(self.sequence as i32),
            ack_number: (flags & ACK != 0).then_some(TcpSeqNumber(self.acknowledgement as i32)),
            window_len: self.window,
            window_scale: self.shift.filter(|_| flags & SYN != 0),
            max_seg_size: options,
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload,
        };
        let mut bytes = std::vec![0; repr.buffer_len()];
        let mut segment = TcpPacket::new_unchecked(&mut bytes[..]);
        let (from, to) = (IpAddress::Ipv4(B), IpAddress::Ipv4(A));
        repr.emit(&mut segment, &from, &to, &ChecksumCapabilities::default());
        segment.set_fin(flags & FIN != 0);
        segment.set_syn(flags & SYN != 0);
        segment.set_rst(flags & RST != 0);
        segment.set_psh(flags & PSH != 0);
        segment.fill_checksum(&from, &to);
        bytes
    }

    /// Says it, and returns what the machine says because of it.
    fn say(&self, machine: &mut Machine, flags: u8, payload: &[u8]) -> Vec<Said> {
        let frame = ipv4(B, IpProtocol::Tcp, &self.packet(flags, payload));
        machine.card.received.push_back(frame);
        self.hear(machine)
    }

    /// What the machine says of its own accord.
    fn hear(&self, machine: &mut Machine) -> Vec<Said> {
        let sent = machine.answers(self.now);
        sent.iter().filter_map(|frame| said(frame)).collect()
    }

    /// Opens the connection, and is what says the next segment then.
    fn open(&mut self, machine: &mut Machine) -> Said {
        let mut answers = self.say(machine, SYN, b"");
        assert_eq!(answers.len(), 1);
        let answer = answers.remove(0);
        assert_eq!(answer.flags, SYN | ACK);
        assert_eq!(answer.acknowledgement, self.sequence.wrapping_add(1));
        self.sequence = answer.acknowledgement;
        self.acknowledgement = answer.sequence.wrapping_add(1);
        assert!(self.say(machine, ACK, b"").is_empty());
        answer
    }

    /// Says data that is new.
    fn tell(&mut self, machine: &mut Machine, payload: &[u8]) -> Vec<Said> {
        let answers = self.say(machine, ACK | PSH, payload);
        self.sequence = self.sequence.wrapping_add(payload.len() as u32);
        answers
    }

    /// Turns the machine until `until`, and returns what it said and when.
    fn wait(&mut self, machine: &mut Machine, until: u64) -> Vec<(u64, Said)> {
        let mut all = Vec::new();
        loop {
            all.extend(self.hear(machine).into_iter().map(|said| (self.now, said)));
            match machine.stack.next_deadline() {
                Some(deadline) if deadline <= until => self.now = deadline.max(self.now + 1000),
                _ => break,
            }
        }
        self.now = until;
        all
    }
}

/// A machine that listens, and a peer that is connected.
fn connected() -> (Machine, TcpListener, TcpStream, Peer) {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let listener = machine.net.tcp_listen(PORT).unwrap();
    let mut peer = Peer::new(5000);
    peer.open(&mut machine);
    let stream = accepted(&listener);
    (machine, listener, stream, peer)
}

fn accepted(listener: &TcpListener) -> TcpStream {
    match poll_once(listener.accept()) {
        Poll::Ready(Ok(stream)) => stream,
        _ => panic!("no connection"),
    }
}

fn read(stream: &mut TcpStream) -> Poll<Result<Vec<u8>, TcpError>> {
    let mut buffer = std::vec![0; 2 * TCP_QUEUE];
    poll_once(stream.read(&mut buffer)).map_ok(|count| buffer[..count].to_vec())
}

fn write(stream: &mut TcpStream, bytes: &[u8]) -> usize {
    match poll_once(stream.write(bytes)) {
        Poll::Ready(Ok(count)) => count,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_connection_says_how_much_it_receives_and_takes_what_comes_in_order() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let listener = machine.net.tcp_listen(PORT).unwrap();
    let mut peer = Peer::new(5000);
    let answer = peer.open(&mut machine);
    assert_eq!(answer.longest, Some(1460));
    assert_eq!(usize::from(answer.window), TCP_QUEUE - 1);
    let mut stream = accepted(&listener);
    assert_eq!(stream.peer(), Some(at(B, 5000)));
    assert!(read(&mut stream).is_pending());
    // Nothing goes with the acknowledgement, so that it waits; one is enough for two segments.
    assert!(peer.tell(&mut machine, b"one").is_empty());
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"one".to_vec())));
    let said = peer.wait(&mut machine, SECOND);
    assert_eq!(said.len(), 1);
    assert!(said[0].0 < SECOND / 2, "it waited for {} ns", said[0].0);
    assert_eq!(said[0].1.acknowledgement, peer.sequence);
    peer.tell(&mut machine, &[2; 1460]);
    let answers = peer.tell(&mut machine, &[3; 1460]);
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].acknowledgement, peer.sequence);
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn a_segment_for_nobody_is_refused_and_a_refusal_is_not() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let mut peer = Peer::new(5000);
    peer.acknowledgement = 77;
    let answers = peer.say(&mut machine, SYN, b"");
    assert_eq!(answers.len(), 1);
    assert_eq!(
        (answers[0].flags, answers[0].acknowledgement),
        (RST | ACK, 1001)
    );
    let answers = peer.say(&mut machine, ACK, b"data");
    assert_eq!((answers[0].flags, answers[0].sequence), (RST, 77));
    for flags in [RST, RST | ACK, RST | SYN] {
        assert!(peer.say(&mut machine, flags, b"").is_empty());
    }
}

#[test]
fn what_comes_out_of_order_is_answered_at_once_and_kept() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    let first = peer.clone();
    peer.sequence += 3;
    for (text, kept) in [(&b"def"[..], 3), (b"def", 3), (b"defghi", 6)] {
        let answers = peer.say(&mut machine, ACK, text);
        assert_eq!(answers.len(), 1, "a gap is answered");
        assert_eq!(answers[0].acknowledgement, first.sequence);
        peer.sequence += kept - text.len() as u32;
    }
    assert!(read(&mut stream).is_pending());
    let answers = first.say(&mut machine, ACK, b"abc");
    assert_eq!(answers[0].acknowledgement, first.sequence + 9);
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"abcdefghi".to_vec())));
}

#[test]
fn data_that_was_had_is_answered_and_not_read_twice() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    let first = peer.clone();
    peer.tell(&mut machine, b"abc");
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"abc".to_vec())));
    for _ in 0..3 {
        let answers = first.say(&mut machine, ACK, b"abc");
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].acknowledgement, peer.sequence);
    }
    // What is new in a segment that begins with something old is taken.
    first.say(&mut machine, ACK, b"abcde");
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"de".to_vec())));
}

#[test]
fn more_than_the_window_is_cut_off_and_the_window_is_told_when_it_opens() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    let mut left = TCP_QUEUE;
    while left > 0 {
        let piece = left.min(1460);
        let answers = peer.tell(&mut machine, &std::vec![7; piece]);
        left -= piece;
        for answer in answers {
            assert!(usize::from(answer.window) <= left + 1);
        }
    }
    let answers = peer.say(&mut machine, ACK, b"too much");
    assert_eq!(answers.len(), 1, "a probe is answered");
    assert_eq!(
        (answers[0].window, answers[0].acknowledgement),
        (0, peer.sequence)
    );
    assert_eq!(
        read(&mut stream).map_ok(|bytes| bytes.len()),
        Poll::Ready(Ok(TCP_QUEUE))
    );
    let answers = peer.hear(&mut machine);
    assert_eq!(answers.len(), 1, "the peer hears of the window");
    assert_eq!(usize::from(answers[0].window), TCP_QUEUE - 1);
}

#[test]
fn what_is_not_acknowledged_is_sent_again_more_and_more_seldom() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    write(&mut stream, b"hello");
    let said = peer.wait(&mut machine, 40 * SECOND);
    let times: Vec<_> = said.iter().map(|(at, _)| at / MILLISECOND).collect();
    assert!(said.iter().all(|(_, said)| said.payload == b"hello"));
    assert_eq!(times.len(), 6, "{times:?}");
    for (index, pair) in times.windows(2).enumerate() {
        assert_eq!(pair[1] - pair[0], 1000 << index, "{times:?}");
    }
    peer.acknowledgement += 5;
    assert!(peer.say(&mut machine, ACK, b"").is_empty());
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn three_acknowledgements_of_the_same_have_the_first_segment_sent_again() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    peer.window = 30_000;
    peer.say(&mut machine, ACK, b"");
    write(&mut stream, &[9; 5 * 1460]);
    assert_eq!(peer.hear(&mut machine).len(), 5);
    assert!(peer.say(&mut machine, ACK, b"").is_empty());
    assert!(peer.say(&mut machine, ACK, b"").is_empty());
    let answers = peer.say(&mut machine, ACK, b"");
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].sequence, peer.acknowledgement);
    assert_eq!(answers[0].payload.len(), 1460);
    peer.acknowledgement += 5 * 1460;
    assert!(peer.say(&mut machine, ACK, b"").is_empty());
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn a_peer_without_room_is_asked_and_what_follows_begins_where_it_is() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    peer.window = 0;
    peer.say(&mut machine, ACK, b"");
    write(&mut stream, b"hello");
    let said = peer.wait(&mut machine, 10 * SECOND);
    assert!((3..6).contains(&said.len()), "{said:?}");
    for (_, probe) in &said {
        assert_eq!(probe.payload, b"h");
        assert!(peer.say(&mut machine, ACK, b"").is_empty());
    }
    peer.window = 100;
    let answers = peer.say(&mut machine, ACK, b"");
    assert_eq!(answers.len(), 1);
    assert_eq!(
        (answers[0].sequence, &answers[0].payload[..]),
        (peer.acknowledgement, &b"hello"[..])
    );
    peer.acknowledgement += 5;
    peer.say(&mut machine, ACK, b"");
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn a_probe_that_was_taken_is_not_sent_twice() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    peer.window = 0;
    peer.say(&mut machine, ACK, b"");
    write(&mut stream, b"hello");
    assert_eq!(peer.wait(&mut machine, 2 * SECOND)[0].1.payload, b"h");
    peer.window = 100;
    peer.acknowledgement += 1;
    let answers = peer.say(&mut machine, ACK, b"");
    assert_eq!(answers[0].payload, b"ello");
}

#[test]
fn no_more_is_under_way_than_the_peers_window_whether_it_is_shifted_or_not() {
    for (shift, window) in [(None, 2000), (Some(2), 500), (Some(14), 0)] {
        let mut machine = Machine::new(1, "10.0.2.15/24");
        let listener = machine.net.tcp_listen(PORT).unwrap();
        let mut peer = Peer::new(5000);
        peer.shift = shift;
        peer.open(&mut machine);
        peer.window = window;
        peer.say(&mut machine, ACK, b"");
        write(&mut accepted(&listener), &[1; 5000]);
        let sent: usize = peer
            .hear(&mut machine)
            .iter()
            .map(|said| said.payload.len())
            .sum();
        let room = usize::from(window) << shift.unwrap_or(0);
        // What is less than a segment waits until it is all that is left.
        assert!(sent <= room && sent + 1460 > room, "{sent} of {room}");
    }
}

#[test]
fn only_a_reset_in_its_place_ends_a_connection() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    let right = peer.sequence;
    for (place, answers) in [(right - 1, 0), (right + 70_000, 0), (right + 1, 1)] {
        peer.sequence = place;
        let said = peer.say(&mut machine, RST, b"");
        assert_eq!(said.len(), answers, "{place}");
        assert!(read(&mut stream).is_pending());
    }
    peer.sequence = right;
    assert!(peer.say(&mut machine, RST, b"").is_empty());
    assert_eq!(read(&mut stream), Poll::Ready(Err(TcpError::Reset)));
}

#[test]
fn a_request_for_a_connection_that_there_is_opens_no_second() {
    let (mut machine, listener, mut stream, mut peer) = connected();
    let right = peer.sequence;
    peer.sequence += 10;
    let answers = peer.say(&mut machine, SYN, b"");
    assert_eq!(answers.len(), 1);
    assert_eq!((answers[0].flags, answers[0].acknowledgement), (ACK, right));
    // Once a second is enough for what makes no sense.
    assert!(peer.say(&mut machine, SYN, b"").is_empty());
    assert!(poll_once(listener.accept()).is_pending());
    peer.sequence = right;
    peer.tell(&mut machine, b"still there");
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"still there".to_vec())));
}

#[test]
fn a_request_that_is_repeated_is_answered_again() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let _listener = machine.net.tcp_listen(PORT).unwrap();
    let peer = Peer::new(5000);
    let first = peer.say(&mut machine, SYN, b"");
    let second = peer.say(&mut machine, SYN, b"");
    assert_eq!(first, second);
}

#[test]
fn a_request_that_is_taken_back_leaves_room_for_another() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let _listener = machine.net.tcp_listen_with(PORT, 1).unwrap();
    let mut peer = Peer::new(5000);
    assert_eq!(peer.say(&mut machine, SYN, b"").len(), 1);
    let mut other = Peer::new(5001);
    assert!(other.say(&mut machine, SYN, b"").is_empty());
    peer.sequence += 1;
    assert!(peer.say(&mut machine, RST, b"").is_empty());
    other.open(&mut machine);
    assert_eq!(machine.stack.statistics().backlog_full, 1);
}

#[test]
fn whoever_only_asks_is_forgotten_in_time() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let _listener = machine.net.tcp_listen(PORT).unwrap();
    let mut peer = Peer::new(5000);
    peer.say(&mut machine, SYN, b"");
    let said = peer.wait(&mut machine, 60 * SECOND);
    assert!((2..6).contains(&said.len()), "{said:?}");
    assert_eq!(said.last().unwrap().1.flags, RST | ACK);
    assert!(said.last().unwrap().0 <= 11 * SECOND);
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_is_answered_and_not_believed() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    write(&mut stream, b"hello");
    peer.hear(&mut machine);
    let right = peer.acknowledgement;
    peer.acknowledgement = right + 100;
    let answers = peer.say(&mut machine, ACK, b"x");
    assert_eq!((answers.len(), answers[0].flags), (1, ACK));
    assert!(read(&mut stream).is_pending());
    assert!(poll_once(stream.flush()).is_pending());
    peer.acknowledgement = right + 5;
    peer.say(&mut machine, ACK, b"");
    assert_eq!(poll_once(stream.flush()), Poll::Ready(Ok(())));
}

#[test]
fn a_segment_with_a_wrong_checksum_is_dropped_and_counted() {
    let (mut machine, _listener, mut stream, peer) = connected();
    let mut packet = peer.packet(ACK, b"hello");
    packet[22] ^= 1;
    assert!(machine.answer(ipv4(B, IpProtocol::Tcp, &packet)).is_empty());
    assert!(read(&mut stream).is_pending());
    assert_eq!(machine.stack.statistics().wrong_checksum, 1);
}

#[test]
fn a_segment_in_fragments_and_one_behind_options_of_ip_are_taken() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    let whole = ipv4(B, IpProtocol::Tcp, &peer.packet(ACK, &[5; 400]));
    let mut pieces = fragments(&whole, 200);
    pieces.reverse();
    machine.card.received.extend(pieces);
    peer.hear(&mut machine);
    assert_eq!(read(&mut stream), Poll::Ready(Ok(std::vec![5; 400])));
    peer.sequence += 400;
    let plain = ipv4(B, IpProtocol::Tcp, &peer.packet(ACK, b"options"));
    let mut frame = plain[..34].to_vec();
    frame[14] = 0x46;
    frame.extend([1; 4]);
    frame.extend(&plain[34..]);
    let length = (frame.len() - 14) as u16;
    frame[16..18].copy_from_slice(&length.to_be_bytes());
    Ipv4Packet::new_unchecked(&mut frame[14..]).fill_checksum();
    machine.answer(frame);
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"options".to_vec())));
}

#[test]
fn a_connection_ends_in_order_from_either_side() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    let answers = peer.say(&mut machine, FIN | ACK, b"bye");
    peer.sequence += 4;
    assert_eq!(answers[0].acknowledgement, peer.sequence);
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"bye".to_vec())));
    assert_eq!(read(&mut stream), Poll::Ready(Ok(Vec::new())));
    write(&mut stream, b"you too");
    drop(stream);
    let answers = peer.hear(&mut machine);
    assert_eq!(answers[0].flags, ACK | PSH | FIN);
    assert_eq!(answers[0].payload, b"you too");
    peer.acknowledgement += 8;
    assert!(peer.say(&mut machine, ACK, b"").is_empty());
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);

    let (mut machine, _listener, mut stream, mut peer) = connected();
    stream.shut_down();
    assert_eq!(peer.hear(&mut machine)[0].flags, ACK | FIN);
    peer.acknowledgement += 1;
    peer.say(&mut machine, ACK, b"");
    peer.tell(&mut machine, b"more");
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"more".to_vec())));
    let answers = peer.say(&mut machine, FIN | ACK, b"");
    assert_eq!(answers[0].acknowledgement, peer.sequence + 1);
    // A FIN whose acknowledgement was lost is answered again.
    assert_eq!(peer.say(&mut machine, FIN | ACK, b"").len(), 1);
    drop(stream);
    assert_eq!(machine.stack.inner.borrow().connections.count(), 1);
    peer.wait(&mut machine, 30 * SECOND);
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
}

#[test]
fn both_ends_may_say_goodbye_at_the_same_time() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    stream.shut_down();
    assert_eq!(peer.hear(&mut machine)[0].flags, ACK | FIN);
    let answers = peer.say(&mut machine, FIN | ACK, b"");
    peer.sequence += 1;
    assert_eq!(answers[0].acknowledgement, peer.sequence);
    peer.acknowledgement += 1;
    peer.say(&mut machine, ACK, b"");
    drop(stream);
    peer.wait(&mut machine, 30 * SECOND);
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
}

#[test]
fn a_peer_may_connect_again_from_the_port_of_a_connection_that_is_only_remembered() {
    let (mut machine, listener, mut stream, mut peer) = connected();
    stream.shut_down();
    peer.hear(&mut machine);
    peer.acknowledgement += 1;
    peer.say(&mut machine, FIN | ACK, b"");
    drop(stream);
    peer.hear(&mut machine);
    // An old request is none; one that goes on behind the old connection is.
    peer.sequence -= 100;
    let answers = peer.say(&mut machine, SYN, b"");
    assert!(answers.iter().all(|answer| answer.flags == ACK));
    peer.sequence += 10_000;
    peer.open(&mut machine);
    let mut stream = accepted(&listener);
    peer.tell(&mut machine, b"again");
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"again".to_vec())));
}

#[test]
fn data_for_nobody_ends_what_was_closed_and_what_was_written_arrives_before() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    write(&mut stream, b"answer");
    drop(stream);
    assert_eq!(peer.hear(&mut machine)[0].payload, b"answer");
    // As long as the answer is under way, what comes is thrown away.
    peer.tell(&mut machine, b"question");
    peer.acknowledgement += 7;
    peer.say(&mut machine, ACK, b"");
    let answers = peer.tell(&mut machine, b"hello?");
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].flags, RST | ACK);
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
}

#[test]
fn a_silent_peer_is_asked_for_a_sign_of_life_and_given_up_without_one() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    stream.set_keep_alive(Some(Duration::from_secs(20)));
    for _ in 0..3 {
        let until = peer.now + 21 * SECOND;
        let said = peer.wait(&mut machine, until);
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].1.sequence, peer.acknowledgement - 1);
        peer.say(&mut machine, ACK, b"");
    }
    let begun = peer.now;
    let said = peer.wait(&mut machine, begun + 400 * SECOND);
    assert_eq!(said.last().unwrap().1.flags, RST | ACK);
    let took = (said.last().unwrap().0 - begun) / SECOND;
    assert!((180..=202).contains(&took), "{took} s");
    assert_eq!(read(&mut stream), Poll::Ready(Err(TcpError::Reset)));
}

#[test]
fn a_sign_of_life_is_given_when_asked_for() {
    let (mut machine, _listener, _stream, mut peer) = connected();
    peer.sequence -= 1;
    let answers = peer.say(&mut machine, ACK, b"");
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].acknowledgement, peer.sequence + 1);
    let answers = peer.say(&mut machine, ACK, b"\0");
    assert_eq!(answers.len(), 1);
}

#[test]
fn small_pieces_wait_while_others_are_under_way() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    write(&mut stream, b"a");
    assert_eq!(peer.hear(&mut machine)[0].payload, b"a");
    write(&mut stream, b"b");
    write(&mut stream, b"c");
    assert!(peer.hear(&mut machine).is_empty());
    peer.acknowledgement += 1;
    assert_eq!(peer.say(&mut machine, ACK, b"")[0].payload, b"bc");
}

#[test]
fn a_device_without_room_costs_no_segment() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    machine.card.room = Some(2);
    write(&mut stream, &[1; 4 * 1460]);
    assert_eq!(peer.hear(&mut machine).len(), 2);
    let retry = machine.stack.next_deadline().unwrap();
    assert!(retry > peer.now && retry < peer.now + 10 * MILLISECOND);
    machine.card.room = None;
    let said = peer.wait(&mut machine, retry);
    assert_eq!(said.len(), 2);
    assert_eq!(machine.stack.statistics().device_full, 1);
}

#[test]
fn connections_take_turns_when_there_is_more_to_send_than_a_turn_allows() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let listener = machine.net.tcp_listen(PORT).unwrap();
    let mut streams = Vec::new();
    for port in [5000, 5001] {
        let mut peer = Peer::new(port);
        peer.window = 60_000;
        peer.open(&mut machine);
        // Some round trips, for the congestion window to grow.
        let mut stream = accepted(&listener);
        for _ in 0..5 {
            write(&mut stream, &[1; 20 * 1460]);
            for said in peer.hear(&mut machine) {
                peer.acknowledgement += said.payload.len() as u32;
            }
            for said in peer.say(&mut machine, ACK, b"") {
                peer.acknowledgement += said.payload.len() as u32;
            }
            peer.say(&mut machine, ACK, b"");
        }
        streams.push(stream);
    }
    for stream in &mut streams {
        write(stream, &[1; 20 * 1460]);
    }
    let mut turn = || {
        machine.stack.egress(&mut machine.card, SECOND, BUDGET);
        let sent: Vec<_> = machine.card.sent.drain(..).collect();
        assert!(sent.len() <= BUDGET);
        u16::from_be_bytes([sent[0][36], sent[0][37]])
    };
    let first = turn();
    assert_ne!(first, turn());
}

#[test]
fn an_address_that_is_given_up_ends_its_connections() {
    let (mut machine, _listener, mut stream, peer) = connected();
    machine.net.configure("10.0.2.16/24".parse().unwrap());
    peer.hear(&mut machine);
    assert_eq!(read(&mut stream), Poll::Ready(Err(TcpError::Reset)));
    drop(stream);
    peer.hear(&mut machine);
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
}

#[test]
fn a_connection_asks_the_router_for_what_is_elsewhere() {
    let mut machine = Machine::new(1, "10.0.2.15/24,10.0.2.2");
    let far = at(Ipv4Addr::new(192, 0, 2, 1), 80);
    let net = machine.net;
    let mut connecting = pin!(net.tcp_connect(far));
    let mut context = Context::from_waker(Waker::noop());
    assert!(connecting.as_mut().poll(&mut context).is_pending());
    let question = &machine.answers(MILLISECOND)[0];
    assert_eq!(question[38..42], B.octets());
}

#[test]
fn a_connection_follows_its_peer_to_another_card() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    write(&mut stream, b"hello");
    peer.hear(&mut machine);
    // Nothing is heard for long: the address is asked for again.
    let mut asked = false;
    while peer.now < 60 * SECOND && !asked {
        peer.now = machine.stack.next_deadline().unwrap().max(peer.now + 1000);
        asked = machine
            .answers(peer.now)
            .iter()
            .any(|frame| frame[12..14] == [8, 6]);
    }
    assert!(asked);
    let mut reply = arp(ArpOperation::Reply, B, A);
    let card = [2, 0, 0, 0, 0, 8];
    reply[22..28].copy_from_slice(&card);
    machine.answer(reply);
    peer.now = machine.stack.next_deadline().unwrap();
    let again = &machine.answers(peer.now)[0];
    assert_eq!(said(again).unwrap().payload, b"hello");
    assert_eq!(again[..6], card);
}

#[test]
fn no_segment_whatever_it_holds_is_more_than_the_machine_can_take() {
    let mut random = 1u32;
    let mut next = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        random >> 8
    };
    for round in 0..40 {
        let (mut machine, listener, mut stream, mut peer) = connected();
        let mut others = Vec::new();
        for step in 0..200 {
            let mut wild = peer.clone();
            let near = |place: u32, random: u32| match random % 4 {
                0 => place,
                1 => place.wrapping_add(random % 3000),
                2 => place.wrapping_sub(random % 3000),
                _ => random.wrapping_mul(77_777),
            };
            wild.sequence = near(wild.sequence, next());
            wild.acknowledgement = near(wild.acknowledgement, next());
            wild.window = next() as u16;
            let mut packet =
                wild.packet((next() & 0x1f) as u8, &std::vec![3; next() as usize % 1400]);
            if next() % 8 == 0 {
                packet[12] = next() as u8;
                let (from, to) = (IpAddress::Ipv4(B), IpAddress::Ipv4(A));
                TcpPacket::new_unchecked(&mut packet[..]).fill_checksum(&from, &to);
            }
            machine
                .card
                .received
                .push_back(ipv4(B, IpProtocol::Tcp, &packet));
            peer.now += u64::from(next() % 100) * MILLISECOND;
            machine.answers(peer.now);
            match step % 7 {
                0 => drop(poll_once(stream.write(&[1; 3000]))),
                1 => drop(read(&mut stream)),
                2 if round % 2 == 0 => stream.shut_down(),
                3 => {
                    if let Poll::Ready(Ok(other)) = poll_once(listener.accept()) {
                        others.push(other);
                    }
                }
                _ => {}
            }
        }
        drop((stream, others));
        peer.wait(&mut machine, peer.now + 1000 * SECOND);
        assert_eq!(machine.stack.next_deadline(), None, "round {round}");
        drop(listener);
        peer.wait(&mut machine, peer.now + 1000 * SECOND);
        assert_eq!(
            machine.stack.inner.borrow().connections.count(),
            0,
            "round {round}"
        );
    }
}
