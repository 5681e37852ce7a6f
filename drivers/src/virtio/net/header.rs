//! The header before every frame (virtio 1.2, 5.1.6).

use super::super::features;
use super::Features;
use super::transmit::PartialChecksum;
use crate::address::PhysicalAddress;
use crate::dma::{Frame, START};
use crate::virtio::queue::Segment;

/// Bits of the field `flags`.
pub(super) const NEEDS_CSUM: u8 = 1;
pub(super) const DATA_VALID: u8 = 2;

/// Offsets of the header's fields.
pub(super) const FLAGS: usize = 0;
pub(super) const CSUM_START: usize = 6;
pub(super) const CSUM_OFFSET: usize = 8;

/// The length of the header with the number of buffers. The header of a legacy device without
/// merged buffers lacks that field.
const LONG: usize = 12;
const SHORT: usize = 10;

/// The part of the second word of a frame's memory that belongs to the frame, not to the header.
const FRAME_PART: u64 = 0xffff << 48;

/// Returns the number of buffers of the frame; only valid for the long header.
#[inline]
pub(super) const fn num_buffers(frame: &Frame) -> u16 {
    (frame.headers()[1] >> 32) as u16
}

/// The layout of frames and headers in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    /// The length of the header in bytes.
    pub(super) header: usize,
    /// Whether the header must have its own descriptor (legacy, 5.1.6.1 and 2.7.4.3).
    pub(super) split: bool,
    /// Whether a frame can be in several buffers.
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

    /// Returns the number of descriptors for one frame or buffer.
    #[inline]
    pub(super) const fn descriptors(self) -> u16 {
        if self.split { 2 } else { 1 }
    }

    /// Returns the offset of the header in a frame's memory; the header ends where the frame
    /// starts.
    #[inline]
    pub(super) const fn start(self) -> usize {
        START - self.header
    }

    /// Returns the address of the header of `frame` for a device.
    #[inline]
    pub(super) fn address(self, frame: &Frame) -> PhysicalAddress {
        PhysicalAddress(frame.address().0 - self.header as u64)
    }

    /// Returns the memory of a frame in one piece, for the device to write.
    #[inline]
    pub(super) fn receive(self, frame: &Frame) -> Segment {
        Segment::writable(self.address(frame), (self.header + frame.capacity()) as u32)
    }

    /// Returns the header and the frame in one piece, for the device to read.
    #[inline]
    pub(super) fn transmit(self, frame: &Frame) -> Segment {
        Segment::readable(self.address(frame), (self.header + frame.len()) as u32)
    }

    /// Splits `segment`, which starts with the header of `frame`, into the header and the rest.
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
                // The header starts in the first word, and `csum_start` is 6 bytes after it.
                let shift = 8 * self.start();
                let place = u64::from(start) | u64::from(offset) << 16;
                let flags = u64::from(NEEDS_CSUM) << shift;
                (flags, frame_part | place << (shift - 16))
            }
        };
    }
}
