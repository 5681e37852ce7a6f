//! Copies frames between memory and the FIFOs (3.12, 3.13).

use super::super::{HEADER, LONGEST};
use super::Lan9118;
use super::registers::*;
use crate::dma::Frame;
use crate::mmio::Registers;
use crate::virtio::Failure;

/// The length of the checksum that follows a received frame, in bytes.
const CHECKSUM: usize = 4;
/// The length of the tag that may follow the addresses, in bytes (IEEE 802.1Q).
const VLAN_TAG: usize = 4;
/// The bytes before the frame in its first word.
const OFFSET: usize = 2;
/// The space that the longest frame takes in the transmit FIFO, in bytes.
const SPACE: u32 = space(LONGEST);

/// Returns the space that a frame takes in the transmit FIFO, with its commands, in bytes (3.12.5).
const fn space(length: usize) -> u32 {
    (8 + (OFFSET + length).next_multiple_of(4)) as u32
}

/// The state of receiving.
#[derive(Debug, Default)]
pub(super) struct Receive {
    /// How many of the frames that were seen were not taken.
    pub(super) left: u16,
    /// The number of frames taken since the last reset, wrapping.
    pub(super) taken: u16,
}

/// The state of sending.
#[derive(Debug, Default)]
pub(super) struct Transmit {
    /// The number of frames written to the FIFO since the last reset, wrapping.
    written: u32,
    /// The number of frames whose status was read since the last reset, wrapping.
    pub(super) completed: u32,
    /// The space that the FIFO has at least, in bytes.
    free: u32,
    /// How many frames were dropped since this was last asked.
    pub(super) unsent: usize,
    /// Whether there was no room when it was last looked for.
    pub(super) is_starved: bool,
}

impl Transmit {
    /// Returns how many frames have no status yet.
    pub(super) fn in_flight(&self) -> u16 {
        self.written.wrapping_sub(self.completed) as u16
    }

    /// Returns whether there is room after there was none, as far as the FIFO's space was read.
    pub(super) const fn has_new_room(&self) -> bool {
        self.is_starved && self.free >= SPACE
    }
}

impl<R: Registers> Lan9118<R> {
    /// Returns how many frames wait in the controller.
    #[inline]
    pub(super) fn waiting(&self) -> u16 {
        ((self.registers.read32(RX_FIFO_INF) >> 16) & 0xff) as u16
    }

    /// Takes the next frame out of the FIFO. Returns `None` if it must be dropped.
    pub(super) fn take_frame(&mut self) -> Option<Frame> {
        let status = self.registers.read32(RX_STATUS);
        self.receive.taken = self.receive.taken.wrapping_add(1);
        let length = (status >> 16 & 0x3fff) as usize;
        let words = (OFFSET + length).div_ceil(4);
        let content = length.wrapping_sub(CHECKSUM);
        let dropped = if status & RX_ERRORS != 0 {
            &mut self.statistics.dropped_errors
        } else if length < HEADER + CHECKSUM {
            &mut self.statistics.dropped_short
        } else if content > LONGEST + VLAN_TAG {
            &mut self.statistics.dropped_long
        } else if let Some(mut frame) = self.frames.take_own() {
            frame.set_len(content);
            frame.set_verified(false);
            frame.set_changed(false);
            let memory = frame.fifo_words_mut();
            let kept = memory.len().min(words);
            for word in &mut memory[..kept] {
                *word = self.registers.read32(RX_DATA);
            }
            self.skip(words - kept);
            self.statistics.received = self.statistics.received.wrapping_add(1);
            return Some(frame);
        } else {
            &mut self.statistics.dropped_memory
        };
        *dropped = dropped.wrapping_add(1);
        self.drop_frame(words);
        None
    }

    /// Removes a frame of this many words from the FIFO.
    #[cold]
    fn drop_frame(&mut self, words: usize) {
        if words * 4 > (self.registers.read32(RX_FIFO_INF) & 0xffff) as usize {
            // The next frame could not be found.
            self.fail(Failure::Device(
                "its receive FIFO has less than the frame that it reports",
            ));
        } else {
            self.skip(words);
        }
    }

    fn skip(&self, words: usize) {
        for _ in 0..words {
            self.registers.read32(RX_DATA);
        }
    }

    /// Reads the status of sent frames, and the space of the FIFO.
    pub(super) fn settle(&mut self) {
        let state = self.registers.read32(TX_FIFO_INF);
        self.transmit.free = state & 0xffff;
        for _ in 0..state >> 16 & 0xff {
            let status = self.registers.read32(TX_STATUS);
            self.transmit.completed = self.transmit.completed.wrapping_add(1);
            if status & TX_ERROR != 0 {
                self.statistics.unsent_errors = self.statistics.unsent_errors.wrapping_add(1);
            }
        }
        if self.transmit.written.wrapping_sub(self.transmit.completed) > u32::MAX / 2 {
            self.fail(Failure::Device(
                "it reports the status of frames that were not sent",
            ));
        }
    }

    /// Returns how many frames fit into the FIFO, as far as that is known without reading more than one
    /// register.
    pub(super) fn room_for_frames(&mut self) -> u16 {
        if self.failure.is_some() {
            return 0;
        }
        if self.transmit.free < SPACE {
            self.settle();
            self.transmit.is_starved = self.transmit.free < SPACE;
        }
        (self.transmit.free / SPACE) as u16
    }

    /// Returns whether there is room after there was none; that is news only once.
    #[inline]
    pub(super) fn take_new_room(&mut self) -> bool {
        if !self.transmit.is_starved {
            return false;
        }
        self.settle();
        self.transmit.is_starved = self.transmit.free < SPACE;
        !self.transmit.is_starved
    }

    /// Copies a frame into the FIFO. One for which there is no room, and one that is too long, is counted
    /// and not sent.
    pub(super) fn copy_frame(&mut self, frame: &Frame) {
        let length = frame.len();
        if length > LONGEST || self.failure.is_some() || self.transmit.free < space(length) {
            self.transmit.unsent += 1;
            if length > LONGEST {
                self.statistics.unsent_long = self.statistics.unsent_long.wrapping_add(1);
            }
            return;
        }
        self.transmit.free -= space(length);
        let tag = self.transmit.written << 16;
        self.registers
            .write32(TX_DATA, WHOLE_FRAME_AT_2 | length as u32);
        self.registers.write32(TX_DATA, tag | length as u32);
        for word in &frame.fifo_words()[..(OFFSET + length).div_ceil(4)] {
            self.registers.write32(TX_DATA, *word);
        }
        self.transmit.written = self.transmit.written.wrapping_add(1);
        self.statistics.sent = self.statistics.sent.wrapping_add(1);
    }
}
