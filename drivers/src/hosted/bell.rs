//! Wakes the event loop from another thread, through a pipe that becomes readable.

use std::io::{self, PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The end that the event loop waits for.
#[derive(Debug)]
pub(super) struct Bell {
    pipe: PipeReader,
    rung: Arc<AtomicBool>,
}

/// The end for the other thread.
#[derive(Debug)]
pub(super) struct Ringer {
    pipe: PipeWriter,
    rung: Arc<AtomicBool>,
}

impl Bell {
    pub(super) fn new() -> io::Result<(Self, Ringer)> {
        let (reader, writer) = pipe()?;
        let rung = Arc::new(AtomicBool::new(false));
        let ringer = Ringer {
            pipe: writer,
            rung: Arc::clone(&rung),
        };
        Ok((Self { pipe: reader, rung }, ringer))
    }

    /// Makes the pipe not readable, until it is rung again.
    pub(super) fn clear(&mut self) {
        // There is at most one byte, and it is written after the flag is set.
        if self.rung.load(Ordering::Acquire) {
            let _ = self.pipe.read_exact(&mut [0]);
            // What the other thread did before it found the flag set is visible from here on.
            self.rung.swap(false, Ordering::AcqRel);
        }
    }
}

impl Ringer {
    /// Makes the pipe readable.
    pub(super) fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            let _ = (&self.pipe).write_all(&[0]);
        }
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}
