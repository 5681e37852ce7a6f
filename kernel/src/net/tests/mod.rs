//! Tests of the stack on a simulated wire.

#[cfg(feature = "edge-nal")]
mod adapters;
mod answers;
mod dhcp;
mod dhcp_conflicts;
mod dhcp_servers;
pub(super) mod frames;
mod groups;
mod interop;
mod ip;
#[cfg(feature = "ipv6")]
mod ipv6;
mod limits;
mod malformed;
mod neighbours;
#[cfg(feature = "networks")]
mod networks;
mod ping;
#[cfg(feature = "raw")]
mod raw;
mod reassembly;
mod recovery;
mod resolver;
mod segments;
mod silence;
mod tcp;
mod tcp_handles;
mod udp;

use core::cell::Cell;
use core::future::Future;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::boxed::Box;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;
use std::vec::Vec;

use vmos_drivers::dma::{Frame, Frames};

use super::{Device, Net, Stack};

const A: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
const B: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// The limit of frames received per turn; about the same number are sent.
const BUDGET: usize = 16;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1000 * MILLISECOND;

std::thread_local! {
    /// The time of the machines' clock, in nanoseconds.
    static CLOCK: Cell<u64> = const { Cell::new(0) };
}

/// A network device with a queue in each direction.
struct Card {
    mac: [u8; 6],
    frames: Rc<Frames>,
    received: VecDeque<Vec<u8>>,
    sent: VecDeque<Vec<u8>>,
    /// The number of further frames that can be sent.
    room: Option<usize>,
    /// The length of the longest frame that its driver sends.
    limit: usize,
    unsent: usize,
}

struct Room<'a>(&'a mut VecDeque<Vec<u8>>, &'a mut Option<usize>);

impl Card {
    fn place(&mut self) -> Option<Room<'_>> {
        (self.room != Some(0)).then_some(Room(&mut self.sent, &mut self.room))
    }
}

impl Device for Card {
    fn mac(&self) -> [u8; 6] {
        self.mac
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
        let mut frame = self.frames.take_for(bytes.len()).unwrap();
        frame.set_len(bytes.len());
        frame.set_changed(false);
        frame.bytes_mut().copy_from_slice(&bytes);
        Some(frame)
    }

    fn room(&mut self) -> usize {
        self.room.unwrap_or(usize::MAX)
    }

    fn take_unsent(&mut self) -> usize {
        core::mem::take(&mut self.unsent)
    }

    fn send(&mut self, frame: Frame) {
        if frame.len() > self.limit {
            self.unsent += 1;
        } else if let Some(Room(sent, room)) = self.place() {
            sent.push_back(frame.bytes().to_vec());
            if let Some(room) = room {
                *room -= 1;
            }
        }
        self.frames.give(frame);
    }
}

/// A machine: a stack and its device.
struct Machine {
    stack: &'static Stack,
    net: Net,
    card: Card,
}

impl Machine {
    fn new(last: u8, ip: &str) -> Self {
        CLOCK.set(0);
        let mut card = Card {
            mac: [2, 0, 0, 0, 0, last],
            frames: Rc::new(Frames::new(1514)),
            received: VecDeque::new(),
            sent: VecDeque::new(),
            room: None,
            limit: 1514,
            unsent: 0,
        };
        let stack = Stack::new(&mut card, ip.parse().unwrap(), u64::from(last) << 8, || {
            CLOCK.get()
        });
        let stack: &'static Stack = Box::leak(stack);
        Self {
            stack,
            net: Net::new(stack),
            card,
        }
    }

    /// Runs one turn of its loop without tasks: as in the kernel, the stack is not called if no
    /// frame has arrived and it is not due. Returns whether anything was received or sent.
    fn turn(&mut self, now: u64) -> bool {
        CLOCK.set(now);
        self.stack.begin_turn(now);
        if self.card.received.is_empty() && self.stack.due() > now {
            return false;
        }
        let before = self.stack.statistics();
        let more = self.stack.ingress(&mut self.card, now, BUDGET);
        let more = self.stack.egress(&mut self.card, now, BUDGET) || more;
        let after = self.stack.statistics();
        more || before.frames_received != after.frames_received
            || before.frames_sent != after.frames_sent
    }

