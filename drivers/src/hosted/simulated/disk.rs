//! A simulated disk: it answers late, fails, and loses at a crash what was not flushed.
//!
//! Of what was not flushed, a crash leaves any part: each sector keeps what was flushed, gets what was
//! written later, or gets only its first part, down to eight bytes.

use alloc::format;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::machine::with;
use super::message::SECTOR;
use super::random::Random;
use crate::hosted::disk::{Order, WRITABLE, finish, order, status};
use crate::hosted::ring::{Chain, DeviceQueue};
use crate::hosted::slot::Device;
use crate::virtio::DeviceKind;

/// The shortest time of a request in nanoseconds, and how much longer it may be.
const LATENCY: u64 = 20_000;
const LATENCY_MORE: u64 = 100_000;
/// How much longer a request takes that is late, at most.
const LATE: u64 = 300_000_000;

/// A write that is not flushed.
#[derive(Debug)]
struct Write {
    /// The number of the write, in the order in which they were completed.
    number: u64,
    at: usize,
    bytes: Vec<u8>,
}

/// What a disk holds.
#[derive(Debug)]
pub(super) struct Medium {
    /// What a crash cannot take.
    durable: Vec<u8>,
    /// What is read.
    current: Vec<u8>,
    /// Which sectors may be other than zeroes. Most of a disk is never written, and the memory of what is
    /// never accessed costs nothing.
    is_written: Vec<bool>,
    /// The writes after the last flush, in the order in which they reach the medium.
    writes: Vec<Write>,
    /// The number of completed writes.
    completed: u64,
}

impl Medium {
    pub(super) fn new(sectors: u64) -> Self {
        let bytes = sectors as usize * SECTOR;
        Self {
            durable: vec![0; bytes],
            current: vec![0; bytes],
            is_written: vec![false; sectors as usize],
            writes: Vec::new(),
            completed: 0,
        }
    }

    /// Takes what the disk holds. Sectors beyond its end are left out.
    pub(super) fn load(&mut self, sectors: &[u8]) {
        for entry in sectors.chunks_exact(8 + SECTOR) {
            let Some((number, bytes)) = entry.split_first_chunk() else {
                return;
            };
            let sector = u64::from_le_bytes(*number) as usize;
            let Some(is_written) = self.is_written.get_mut(sector) else {
                continue;
            };
            *is_written = true;
            for copy in [&mut self.durable, &mut self.current] {
                copy[sector * SECTOR..][..SECTOR].copy_from_slice(bytes);
            }
        }
    }

    /// Returns what the disk holds after a crash: what was flushed, and a random part of the rest.
    pub(super) fn survivors(&mut self, random: &mut Random) -> Vec<u8> {
        // Half of the crashes leave all that was completed, or nothing of it.
        let kept = [0, 500, 500, 1000][random.below(4) as usize];
        for write in &self.writes {
            for (place, bytes) in write.bytes.chunks(SECTOR).enumerate() {
                if random.chance(kept) {
                    let at = write.at + place * SECTOR;
                    let len = match random.below(4) {
                        0 => 8 * random.below(SECTOR as u64 / 8) as usize,
                        _ => bytes.len(),
                    };
                    self.durable[at..at + len].copy_from_slice(&bytes[..len]);
                }
            }
        }
        let mut image = Vec::new();
        for (number, _) in self.is_written.iter().enumerate().filter(|(_, is)| **is) {
            let bytes = &self.durable[number * SECTOR..][..SECTOR];
            if *bytes != [0; SECTOR] {
                image.extend((number as u64).to_le_bytes());
                image.extend(bytes);
            }
        }
        image
    }

    /// Writes what a crash may still take.
    fn write(&mut self, at: usize, bytes: &[u8]) {
        self.current[at..][..bytes.len()].copy_from_slice(bytes);
        self.is_written[at / SECTOR..(at + bytes.len()).div_ceil(SECTOR)].fill(true);
        self.writes.push(Write {
            number: self.completed,
            at,
            bytes: bytes.to_vec(),
        });
        self.completed += 1;
    }

    /// Makes the writes that were completed before number `before` durable.
    fn flush(&mut self, before: u64) {
        let durable = &mut self.durable;
        self.writes.retain(|write| {
            let is_flushed = write.number < before;
            if is_flushed {
                durable[write.at..][..write.bytes.len()].copy_from_slice(&write.bytes);
            }
            !is_flushed
        });
    }
}

