//! Reads and writes the file of a disk through io_uring: one system call hands over all requests, and
//! what is in the host's page cache is read in that call.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec;
use alloc::vec::Vec;
use core::mem;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use io_uring::types::{Fd, FsyncFlags};
use io_uring::{IoUring, Probe, cqueue, opcode};
use rustix::event::PollFlags;
use rustix::io::Errno;

use super::{Answer, Backend, Order};
use crate::hosted::ring::Chain;

/// The number of requests that are handed over at once: the number of entries of the virtqueue.
const ENTRIES: u32 = 256;

/// What is done with the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Read,
    Write,
    Flush,
}

/// A request that is not complete.
#[derive(Debug)]
struct Transfer {
    /// `None` after a reset.
    chain: Option<Chain>,
    kind: Kind,
    /// The position in the file.
    at: u64,
    /// Belongs to the host until the request is complete, so that a reset can return the chain's memory
    /// to the driver at once.
    bytes: Vec<u8>,
    /// The number of bytes of which the host has said that they are done.
    done: usize,
}

/// A file, and the rings that are shared with the host.
pub(super) struct Ring {
    ring: IoUring,
    file: File,
    /// The requests that are not complete, by their number.
    transfers: BTreeMap<u64, Transfer>,
    /// The number of the next request.
    next: u64,
    /// The requests that are not in the submission ring yet.
    unsubmitted: VecDeque<u64>,
    /// Whether the host has not taken all requests: it was interrupted, or has no memory for them now.
    is_behind: bool,
}

impl Ring {
    /// Sets up the rings for a file.
    ///
    /// # Errors
    ///
    /// If the host has no io_uring with these operations (Linux 5.6), or does not permit its use.
    pub(super) fn new(file: File) -> io::Result<Self> {
        if cfg!(miri) {
            return Err(ErrorKind::Unsupported.into());
        }
        let ring = IoUring::new(ENTRIES)?;
        let mut probe = Probe::new();
        ring.submitter().register_probe(&mut probe)?;
        let needed = [opcode::Read::CODE, opcode::Write::CODE, opcode::Fsync::CODE];
        if !needed.into_iter().all(|code| probe.is_supported(code)) {
            return Err(ErrorKind::Unsupported.into());
        }
        Ok(Self {
            ring,
            file,
            transfers: BTreeMap::new(),
            next: 0,
            unsubmitted: VecDeque::new(),
            is_behind: false,
        })
    }

    /// Puts an entry for what is left of a request into the submission ring; returns false if that is full.
    fn push(&mut self, number: u64) -> bool {
        let Some(transfer) = self.transfers.get_mut(&number) else {
            return true;
        };
        let file = Fd(self.file.as_raw_fd());
        let rest = &mut transfer.bytes[transfer.done..];
        // Of more bytes, the host does a part, and the rest follows.
        let len = u32::try_from(rest.len()).unwrap_or(u32::MAX);
        let at = transfer.at + transfer.done as u64;
        let entry = match transfer.kind {
            Kind::Read => opcode::Read::new(file, rest.as_mut_ptr(), len)
                .offset(at)
                .build(),
            Kind::Write => opcode::Write::new(file, rest.as_ptr(), len)
                .offset(at)
                .build(),
            Kind::Flush => opcode::Fsync::new(file).flags(FsyncFlags::DATASYNC).build(),
        };
        let entry = entry.user_data(number);
        // SAFETY: the file and the bytes that the entry names belong to this `Ring`. It drops, moves and
        // accesses neither before the host has returned the entry: see `take` and `drop`.
        unsafe { self.ring.submission().push(&entry) }.is_ok()
    }

    /// Takes what the host says about a request. Returns it if it is complete.
    fn take(&mut self, entry: &cqueue::Entry) -> Option<(Chain, Answer)> {
        let number = entry.user_data();
        let mut transfer = self.transfers.remove(&number)?;
        let answer = match usize::try_from(entry.result()) {
            Ok(count) => {
                transfer.done += count;
                match transfer.bytes.len() - transfer.done {
                    0 if transfer.kind == Kind::Read => Ok(mem::take(&mut transfer.bytes)),
                    0 => Ok(Vec::new()),
                    // The file is shorter than it was.
                    _ if count == 0 => Err(ErrorKind::UnexpectedEof.into()),
                    _ => return self.resume(number, transfer),
                }
            }
            Err(_) => match Errno::from_raw_os_error(-entry.result()) {
                Errno::INTR | Errno::AGAIN => return self.resume(number, transfer),
                error => Err(error.into()),
            },
        };
        transfer.chain.map(|chain| (chain, answer))
    }

    /// Lets the rest of a request follow.
    fn resume<T>(&mut self, number: u64, transfer: Transfer) -> Option<T> {
        self.transfers.insert(number, transfer);
        self.unsubmitted.push_back(number);
        self.is_behind = true;
        None
    }
}

impl Backend for Ring {
    fn begin(&mut self, chain: Chain, order: Order) {
        let (kind, at, bytes) = match order {
            Order::Read { at, len } => (Kind::Read, at, vec![0; len]),
            Order::Write { at, bytes } => (Kind::Write, at, bytes),
            Order::Flush => (Kind::Flush, 0, Vec::new()),
        };
        let transfer = Transfer {
            chain: Some(chain),
            kind,
            at,
            bytes,
            done: 0,
        };
        self.transfers.insert(self.next, transfer);
        self.unsubmitted.push_back(self.next);
        self.next += 1;
    }

    fn submit(&mut self) {
        while let Some(number) = self.unsubmitted.front() {
            if !self.push(*number) {
                break;
            }
            self.unsubmitted.pop_front();
        }
        let submission = self.ring.submission();
        // What did not fit into the completion ring arrives with the next call, too.
        let is_due = !submission.is_empty() || submission.cq_overflow();
        drop(submission);
        if is_due {
            // After an error, the entries stay in the ring.
            let _ = self.ring.submit();
        }
        self.is_behind = !self.unsubmitted.is_empty() || !self.ring.submission().is_empty();
    }

    fn complete(&mut self) -> Option<(Chain, Answer)> {
        while !self.transfers.is_empty() {
            let entry = self.ring.completion().next()?;
            let complete = self.take(&entry);
            if complete.is_some() {
                return complete;
            }
        }
        None
    }

    fn forget(&mut self) {
        for transfer in self.transfers.values_mut() {
            transfer.chain = None;
        }
    }

    fn awaited(&self) -> (BorrowedFd<'_>, PollFlags) {
        // The ring's descriptor is readable while there are completions, and writable while the submission
        // ring has room.
        let mut flags = PollFlags::IN;
        flags.set(PollFlags::OUT, self.is_behind);
        (self.ring.as_fd(), flags)
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.forget();
        loop {
            // What the host does not have needs no end.
            for number in mem::take(&mut self.unsubmitted) {
                self.transfers.remove(&number);
            }
            if self.transfers.is_empty() {
                return;
            }
            match self.ring.submit_and_wait(1) {
                Ok(_) => drop(self.complete()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    // The host may still access the bytes.
                    mem::forget(mem::take(&mut self.transfers));
                    return;
                }
            }
        }
    }
}
