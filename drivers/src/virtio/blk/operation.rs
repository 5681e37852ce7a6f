//! What a disk is asked for, and what comes of it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::slice;

use super::super::error::Failure;
use super::submit::{IN, OUT};
use crate::dma::Buffer;

/// The memory of a request, in one piece or several.
#[derive(Debug)]
pub enum Payload {
    /// One buffer.
    One(Buffer),
    /// Several, filled or written one after the other.
    Many(Vec<Buffer>),
}

impl Payload {
    /// The pieces.
    #[inline]
    #[must_use]
    pub fn buffers(&self) -> &[Buffer] {
        match self {
            Self::One(buffer) => slice::from_ref(buffer),
            Self::Many(buffers) => buffers,
        }
    }

    /// How many bytes there are in all.
    #[must_use]
    pub fn len(&self) -> u64 {
        bytes(self.buffers())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How many bytes there are in `buffers`.
pub(super) fn bytes(buffers: &[Buffer]) -> u64 {
    buffers.iter().map(|buffer| buffer.len() as u64).sum()
}

/// What a disk can be asked for. Sectors have 512 bytes, whatever the disk's block size is.
#[derive(Debug)]
pub enum Operation {
    /// Fill the payload from `sector` on.
    Read {
        /// The first sector.
        sector: u64,
        /// What is filled: whole blocks of the disk.
        payload: Payload,
    },
    /// Write the payload from `sector` on.
    Write {
        /// The first sector.
        sector: u64,
        /// What is written: whole blocks of the disk.
        payload: Payload,
    },
    /// Make everything written before durable.
    Flush,
    /// Say that the content of some sectors is not needed any more.
    Discard {
        /// The first sector.
        sector: u64,
        /// How many.
        sectors: u32,
    },
    /// Fill 20 bytes with the disk's serial number, which ends with a zero byte if it is shorter.
    Serial {
        /// What is filled: 20 bytes.
        payload: Payload,
    },
}

impl Operation {
    /// The memory of the request, where it has some.
    #[must_use]
    pub fn into_payload(self) -> Option<Payload> {
        match self {
            Self::Read { payload, .. } | Self::Write { payload, .. } | Self::Serial { payload } => {
                Some(payload)
            }
            Self::Flush | Self::Discard { .. } => None,
        }
    }
}

/// Which way the data of a request go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transfer {
    /// From the disk into memory.
    Read,
    /// From memory to the disk.
    Write,
}

impl Transfer {
    /// Its type in a header.
    #[inline]
    pub(super) const fn kind(self) -> u32 {
        match self {
            Self::Read => IN,
            Self::Write => OUT,
        }
    }
}

/// Why a request was not taken, or did not succeed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// As many requests as there can be are in flight; leave a waker with
    /// [`wait_for_room`](super::Blk::wait_for_room).
    QueueFull,
    /// There is nothing to do.
    Empty,
    /// The request reaches past the end of the disk.
    OutOfRange {
        /// Its first sector.
        sector: u64,
        /// How many it wants.
        sectors: u64,
        /// How many the disk has.
        capacity: u64,
    },
    /// The request does not cover whole blocks of the disk.
    Misaligned {
        /// What its start and its length must be multiples of, in bytes.
        block_size: u32,
    },
    /// The payload is in more pieces than the disk takes at once.
    TooManySegments {
        /// The most it takes.
        most: u16,
    },
    /// The request is longer than one may be.
    TooLong {
        /// The most bytes.
        most: u64,
    },
    /// The disk cannot be written to.
    ReadOnly,
    /// The disk does not know this operation.
    Unsupported,
    /// The disk reports that it could not read or write.
    Io,
    /// The disk answered with a status that does not exist, or with none.
    Status(u8),
    /// The disk reports success and has not filled the payload.
    ShortRead,
    /// The disk has failed; see [`failure`](super::Blk::failure).
    DeviceFailed(Failure),
    /// There are as many streams of requests as there can be: 65,535.
    TooManyStreams,
    /// This request is not in flight: its result was taken already.
    UnknownToken,
}

impl fmt::Display for Error {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueFull => f.write_str("the queue of the disk is full"),
            Self::Empty => f.write_str("the request covers no sector"),
            Self::OutOfRange {
                sector,
                sectors,
                capacity,
            } => {
                write!(f, "{sectors} sectors from {sector} on a disk of {capacity}")
            }
            Self::Misaligned { block_size } => {
                write!(
                    f,
                    "the request does not cover whole blocks of {block_size} bytes"
                )
            }
            Self::TooManySegments { most } => {
                write!(
                    f,
                    "the payload is in more than the {most} pieces that the disk takes"
                )
            }
            Self::TooLong { most } => write!(f, "the request is longer than {most} bytes"),
            Self::ReadOnly => f.write_str("the disk is read-only"),
            Self::Unsupported => f.write_str("the disk does not support the operation"),
            Self::Io => f.write_str("the disk reports an input/output error"),
            Self::Status(status) => write!(f, "the disk answers with status {status}"),
            Self::ShortRead => f.write_str("the disk claims success without having read it all"),
            Self::DeviceFailed(failure) => write!(f, "the disk failed: {failure}"),
            Self::TooManyStreams => f.write_str("too many streams of requests to the disk"),
            Self::UnknownToken => f.write_str("the disk request is not in flight"),
        }
    }
}

impl core::error::Error for Error {}

/// A request that was not taken, unchanged.
#[derive(Debug)]
pub struct Rejected {
    /// Why.
    pub error: Error,
    /// What was asked for.
    pub operation: Operation,
}

/// A request with one buffer that was not taken.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub error: Error,
    /// What was to be read into or written.
    pub buffer: Buffer,
}

impl From<Refused> for Failed<Buffer> {
    fn from(Refused { error, buffer }: Refused) -> Self {
        Self::new(error, Some(buffer))
    }
}

/// An operation that failed, with the buffers that went in where the device has let go of them.
pub struct Failed<B>(Box<Details<B>>);

/// What is kept of it: elsewhere, so that a result is no larger than a buffer. It is moved with every
/// request.
struct Details<B> {
    error: Error,
    buffer: Option<B>,
}

impl<B> Failed<B> {
    /// A failure with this error; `buffer` is what went in.
    #[cold]
    #[must_use]
    pub fn new(error: Error, buffer: Option<B>) -> Self {
        Self(Box::new(Details { error, buffer }))
    }

    /// What went wrong.
    #[must_use]
    pub const fn error(&self) -> Error {
        self.0.error
    }

    /// The buffers that went in, where the device has let go of them.
    #[must_use]
    pub fn into_buffer(self) -> Option<B> {
        self.0.buffer
    }
}

impl<B> fmt::Debug for Failed<B> {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.error, f)
    }
}

impl<B> fmt::Display for Failed<B> {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.error, f)
    }
}

impl<B> core::error::Error for Failed<B> {}

/// A request of a stream that is done.
#[derive(Debug)]
pub struct Done {
    /// What the request was submitted with.
    pub tag: usize,
    /// The buffer, or what went wrong.
    pub result: Result<Buffer, Failed<Buffer>>,
}

/// A request that is done.
#[derive(Debug)]
pub struct Completion {
    /// What came of it.
    pub result: Result<(), Error>,
    /// Its memory, where it had some, unless the disk failed and may still use it.
    pub payload: Option<Payload>,
}
