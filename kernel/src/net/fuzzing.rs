//! The network stack as a function of received data.

use core::cell::Cell;
use std::boxed::Box;
use std::collections::VecDeque;
use std::rc::Rc;
use std::vec::Vec;

use vmos_drivers::dma::{Frame, Frames};

use super::dhcp::Client;
use super::resolver::message;
use super::{Device, Ip, Net, Stack};

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// The largest number of frames per turn.
const BUDGET: usize = 16;

std::thread_local! {
    static CLOCK: Cell<u64> = const { Cell::new(0) };
}

/// A network device that receives frames from a list, and accepts all sent frames.
struct Card {
    frames: Rc<Frames>,
    received: VecDeque<Vec<u8>>,
    longest_answer: usize,
}

impl Device for Card {
    fn mac(&self) -> [u8; 6] {
        MAC
    }

    fn max_frame(&self) -> usize {
        1514
    }

    fn frames(&self) -> &Rc<Frames> {
        &self.frames
    }

    fn arrived(&mut self) -> usize {
        self.received.len()
    }

    fn take(&mut self) -> Option<Frame> {
        let bytes = self.received.pop_front()?;
        let mut frame = self.frames.take_for(bytes.len()).ok()?;
        frame.set_len(bytes.len());
        frame.set_changed(false);
        frame.bytes_mut().copy_from_slice(&bytes);
        Some(frame)
    }

    fn room(&mut self) -> usize {
        usize::MAX
    }

    fn send(&mut self, frame: Frame) {
        self.longest_answer = self.longest_answer.max(frame.bytes().len());
        self.frames.give(frame);
    }
}

/// Passes frames to a machine with a UDP and a TCP port, with IPv6 if it is compiled in. Each has
/// two bytes of length, one byte with the tenths of a second before it, and its content.
pub fn frames(bytes: &[u8]) {
    CLOCK.set(0);
    let mut card = Card {
        frames: Rc::new(Frames::new(1514)),
        received: VecDeque::new(),
        longest_answer: 0,
    };
    let Ok(ip) = "10.0.2.15/24,10.0.2.2".parse::<Ip>() else {
        return;
    };
    let stack = Box::leak(Stack::new(&mut card, ip, 7, || CLOCK.get()));
    let net = Net::new(stack);
    let ports = (net.udp(7), net.tcp_listen(7));
    let (mut rest, mut now) = (bytes, 0);
    #[cfg(feature = "ipv6")]
    {
        use super::Ip6;
        stack.configure_ipv6(Ip6::Auto);
        // By then, its link-local address is checked.
        for second in 1..4 {
            now = second * 1_000_000_000;
            CLOCK.set(now);
            stack.begin_turn(now);
            while stack.ingress(&mut card, now, BUDGET) | stack.egress(&mut card, now, BUDGET) {}
        }
    }
    while let [high, low, pause, more @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]) % 1515);
        let (frame, behind) = more.split_at(length.min(more.len()));
        rest = behind;
        now += u64::from(*pause) * 100_000_000;
        CLOCK.set(now);
        card.received.push_back(frame.to_vec());
        let mut turns = 0;
        loop {
            stack.begin_turn(now);
            let more = stack.ingress(&mut card, now, BUDGET);
            let more = stack.egress(&mut card, now, BUDGET) || more;
            turns += 1;
            assert!(turns < 1000, "the network stack never becomes idle");
            if !more {
                break;
            }
        }
        assert!(card.longest_answer <= 1514, "{}", card.longest_answer);
    }
    drop(ports);
}

/// Passes answers of DHCP servers to the client. Each has one byte of length in units of 8, and the
/// part of the message after its number and hardware address, which are always right.
pub fn dhcp_answers(bytes: &[u8]) {
    let mut client = Client::new(MAC, 7);
    let mut now = 1;
    client.link(true, now, false);
    let mut rest = bytes;
    for _ in 0..32 {
        let _ = client.work(now);
        let [length, more @ ..] = rest else { return };
        let (part, behind) = more.split_at((usize::from(*length) * 8).min(more.len()));
        rest = behind;
        let mut answer = part.to_vec();
        answer.resize(answer.len().max(240), 0);
        answer[..3].copy_from_slice(&[2, 1, 6]);
        answer[4..8].copy_from_slice(&client.transaction().unwrap_or(0).to_be_bytes());
        answer[28..34].copy_from_slice(&MAC);
        answer[236..240].copy_from_slice(&[99, 130, 83, 99]);
        let _ = client.hear(&answer, now);
        // The next action is due within a year, or never.
        now = client.deadline().min(now + 1_000_000_000);
    }
}

/// Passes an answer of a name server to the resolver.
pub fn name_answers(bytes: &[u8]) {
    name_answers_of::<core::net::Ipv4Addr>(bytes);
    #[cfg(feature = "ipv6")]
    name_answers_of::<core::net::Ipv6Addr>(bytes);
}

fn name_answers_of<V: message::Version>(bytes: &[u8]) {
    let mut room = [0; message::MESSAGE];
    if let Some(question) = message::question::<V>(&mut room, 0x1234, "example.org") {
        let mut answer = question.to_vec();
        answer[2] |= 0x80;
        answer.extend_from_slice(bytes);
        core::hint::black_box(message::answer::<V>(&answer, question).is_some());
        core::hint::black_box(message::answer::<V>(bytes, question).is_some());
    }
}
