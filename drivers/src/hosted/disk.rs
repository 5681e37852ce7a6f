//! A disk (virtio 1.2, 5.2) whose blocks are in a file of the host. A thread of its own reads and
//! writes, so that the event loop never waits for the file.

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rustix::event::PollFlags;

use super::bell::{Bell, Ringer};
use super::ring::{Chain, DeviceQueue};
use super::slot::Device;
use crate::virtio::DeviceKind;

/// The size of a sector in bytes (5.2.3).
const SECTOR: u64 = 512;
/// The number of bytes of a serial number (5.2.6).
const SERIAL: usize = 20;

/// The kinds of requests (5.2.6).
mod kind {
    pub(super) const READ: u32 = 0;
    pub(super) const WRITE: u32 = 1;
    pub(super) const FLUSH: u32 = 4;
    pub(super) const SERIAL: u32 = 8;
}

/// The status of a completed request (5.2.6).
pub(super) mod status {
    pub(in crate::hosted) const OK: u8 = 0;
    pub(in crate::hosted) const ERROR: u8 = 1;
    pub(in crate::hosted) const UNSUPPORTED: u8 = 2;
}

/// The feature bits (5.2.3).
mod feature {
    pub(super) const READ_ONLY: u64 = 1 << 5;
    pub(super) const FLUSH: u64 = 1 << 9;
}

/// The features of a disk that can be written.
pub(super) const WRITABLE: u64 = feature::FLUSH;

/// What a request asks for.
#[derive(Debug)]
pub(super) enum Order {
    Read { at: u64, len: usize },
    Write { at: u64, bytes: Vec<u8> },
    Flush,
}

/// The result of a request: the bytes that were read.
type Answer = io::Result<Vec<u8>>;

/// A disk in a file.
pub struct Disk {
    sectors: u64,
    is_read_only: bool,
    serial: [u8; SERIAL],
    orders: Sender<Order>,
    answers: Receiver<Answer>,
    bell: Bell,
    /// The chains whose requests the thread has, in the order in which it answers.
    waiting: VecDeque<Option<Chain>>,
}

impl Disk {
    /// Makes a disk of a file. What is left after the last whole sector is not part of it.
    ///
    /// # Errors
    ///
    /// If the size of the file cannot be read or is less than a sector, or the host has no thread or
    /// pipe left.
    pub fn new(mut file: File, is_read_only: bool, serial: &str) -> io::Result<Self> {
        // Of a block device, the metadata has no size.
        let sectors = file.seek(SeekFrom::End(0))? / SECTOR;
        if sectors == 0 || file.metadata()?.is_dir() {
            let said = "it has less than one sector of 512 bytes";
            return Err(io::Error::new(ErrorKind::InvalidInput, said));
        }
        let (orders, received) = channel::<Order>();
        let (answer, answers) = channel::<Answer>();
        let (bell, ringer) = Bell::new()?;
        thread::Builder::new()
            .name("disk".into())
            .spawn(move || work(&file, &received, &answer, &ringer))?;
        let mut padded = [0; SERIAL];
        let len = serial.len().min(SERIAL);
        padded[..len].copy_from_slice(&serial.as_bytes()[..len]);
        Ok(Self {
            sectors,
            is_read_only,
            serial: padded,
            orders,
            answers,
            bell,
            waiting: VecDeque::new(),
        })
    }

    /// Starts the request in a chain, or answers it at once.
    fn begin(&mut self, chain: Chain, queue: &mut DeviceQueue) {
        match order(&chain, self.sectors, self.is_read_only, &self.serial) {
            Ok(order) => {
                // The thread ends before this device only if it panics.
                match self.orders.send(order) {
                    Ok(()) => self.waiting.push_back(Some(chain)),
                    Err(_) => finish(chain, &[], status::ERROR, queue),
                }
            }
            Err((status, bytes)) => finish(chain, &bytes, status, queue),
        }
    }
}