    /// Runs turns until everything received is answered; returns the answers.
    fn answers(&mut self, now: u64) -> Vec<Vec<u8>> {
        while self.turn(now) {}
        self.card.sent.drain(..).collect()
    }

    /// Passes one frame to the machine, and returns the frames that it sends in answer.
    fn answer(&mut self, frame: Vec<u8>) -> Vec<Vec<u8>> {
        self.card.received.push_back(frame);
        self.answers(MILLISECOND)
    }
}

/// Two machines connected by a cable.
struct Cable {
    a: Machine,
    b: Machine,
    now: u64,
    cut: bool,
    /// The seed for losing, duplicating and reordering frames; 0 for none.
    harm: u32,
}

impl Cable {
    fn new() -> Self {
        Self {
            a: Machine::new(1, "10.0.2.15/24"),
            b: Machine::new(2, "10.0.2.2/24"),
            now: MILLISECOND,
            cut: false,
            harm: 0,
        }
    }

    /// Runs one turn of both machines. Returns whether anything happened.
    fn turn(&mut self) -> bool {
        let a = self.a.turn(self.now);
        let b = self.b.turn(self.now);
        if self.cut {
            self.a.card.sent.clear();
            self.b.card.sent.clear();
        }
        harm(&mut self.harm, &mut self.a.card.sent);
        harm(&mut self.harm, &mut self.b.card.sent);
        self.b.card.received.append(&mut self.a.card.sent);
        self.a.card.received.append(&mut self.b.card.sent);
        a || b
    }

    /// Runs turns while anything happens, and continues at each next deadline until `until`.
    fn run(&mut self, until: u64) {
        while self.now < until {
            while self.turn() {}
            self.now = self
                .deadline()
                .unwrap_or(until)
                .clamp(self.now + 1000, until);
        }
        while self.turn() {}
    }

    fn deadline(&self) -> Option<u64> {
        [&self.a, &self.b]
            .iter()
            .filter_map(|machine| machine.stack.next_deadline())
            .min()
    }

    /// Runs a task. It is polled only after a wake-up, and the time advances only when both
    /// machines have no work.
    fn block_on<F: Future>(&mut self, task: F) -> F::Output {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(flag.clone());
        let mut task = pin!(task);
        for _ in 0..1_000_000 {
            if flag.0.swap(false, Ordering::Relaxed)
                && let Poll::Ready(output) = task.as_mut().poll(&mut Context::from_waker(&waker))
            {
                return output;
            }
            if !self.turn() && !flag.0.load(Ordering::Relaxed) {
                let deadline = self.deadline().expect("no event can wake the task");
                self.now = deadline.max(self.now + 1000);
            }
        }
        panic!("the task never ends");
    }
}

/// Simulates a bad wire: of sixteen frames it loses one, duplicates one, and exchanges two.
fn harm(random: &mut u32, frames: &mut VecDeque<Vec<u8>>) {
    if *random == 0 {
        return;
    }
    let mut behind = None;
    for frame in core::mem::take(frames) {
        *random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) | 1;
        match *random >> 28 {
            0 => {}
            1 => frames.extend([frame.clone(), frame]),
            2 | 3 if behind.is_none() => behind = Some(frame),
            _ => {
                frames.push_back(frame);
                frames.extend(behind.take());
            }
        }
    }
    frames.extend(behind);
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Polls a future once.
fn poll_once<F: Future>(task: F) -> Poll<F::Output> {
    pin!(task).poll(&mut Context::from_waker(Waker::noop()))
}

fn at(address: Ipv4Addr, port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(address, port)
}
