//! A disk (virtio 1.2, 5.2) whose blocks are in a file of the host. The event loop never waits for the
//! file: a [`Backend`] reads and writes it meanwhile.

mod thread;
#[cfg(target_os = "linux")]
mod uring;

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::str::FromStr;
use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::os::fd::BorrowedFd;

use rustix::event::PollFlags;

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

/// How the requests of a disk reach its file; the names are those of QEMU's option `aio`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Aio {
    /// Linux's io_uring: one system call for all requests of a turn of the event loop.
    IoUring,
    /// A thread that does one request after the other.
    Threads,
}

/// A name that no [`Aio`] has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownAio;

impl FromStr for Aio {
    type Err = UnknownAio;

    fn from_str(name: &str) -> Result<Self, UnknownAio> {
        match name {
            "io_uring" => Ok(Self::IoUring),
            "threads" => Ok(Self::Threads),
            _ => Err(UnknownAio),
        }
    }
}

impl Aio {
    fn open(self, file: File) -> io::Result<Box<dyn Backend>> {
        match self {
            #[cfg(target_os = "linux")]
            Self::IoUring => match uring::Ring::new(file) {
                Ok(ring) => Ok(Box::new(ring)),
                Err(error) => {
                    let said = format!("the host refuses io_uring: {error}; use aio=threads");
                    Err(io::Error::new(error.kind(), said))
                }
            },
            #[cfg(not(target_os = "linux"))]
            Self::IoUring => Err(io::Error::new(
                ErrorKind::Unsupported,
                "only Linux has io_uring",
            )),
            Self::Threads => Ok(Box::new(thread::Worker::new(file)?)),
        }
    }
}

/// Reads and writes the file of a disk while the event loop does something else.
trait Backend {
    /// Takes the request in a chain. It may be started by [`submit`](Self::submit) only.
    fn begin(&mut self, chain: Chain, order: Order);

    /// Starts all requests that were taken.
    fn submit(&mut self);

    /// Returns the next request that is complete; `None` if there is none now.
    fn complete(&mut self) -> Option<(Chain, Answer)>;

    /// Drops the chains of all requests that are not complete: their memory is not the device's any more.
    fn forget(&mut self);

    /// Returns the descriptor, with its events, that shows that there is something to
    /// [`complete`](Self::complete) or to [`submit`](Self::submit).
    fn awaited(&self) -> (BorrowedFd<'_>, PollFlags);
}

/// A disk in a file.
pub struct Disk {
    sectors: u64,
    is_read_only: bool,
    serial: [u8; SERIAL],
    backend: Box<dyn Backend>,
}

impl Disk {
    /// Makes a disk of a file. What is left after the last whole sector is not part of it. `aio` says how
    /// the file is read and written; `None` is by io_uring, and by a thread if the host refuses that, as
    /// many containers do.
    ///
    /// # Errors
    ///
    /// If the size of the file cannot be read or is less than a sector, or the host does not provide what
    /// `aio` names.
    pub fn new(
        mut file: File,
        is_read_only: bool,
        serial: &str,
        aio: Option<Aio>,
    ) -> io::Result<Self> {
        // Of a block device, the metadata has no size.
        let sectors = file.seek(SeekFrom::End(0))? / SECTOR;
        if sectors == 0 || file.metadata()?.is_dir() {
            let said = "it has less than one sector of 512 bytes";
            return Err(io::Error::new(ErrorKind::InvalidInput, said));
        }
        let backend = match aio {
            Some(aio) => aio.open(file)?,
            None => {
                let same = file.try_clone()?;
                Aio::IoUring
                    .open(file)
                    .or_else(|_| Aio::Threads.open(same))?
            }
        };
        let mut padded = [0; SERIAL];
        let len = serial.len().min(SERIAL);
        padded[..len].copy_from_slice(&serial.as_bytes()[..len]);
        Ok(Self {
            sectors,
            is_read_only,
            serial: padded,
            backend,
        })
    }

    /// Returns to the driver what is complete.
    fn complete(&mut self, queue: &mut DeviceQueue) {
        while let Some((chain, answer)) = self.backend.complete() {
            let (status, bytes) = match answer {
                Ok(bytes) => (status::OK, bytes),
                Err(_) => (status::ERROR, Vec::new()),
            };
            finish(chain, &bytes, status, queue);
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
        while let Some(chain) = queue.pop() {
            match order(&chain, self.sectors, self.is_read_only, &self.serial) {
                Ok(order) => self.backend.begin(chain, order),
                Err((status, bytes)) => finish(chain, &bytes, status, queue),
            }
        }
        self.backend.submit();
        self.complete(queue);
    }

    fn reset(&mut self) {
        self.backend.forget();
    }

    fn awaited(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        Some(self.backend.awaited())
    }
}

#[cfg(test)]
mod tests;
