//! Tests of TCP segment by segment, with a simulated peer.

mod ending;
mod half_open;
mod opening;
mod path;
mod receiving;
mod recovering;
mod sending;
mod strangers;

use embedded_io_async::{Read, Write};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, EthernetFrame, EthernetProtocol, IpAddress, IpProtocol, Ipv4Packet, TcpControl,
    TcpPacket, TcpRepr, TcpSeqNumber,
};

use super::super::{TCP_BACKLOG, TCP_QUEUE, TcpError, TcpListener, TcpStream};
use super::frames::{arp, fragments, ipv4};
use super::*;

const PORT: u16 = 80;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// A segment sent by the machine.
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

/// The simulated peer of a connection. It contains its next segment, which a test can change.
#[derive(Clone)]
struct Peer {
    address: Ipv4Addr,
    port: u16,
    /// The port on the machine.
    to: u16,
    sequence: u32,
    acknowledgement: u32,
    window: u16,
    shift: Option<u8>,
    /// The longest segment that it asks for.
    longest: u16,
    now: u64,
}

impl Peer {
    fn new(port: u16) -> Self {
        Self {
            address: B,
            port,
            to: PORT,
            sequence: 1000,
            acknowledgement: 0,
            window: 8000,
            shift: None,
            longest: 1460,
            now: MILLISECOND,
        }
    }

    fn packet(&self, flags: u8, payload: &[u8]) -> Vec<u8> {
        let options = (flags & SYN != 0).then_some(self.longest);
        let repr = TcpRepr {
            src_port: self.port,
            dst_port: self.to,
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
        let (from, to) = (IpAddress::Ipv4(self.address), IpAddress::Ipv4(A));
        repr.emit(&mut segment, &from, &to, &ChecksumCapabilities::default());
        segment.set_fin(flags & FIN != 0);
        segment.set_syn(flags & SYN != 0);
        segment.set_rst(flags & RST != 0);
        segment.set_psh(flags & PSH != 0);
        segment.fill_checksum(&from, &to);
        bytes
    }

    /// Sends the segment, and returns the machine's answers.
    fn say(&self, machine: &mut Machine, flags: u8, payload: &[u8]) -> Vec<Said> {
        let frame = ipv4(self.address, IpProtocol::Tcp, &self.packet(flags, payload));
        machine.card.received.push_back(frame);
        self.hear(machine)
    }

    /// Returns the segments that the machine sends on its own.
    fn hear(&self, machine: &mut Machine) -> Vec<Said> {
        let sent = machine.answers(self.now);
        let deadline = machine.stack.next_deadline();
        assert!(
            deadline.is_none_or(|deadline| deadline > self.now),
            "the loop would turn without rest"
        );
        sent.iter().filter_map(|frame| said(frame)).collect()
    }

    /// Opens the connection, and returns the peer with its next segment.
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

    /// Sends new data.
    fn tell(&mut self, machine: &mut Machine, payload: &[u8]) -> Vec<Said> {
        let answers = self.say(machine, ACK | PSH, payload);
        self.sequence = self.sequence.wrapping_add(payload.len() as u32);
        answers
    }

    /// Runs the machine until `until`, and returns the segments that it sent, with their times.
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

/// Returns a machine that listens, and a connected peer.
fn connected() -> (Machine, TcpListener, TcpStream, Peer) {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let listener = machine.net.tcp_listen(PORT).unwrap();
    let mut peer = Peer::new(5000);
    peer.open(&mut machine);
    let stream = accepted(&listener);
    // Keep-alive has separate tests.
    stream.set_keep_alive(None);
    peer.hear(&mut machine);
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
