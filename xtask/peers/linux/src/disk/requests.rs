//! Linux's asynchronous I/O (io_submit), for several requests at a time.

use std::fs::File;
use std::io::{Error, Result};
use std::os::fd::AsRawFd as _;
use std::ptr;

use super::{BLOCK, Block, FILL};

/// A request in the kernel's format: `struct iocb` of `linux/aio_abi.h`, little-endian.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Control {
    /// The slot of the request; the kernel returns it with the result.
    data: u64,
    key: u32,
    flags_of_io: u32,
    operation: u16,
    priority: i16,
    file: u32,
    buffer: u64,
    length: u64,
    position: i64,
    reserved: u64,
    flags: u32,
    event_file: u32,
}

/// A completion: `struct io_event`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Answer {
    data: u64,
    control: u64,
    result: i64,
    second_result: i64,
}

const READ: u16 = 0;
const WRITE: u16 = 1;

/// Requests for a file, each with its own buffer.
pub(super) struct Requests {
    context: libc::c_ulong,
    controls: Vec<Control>,
    /// The requests that have been prepared but not submitted.
    added: Vec<*mut Control>,
    under_way: usize,
    answers: Vec<Answer>,
    _blocks: Vec<Block>,
}

impl Requests {
    pub(super) fn new(file: &File, is_write: bool, depth: usize) -> Result<Self> {
        let mut blocks = vec![Block([FILL; BLOCK]); depth];
        let control = |(slot, block): (usize, &mut Block)| Control {
            data: slot as u64,
            operation: if is_write { WRITE } else { READ },
            file: file.as_raw_fd() as u32,
            buffer: block.0.as_mut_ptr() as u64,
            length: BLOCK as u64,
            ..Control::default()
        };
        let controls = blocks.iter_mut().enumerate().map(control).collect();
        let mut context: libc::c_ulong = 0;
        // SAFETY: `context` is valid for writes.
        let result = unsafe { libc::syscall(libc::SYS_io_setup, depth, &raw mut context) };
        if result < 0 {
            return Err(Error::last_os_error());
        }
        Ok(Self {
            context,
            controls,
            added: Vec::with_capacity(depth),
            under_way: 0,
            answers: vec![Answer::default(); depth],
            _blocks: blocks,
        })
    }

    /// Prepares a request in a slot whose previous request has completed.
    pub(super) fn add(&mut self, slot: usize, position: u64) {
        let control = &mut self.controls[slot];
        control.position = position as i64;
        self.added.push(ptr::from_mut(control));
    }

    /// Submits the added requests.
    pub(super) fn submit(&mut self) -> Result<()> {
        let count = self.added.len();
        if count == 0 {
            return Ok(());
        }
        // SAFETY: every control is one of `controls`, whose buffer lives as long as it and is used
        // by no other request.
        let taken = unsafe {
            libc::syscall(
                libc::SYS_io_submit,
                self.context,
                count,
                self.added.as_mut_ptr(),
            )
        };
        if taken < 0 {
            return Err(Error::last_os_error());
        }
        if taken as usize != count {
            return Err(Error::other(
                "the kernel accepted only some of the requests",
            ));
        }
        self.under_way += count;
        self.added.clear();
        Ok(())
    }

    /// Waits for completions; returns their slots, empty if nothing is in flight.
    pub(super) fn done(&mut self) -> Result<Vec<usize>> {
        if self.under_way == 0 {
            return Ok(Vec::new());
        }
        let (least, most) = (1_usize, self.answers.len());
        let forever = ptr::null_mut::<libc::timespec>();
        // SAFETY: `answers` has room for as many events as are requested.
        let count = unsafe {
            libc::syscall(
                libc::SYS_io_getevents,
                self.context,
                least,
                most,
                self.answers.as_mut_ptr(),
                forever,
            )
        };
        if count < 0 {
            return Err(Error::last_os_error());
        }
        let answers = &self.answers[..count as usize];
        if answers.iter().any(|answer| answer.result != BLOCK as i64) {
            return Err(Error::other("a request to the disk failed"));
        }
        self.under_way -= answers.len();
        Ok(answers.iter().map(|answer| answer.data as usize).collect())
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        // SAFETY: the context belongs to this value; the call waits for requests in flight.
        let _ = unsafe { libc::syscall(libc::SYS_io_destroy, self.context) };
    }
}
