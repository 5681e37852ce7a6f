//! Requests to a disk, and their results.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::slice;

use super::super::error::Failure;
use super::submit::{IN, OUT};
use crate::dma::Buffer;

/// The memory of a request, in one or several pieces.
#[derive(Debug)]
pub enum Payload {
    /// A payload in one buffer.
    One(Buffer),
    /// A payload in several buffers, which are used one after the other.
    Many(Vec<Buffer>),
}

impl Payload {
    /// Returns the pieces.
    #[inline]
    #[must_use]
    pub fn buffers(&self) -> &[Buffer] {
        match self {
            Self::One(buffer) => slice::from_ref(buffer),
            Self::Many(buffers) => buffers,
        }
    }

    /// Returns the total length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        bytes(self.buffers())
    }

    /// Returns whether the total length is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Returns the total length of `buffers` in bytes.
pub(super) fn bytes(buffers: &[Buffer]) -> u64 {
    buffers.iter().map(|buffer| buffer.len() as u64).sum()
}

/// An operation on a disk. Sectors have 512 bytes, independent of the disk's block size.
#[derive(Debug)]
pub enum Operation {
    /// Read into the payload, starting at `sector`.
    Read {
        /// The first sector to read.
        sector: u64,
        /// The memory to be filled: whole blocks of the disk.
        payload: Payload,
    },
    /// Write the payload, starting at `sector`.
    Write {
        /// The first sector to write.
        sector: u64,
        /// The data: whole blocks of the disk.
        payload: Payload,
    },
    /// Make all earlier writes durable.
    Flush,
    /// Discard the content of some sectors.
    Discard {
        /// The first sector to discard.
        sector: u64,
        /// The number of sectors to discard.
        sectors: u32,
    },
    /// Read the disk's serial number, which ends with a zero byte if it is shorter than 20 bytes.
    Serial {
        /// The memory to be filled: 20 bytes.
        payload: Payload,
    },
}

impl Operation {
    /// Returns the memory of the request, if any.
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

/// The direction of a request's data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transfer {
    /// From the disk into memory.
    Read,
    /// From memory to the disk.
    Write,
}

impl Transfer {
    /// Returns the request type for the header.
    #[inline]
    pub(super) const fn kind(self) -> u32 {
        match self {
            Self::Read => IN,
            Self::Write => OUT,
        }
    }
}

/// The reason why a request was rejected or failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The largest number of requests is in flight; [`wait_for_room`](super::Blk::wait_for_room)
    /// reports when there is room.
    Full,
    /// The request covers no sector.
    Empty,
    /// The request exceeds the end of the disk.
    OutOfRange {
        /// The first sector of the request.
        sector: u64,
        /// The number of sectors of the request.
        sectors: u64,
        /// The number of sectors of the disk.
        capacity: u64,
    },
    /// The request does not cover whole blocks of the disk.
    Misaligned {
        /// The block size in bytes, of which start and length must be multiples.
        block_size: u32,
    },
    /// The payload has more pieces than the disk accepts.
    TooManySegments {
        /// The largest number of pieces that the disk accepts.
        most: u16,
    },
    /// The request is too long.
    TooLong {
        /// The largest number of bytes.
        most: u64,
    },
    /// The disk is read-only.
    ReadOnly,
    /// The disk does not support the operation.
    Unsupported,
    /// The disk reported an error in reading or writing.
    Io,
    /// The disk answered with an undefined status, or with none.
    Status(u8),
    /// The disk reported success without filling the payload.
    ShortRead,
    /// The disk was reset, for this reason, while it had the request, or has not been restarted
    /// since. Whether it carried out the request is unknown.
    DeviceReset(Failure),
    /// The deadline of the request passed. The disk may still carry it out; the buffer stays with
    /// the driver until the disk returns it or was reset.
    TimedOut,
    /// The request was cancelled. The disk may still carry it out; the buffer stays with the driver
    /// until the disk returns it or was reset.
    Cancelled,
    /// There are 65,535 streams already.
    TooManyStreams,
    /// The request is not in flight: its result was returned already.
    UnknownToken,
}

impl fmt::Display for Error {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the queue of the disk is full"),
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
                    "the payload has more pieces than the {most} that the disk accepts"
                )
            }
            Self::TooLong { most } => write!(f, "the request is longer than {most} bytes"),
            Self::ReadOnly => f.write_str("the disk is read-only"),
            Self::Unsupported => f.write_str("the disk does not support the operation"),
            Self::Io => f.write_str("the disk reports an input/output error"),
            Self::Status(status) => write!(f, "the disk reports the unknown status {status}"),
            Self::ShortRead => {
                f.write_str("the disk reports success, but has not filled the buffer")
            }
            Self::DeviceReset(failure) => write!(f, "the disk was reset: {failure}"),
            Self::TimedOut => f.write_str("the disk did not respond within the time limit"),
            Self::Cancelled => f.write_str("the disk request was cancelled"),
            Self::TooManyStreams => f.write_str("too many streams of requests to the disk"),
            Self::UnknownToken => f.write_str("the disk request is not in flight"),
        }
    }
}

impl core::error::Error for Error {}

/// A rejected request, unchanged.
#[derive(Debug)]
pub struct Rejected {
    /// The reason for the rejection.
    pub error: Error,
    /// The operation, with its buffers.
    pub operation: Operation,
}

/// A rejected request with one buffer.
#[derive(Debug)]
pub struct Refused {
    /// The reason for the rejection.
    pub error: Error,
    /// The buffer of the request.
    pub buffer: Buffer,
}

impl From<Refused> for Failed<Buffer> {
    fn from(Refused { error, buffer }: Refused) -> Self {
        Self::new(error, Some(buffer))
    }
}

/// A failed operation, with its buffers if the device no longer uses them.
pub struct Failed<B>(Box<Details<B>>);

/// The content of [`Failed`], boxed so that a result is as small as a buffer.
struct Details<B> {
    error: Error,
    buffer: Option<B>,
}

impl<B> Failed<B> {
    /// Creates a failure with this error and the buffers of the request.
    #[cold]
    #[must_use]
    pub fn new(error: Error, buffer: Option<B>) -> Self {
        Self(Box::new(Details { error, buffer }))
    }

    /// Returns the error.
    #[must_use]
    pub const fn error(&self) -> Error {
        self.0.error
    }

    /// Returns the buffers of the request, if the device no longer uses them.
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

/// A completed request of a stream.
#[derive(Debug)]
pub struct Done {
    /// The tag that the request was submitted with.
    pub tag: usize,
    /// The buffer, or the error.
    pub result: Result<Buffer, Failed<Buffer>>,
}

/// A completed request.
#[derive(Debug)]
pub struct Completion {
    /// The result of the request.
    pub result: Result<(), Error>,
    /// The memory of the request, if any, unless the disk failed and may still use it.
    pub payload: Option<Payload>,
}
