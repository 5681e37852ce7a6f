//! The header in front of every frame (virtio 1.2, 5.1.6).

use super::super::features;
use super::Features;
use super::transmit::PartialChecksum;
use crate::address::PhysicalAddress;
use crate::dma::{Frame, START};
use crate::virtio::queue::Segment;

/// Bits of `flags`.
pub(super) const NEEDS_CSUM: u8 = 1;
pub(super) const DATA_VALID: u8 = 2;

/// Offsets of fields.
pub(super) const FLAGS: usize = 0;
pub(super) const CSUM_START: usize = 6;
pub(super) const CSUM_OFFSET: usize = 8;

/// The length of the header with the number of buffers, which a legacy device without merged buffers
/// leaves out.
const LONG: usize = 12;
const SHORT: usize = 10;

/// The part of the second word of a frame's memory that is the frame's own and not the header's.
const FRAME_PART: u64 = 0xffff << 48;

/// In how many buffers the frame came, where its header says that: it is a long one then.
#[inline]
pub(super) const fn num_buffers(frame: &Frame) -> u16 {
    (frame.headers()[1] >> 32) as u16
}

/// How frames and headers are laid out in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    /// The length of the header in bytes.
    pub(super) header: usize,
    /// Whether the header must have a descriptor of its own (legacy, 5.1.6.1 and 2.7.4.3).
    pub(super) split: bool,
    /// Whether a frame may come in several buffers.
    pub(super) merged: bool,
}

impl Layout {
    pub(super) const fn new(accepted: u64) -> Self {
        let features = Features::from_bits_truncate(accepted);
        let common = features::Features::from_bits_truncate(accepted);
        let modern = common.contains(features::Features::VERSION_1);
        let merged = features.contains(Features::MRG_RXBUF);
        Self {
            header: if modern || merged { LONG } else { SHORT },
            split: !modern && !common.contains(features::Features::ANY_LAYOUT),
            merged,
        }
    }

    /// Descriptors for one frame or buffer.
    #[inline]
    pub(super) const fn descriptors(self) -> u16 {
        if self.split { 2 } else { 1 }
    }

    /// Where the header begins in a frame's memory: it ends where the frame begins.
    #[inline]
    pub(super) const fn start(self) -> usize {
        START - self.header
    }

    /// Where the header of `frame` is, for a device.
    #[inline]
    pub(super) fn address(self, frame: &Frame) -> PhysicalAddress {
        PhysicalAddress(frame.address().0 - self.header as u64)
    }

    /// The memory of a frame as the device is to write it, in one piece.
    #[inline]
    pub(super) fn receive(self, frame: &Frame) -> Segment {
        Segment::writable(self.address(frame), (self.header + frame.capacity()) as u32)
    }

    /// The header and the frame as the device is to read them, in one piece.
    #[inline]
    pub(super) fn transmit(self, frame: &Frame) -> Segment {
        Segment::readable(self.address(frame), (self.header + frame.len()) as u32)
    }

    /// `segment`, which begins with the header of `frame`, as the header and the rest.
    pub(super) fn split(self, frame: &Frame, segment: Segment) -> [Segment; 2] {
        segment.split(self.header as u32, frame.address())
    }

    /// Reads the 16-bit field at `offset` of the header.
    pub(super) const fn read(self, frame: &Frame, offset: usize) -> u16 {
        let at = self.start() + offset;
        (frame.headers()[at / 8] >> (8 * (at % 8))) as u16
    }

    /// Writes the header of a frame to be sent: `flags`, `csum_start` and `csum_offset` for
    /// `checksum`, and 0 in all other fields.
    #[inline]
    pub(super) fn write(self, frame: &mut Frame, checksum: Option<PartialChecksum>) {
        let words = frame.headers_mut();
        let frame_part = words[1] & FRAME_PART;
        (words[0], words[1]) = match checksum {
            None => (0, frame_part),
            Some(PartialChecksum { start, offset }) => {
                // The header begins in the first word, and `csum_start` behind 6 bytes more.
                let shift = 8 * self.start();
                let place = u64::from(start) | u64::from(offset) << 16;
                let flags = u64::from(NEEDS_CSUM) << shift;
                (flags, frame_part | place << (shift - 16))
            }
        };
    }
}
