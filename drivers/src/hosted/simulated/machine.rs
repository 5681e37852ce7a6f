//! The time, the network links and the random choices of this thread's simulated machine.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;
use core::time::Duration;
use std::io::{self, BufReader, Read, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::{panic, process};

use rustix::event::PollFlags;

use super::disk::Medium;
use super::message::Message;
use super::plan::{Plan, Rate, Rates};
use super::random::Random;
use crate::hosted::memory::as_device;
use crate::hosted::wire::Wire;

/// How long reading the clock takes, in nanoseconds.
const READ: u64 = 10;
/// The shortest time of a turn of the kernel's loop, in nanoseconds, and how much longer it may be.
const TURN: u64 = 400;
const TURN_MORE: u64 = 1600;
/// The number of turns without a sleep after which the world is asked all the same: a frame from it may be
/// what ends them.
const BUSY: u32 = 512;
/// The time at which each machine starts: 2026-01-01 in seconds since 1970.
const EPOCH: u64 = 1_767_225_600;
/// The number of bytes after which what is to be sent is sent.
const OUT: usize = 128 << 10;
/// The number of frames that wait for a network device. It loses those that arrive when so many wait, as
/// a device without room does.
const INBOX: usize = 256;
/// The stream of random numbers of a machine.
const STREAM: u64 = 1;

std::thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// The connection to the world, and what it has told.
pub(super) struct World {
    stream: BufReader<UnixStream>,
    /// What was not sent yet.
    out: Vec<u8>,
    now: u64,
    /// Until when nothing happens outside, if this machine says nothing.
    horizon: u64,
    /// Whether it has said something.
    has_spoken: bool,
    turns: u32,
    withheld: u8,
    random: Random,
    rates: Rates,
    has_faults: bool,
    /// Since when devices work, if they have ever failed.
    works_since: Option<u64>,
    /// The frames that have arrived, for each network device.
    inbox: Vec<Inbox>,
    media: Vec<Rc<RefCell<Medium>>>,
    usage: fn() -> (u64, u64),
}

/// Begins a simulation on this thread, with the world at the other end of `stream`, and returns the disks
/// as the world gave them. `usage` returns the bytes in use, and the number of blocks that devices access.
///
/// # Errors
///
/// If the world ends, or gives a disk that the plan does not have.
pub fn begin(
    plan: &Plan,
    stream: UnixStream,
    usage: fn() -> (u64, u64),
) -> io::Result<Vec<super::SimulatedDisk>> {
    let disks: usize = (plan.sectors > 0).into();
    let media: Vec<_> = (0..disks)
        .map(|_| Rc::new(RefCell::new(Medium::new(plan.sectors))))
        .collect();
    let mut world = World {
        stream: BufReader::new(stream),
        out: Vec::new(),
        now: 0,
        horizon: 0,
        has_spoken: false,
        turns: 0,
        withheld: plan.withheld,
        random: Random::new(plan.seed, STREAM),
        rates: plan.rates,
        has_faults: false,
        works_since: None,
        inbox: (0..plan.networks).map(|_| Inbox::default()).collect(),
        media: media.clone(),
        usage,
    };
    // The world may give disks, and then says what time it is.
    if world.listen()? {
        world.crash();
    }
    WORLD.set(Some(world));
    Ok(media.into_iter().map(super::SimulatedDisk::new).collect())
}

/// The frames that have arrived for a network device, and were not received yet.
#[derive(Default)]
struct Inbox {
    frames: VecDeque<Vec<u8>>,
    /// The number of frames that found no room.
    lost: u64,
}

impl Inbox {
    /// Adds a frame. If there is no room for it, returns the number of frames that were lost so far.
    fn put(&mut self, frame: Vec<u8>) -> Option<u64> {
        if self.frames.len() < INBOX {
            self.frames.push_back(frame);
            return None;
        }
        self.lost += 1;
        Some(self.lost)
    }
}

/// Runs `act` with the world, as a part of a device; `None` if this thread's machine is not simulated.
pub(super) fn with<R>(act: impl FnOnce(&mut World) -> R) -> Option<R> {
    WORLD.with_borrow_mut(|world| world.as_mut().map(|world| as_device(|| act(world))))
}

/// Returns whether this thread's machine is simulated.
#[must_use]
pub fn is_simulated() -> bool {
    with(|_| ()).is_some()
}

/// Returns the virtual time in nanoseconds.
pub(in crate::hosted) fn now() -> Option<u64> {
    with(|world| {
        world.now += READ;
        world.now
    })
}

/// Returns the virtual time of day, since 1970.
#[must_use]
pub fn since_1970() -> Option<Duration> {
    now().map(|now| Duration::from_secs(EPOCH) + Duration::from_nanos(now))
}

/// Returns what the devices of the machine do not offer, as [`Plan::withheld`].
pub(in crate::hosted) fn withheld() -> u8 {
    with(|world| world.withheld).unwrap_or_default()
}

/// Lets a turn of the kernel's loop take its time.
pub(in crate::hosted) fn turn() {
    with(|world| {
        world.now += TURN + world.random.below(TURN_MORE);
        world.turns += 1;
        if world.turns > BUSY {
            let now = world.now;
            world.sleep(now);
        }
    });
}

/// Sleeps until a frame arrives, at most until `until`. Returns false if this machine is not simulated.
pub(in crate::hosted) fn sleep(until: u64) -> bool {
    with(|world| world.sleep(until)).is_some()
}

/// Prints on the simulated console. Returns false if this machine is not simulated.
pub fn write(bytes: &[u8]) -> bool {
    with(|world| {
        let (at, bytes) = (world.now, bytes.to_vec());
        world.tell(&Message::Console { at, bytes });
    })
    .is_some()
}

/// Returns whether devices have worked for that long, in nanoseconds, or have never failed.
#[must_use]
pub fn has_worked_for(time: u64) -> bool {
    with(|world| {
        let since = world.works_since;
        !world.has_faults && since.is_none_or(|since| world.now >= since.saturating_add(time))
    })
    .unwrap_or_default()
}

/// Adds what a device does to the trace.
pub fn note(text: String) {
    with(|world| {
        let at = world.now;
        world.tell(&Message::Note { at, text });
    });
}

/// Reports to the world that an invariant of the kernel does not hold.
pub fn report_violation(text: String) {
    with(|world| {
        let at = world.now;
        world.tell(&Message::Violation { at, text });
    });
}

/// Makes a panic end the machine, and tells the world about it.
pub fn report_panics() {
    /// The exit status of a program that panics.
    const PANICKED: u8 = 101;
    panic::set_hook(Box::new(|info| {
        report_violation(info.to_string());
        end(Some(PANICKED));
    }));
}

/// Sends what was not sent yet, because the process is about to end.
pub fn report() {
    with(World::flush);
}

/// Ends a simulated machine: gives the disks to the world, and ends the process. `None` is a restart,
/// which the world decides. Does nothing on another machine.
pub fn end(status: Option<u8>) {
    with(|world| {
        world.give_disks();
        let at = world.now;
        world.tell(&Message::End { at, status });
        world.flush();
        // The world has the status. That of the process says that the world has it.
        process::exit(0);
    });
}

impl World {
    pub(super) const fn now(&self) -> u64 {
        self.now
    }

    pub(super) const fn has_faults(&self) -> bool {
        self.has_faults
    }

    pub(super) const fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// Returns whether the fault that has this rate occurs now.
    pub(super) fn fails(&mut self, rate: fn(&Rates) -> Rate) -> bool {
        self.has_faults && self.random.chance(rate(&self.rates))
    }

    pub(super) fn note(&mut self, text: String) {
        let at = self.now;
        self.tell(&Message::Note { at, text });
    }

    fn tell(&mut self, message: &Message) {
        if self.out.len() > OUT {
            self.flush();
        }
        self.has_spoken |= !matches!(message, Message::Note { .. });
        message.encode(&mut self.out);
    }

    fn flush(&mut self) {
        // A world that has ended needs nothing more; the next question ends this process.
        let _ = self.stream.get_ref().write_all(&self.out);
        self.out.clear();
    }

    fn sleep(&mut self, until: u64) {
        self.turns = 0;
        let now = self.now;
        if until < self.horizon && !self.has_spoken {
            self.now = now.max(until);
            return;
        }
        self.tell(&Message::Sleep {
            now,
            until: until.max(now),
        });
        self.flush();
        match self.listen() {
            Ok(false) => {}
            Ok(true) => self.crash(),
            // Without a world, there is nothing to be simulated.
            Err(_) => process::exit(1),
        }
    }

    /// Does what the world says until it names a time. Returns true if power fails instead.
    fn listen(&mut self) -> io::Result<bool> {
        loop {
            match Message::read(&mut self.stream)? {
                Message::Wake { at, horizon } => {
                    self.now = self.now.max(at);
                    (self.horizon, self.has_spoken) = (horizon, false);
                    return Ok(false);
                }
                Message::Frame { port, bytes, .. } => {
                    let inbox = self.inbox.get_mut(usize::from(port));
                    if let Some(lost) = inbox.and_then(|inbox| inbox.put(bytes)) {
                        self.note(format!(
                            "network device {port} has lost {lost} frames: {INBOX} wait"
                        ));
                    }
                }
                Message::Faults(on) => {
                    if self.has_faults && !on {
                        self.works_since = Some(self.now);
                    }
                    self.has_faults = on;
                }
                Message::Image { disk, sectors } => {
                    let medium = self.media.get(usize::from(disk));
                    let medium = medium.ok_or(io::ErrorKind::InvalidData)?;
                    medium.borrow_mut().load(&sectors);
                }
                Message::Ask => {
                    let (bytes, buffers) = (self.usage)();
                    self.tell(&Message::State { bytes, buffers });
                    self.flush();
                }
                Message::Crash => return Ok(true),
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    /// Loses power.
    fn crash(&mut self) -> ! {
        self.give_disks();
        let at = self.now;
        self.tell(&Message::End { at, status: None });
        self.flush();
        process::exit(0)
    }

    fn give_disks(&mut self) {
        for (disk, medium) in self.media.clone().into_iter().enumerate() {
            let sectors = medium.borrow_mut().survivors(&mut self.random);
            self.tell(&Message::Image {
                disk: disk as u8,
                sectors,
            });
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // After a panic, the world learns what was printed before.
        self.flush();
    }
}

/// The wire of a simulated network device.
#[derive(Clone, Copy, Debug)]
pub struct Crossing {
    /// The number of the network device.
    pub port: u8,
}

impl Wire for Crossing {
    fn send(&mut self, frame: &[u8]) {
        with(|world| {
            let at = world.now;
            world.tell(&Message::Frame {
                port: self.port,
                at,
                bytes: frame.to_vec(),
            });
        });
    }

    fn receive(&mut self, room: &mut [u8]) -> Option<usize> {
        with(|world| {
            let frame = world
                .inbox
                .get_mut(usize::from(self.port))?
                .frames
                .pop_front()?;
            let len = frame.len().min(room.len());
            room[..len].copy_from_slice(&frame[..len]);
            Some(len)
        })
        .flatten()
    }

    fn awaited(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        None
    }
}

/// The random bytes of a simulated machine's entropy device.
#[derive(Clone, Copy, Debug)]
pub struct SimulatedEntropy;

impl Read for SimulatedEntropy {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        with(|world| world.random.fill(bytes));
        Ok(bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inbox_that_is_full_loses_frames_and_counts_them() {
        let mut inbox = Inbox::default();
        assert!((0..INBOX).all(|_| inbox.put(Vec::new()).is_none()));
        assert_eq!(inbox.put(Vec::new()), Some(1));
        assert_eq!(inbox.put(Vec::new()), Some(2));
        assert_eq!(inbox.frames.len(), INBOX);
        inbox.frames.pop_front();
        assert_eq!(inbox.put(Vec::new()), None);
    }
}