/// Returns the request in a chain for a disk of so many sectors; or its status, with the bytes for the
/// driver.
pub(super) fn order(
    chain: &Chain,
    sectors: u64,
    is_read_only: bool,
    serial: &[u8],
) -> Result<Order, (u8, Vec<u8>)> {
    let request = chain.bytes();
    let Some((header, data)) = request.split_first_chunk::<16>() else {
        return Err((status::ERROR, Vec::new()));
    };
    let (word, sector) = (&header[..4], &header[8..]);
    let word = word.iter().rev().fold(0, |n, b| n << 8 | u32::from(*b));
    let sector = sector.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b));
    // The last byte is the status.
    let room = chain.room().saturating_sub(1);
    let len = if word == kind::READ { room } else { data.len() };
    let is_inside = || {
        let count = (len as u64).div_ceil(SECTOR);
        sector.checked_add(count).is_some_and(|end| end <= sectors)
            && (len as u64).is_multiple_of(SECTOR)
    };
    match word {
        kind::READ if is_inside() => Ok(Order::Read {
            at: sector * SECTOR,
            len,
        }),
        kind::WRITE if is_inside() && !is_read_only => Ok(Order::Write {
            at: sector * SECTOR,
            bytes: data.to_vec(),
        }),
        kind::READ | kind::WRITE => Err((status::ERROR, Vec::new())),
        kind::FLUSH => Ok(Order::Flush),
        kind::SERIAL => Err((status::OK, serial.to_vec())),
        _ => Err((status::UNSUPPORTED, Vec::new())),
    }
}

/// Returns a chain to the driver, with `bytes` and the status in its last byte.
pub(super) fn finish(mut chain: Chain, bytes: &[u8], status: u8, queue: &mut DeviceQueue) {
    let room = chain.room();
    let written = chain.write(0, bytes);
    chain.write(room.saturating_sub(1), &[status]);
    // 2.7.8.2: the length counts what was written from the first byte on. After an error that is
    // nothing, because the status is the last byte.
    let is_whole = status == status::OK || written + 1 == room;
    queue.push(chain, if is_whole { room } else { 0 });
}

fn work(file: &File, orders: &Receiver<Order>, answers: &Sender<Answer>, ringer: &Ringer) {
    for order in orders {
        let answer = match order {
            Order::Read { at, len } => {
                let mut bytes = vec![0; len];
                file.read_exact_at(&mut bytes, at).map(|()| bytes)
            }
            Order::Write { at, bytes } => file.write_all_at(&bytes, at).map(|()| Vec::new()),
            Order::Flush => file.sync_data().map(|()| Vec::new()),
        };
        if answers.send(answer).is_err() {
            return;
        }
        ringer.ring();
    }
}

impl Device for Disk {
    fn kind(&self) -> DeviceKind {
        DeviceKind::BLK
    }

    fn features(&self) -> u64 {
        let read_only = if self.is_read_only {
            feature::READ_ONLY
        } else {
            0
        };
        feature::FLUSH | read_only
    }

    fn queues(&self) -> &'static [u16] {
        &[256]
    }

    fn config(&self) -> Vec<u8> {
        // The capacity in sectors (5.2.4).
        self.sectors.to_le_bytes().to_vec()
    }

    fn serve(&mut self, queues: &mut [Option<DeviceQueue>]) {
        let [Some(queue)] = queues else { return };
        self.bell.clear();
        while let Ok(answer) = self.answers.try_recv() {
            // Of a chain from before a reset, the memory is not the device's any more.
            if let Some(Some(chain)) = self.waiting.pop_front() {
                let (status, bytes) = match answer {
                    Ok(bytes) => (status::OK, bytes),
                    Err(_) => (status::ERROR, Vec::new()),
                };
                finish(chain, &bytes, status, queue);
            }
        }
        while let Some(chain) = queue.pop() {
            self.begin(chain, queue);
        }
    }

    fn reset(&mut self) {
        self.waiting.iter_mut().for_each(|chain| *chain = None);
    }

    fn awaited(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        Some((self.bell.as_fd(), PollFlags::IN))
    }
}
