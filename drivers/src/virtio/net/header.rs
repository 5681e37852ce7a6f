//! The header in front of every frame (virtio 1.2, 5.1.6).

use super::super::features;
use super::Features;

/// Bits of `flags`.
pub(super) const NEEDS_CSUM: u8 = 1;
pub(super) const DATA_VALID: u8 = 2;

/// Offsets of fields.
pub(super) const FLAGS: usize = 0;
pub(super) const CSUM_START: usize = 6;
pub(super) const CSUM_OFFSET: usize = 8;
pub(super) const NUM_BUFFERS: usize = 10;

/// The length of the header with the number of buffers, which a legacy device without merged buffers
/// leaves out.
const LONG: usize = 12;
const SHORT: usize = 10;

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
    pub(super) const fn descriptors(self) -> u16 {
        if self.split { 2 } else { 1 }
    }
}