/// A request that is being done.
struct Request {
    chain: Chain,
    order: Order,
    /// When it is complete.
    due: u64,
    fails: bool,
    /// The number of completed writes when the request was made.
    completed: u64,
    /// The number of the request, for the trace.
    number: u64,
}

/// A simulated disk.
pub struct SimulatedDisk {
    medium: Rc<RefCell<Medium>>,
    requests: Vec<Request>,
    started: u64,
}

impl SimulatedDisk {
    pub(super) const fn new(medium: Rc<RefCell<Medium>>) -> Self {
        Self {
            medium,
            requests: Vec::new(),
            started: 0,
        }
    }

    fn sectors(&self) -> u64 {
        (self.medium.borrow().durable.len() / SECTOR) as u64
    }

    fn begin(&mut self, chain: Chain, queue: &mut DeviceQueue) {
        let order = match order(&chain, self.sectors(), false, b"simulated") {
            Ok(order) => order,
            Err((status, bytes)) => return finish(chain, &bytes, status, queue),
        };
        let planned = with(|world| {
            let late = if world.fails(|rates| rates.disk_late) {
                LATE
            } else {
                LATENCY_MORE
            };
            let due = world.now() + LATENCY + world.random().below(late);
            (due, world.fails(|rates| rates.disk_error))
        });
        let Some((due, fails)) = planned else { return };
        let completed = self.medium.borrow().completed;
        self.started += 1;
        self.requests.push(Request {
            chain,
            order,
            due,
            fails,
            completed,
            number: self.started,
        });
    }

    fn complete(&mut self, request: Request, queue: &mut DeviceQueue) {
        let Request {
            chain,
            order,
            fails,
            completed,
            number,
            ..
        } = request;
        let medium = &mut *self.medium.borrow_mut();
        let word = if fails { "fails" } else { "done" };
        let (text, answer) = match order {
            Order::Read { at, len } => {
                let bytes = medium.current[at as usize..][..len].to_vec();
                (format!("read of {len} bytes at {at}"), bytes)
            }
            Order::Write { at, bytes } => {
                let text = format!("write of {} bytes at {at}", bytes.len());
                let at = at as usize;
                // What a failed write leaves is unknown until the sector is written again.
                let kept = if fails {
                    bytes.len() / SECTOR / 2 * SECTOR
                } else {
                    bytes.len()
                };
                medium.write(at, &bytes[..kept]);
                (text, Vec::new())
            }
            Order::Flush => {
                if !fails {
                    medium.flush(completed);
                }
                (format!("flush of {completed} writes"), Vec::new())
            }
        };
        super::note(format!("disk: request {number}, {text}: {word}"));
        let status = if fails { status::ERROR } else { status::OK };
        finish(chain, if fails { &[] } else { &answer }, status, queue);
    }
}

impl Device for SimulatedDisk {
    fn kind(&self) -> DeviceKind {
        DeviceKind::BLK
    }

    fn features(&self) -> u64 {
        WRITABLE
    }

    fn queues(&self) -> &'static [u16] {
        &[64]
    }

    fn config(&self) -> Vec<u8> {
        self.sectors().to_le_bytes().to_vec()
    }

    fn serve(&mut self, queues: &mut [Option<DeviceQueue>]) {
        let [Some(queue)] = queues else { return };
        while let Some(chain) = queue.pop() {
            self.begin(chain, queue);
        }
        let now = with(|world| world.now()).unwrap_or_default();
        // In the order of their times, which is not that of their making.
        while let Some(next) = (0..self.requests.len()).min_by_key(|at| self.requests[*at].due)
            && self.requests[next].due <= now
        {
            let request = self.requests.swap_remove(next);
            self.complete(request, queue);
        }
    }

    fn reset(&mut self) {
        // What is being written has reached the disk or not, or the first half has.
        let medium = &mut *self.medium.borrow_mut();
        for request in self.requests.drain(..) {
            if let Order::Write { at, bytes } = request.order {
                let half = bytes.len() / SECTOR / 2 * SECTOR;
                let choices = [0, half, bytes.len()];
                let choice = with(|world| world.random().below(choices.len() as u64));
                let written = choices[choice.unwrap_or_default() as usize];
                medium.write(at as usize, &bytes[..written]);
            }
        }
    }

    fn due(&self) -> Option<u64> {
        self.requests.iter().map(|request| request.due).min()
    }
}
