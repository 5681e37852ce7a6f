//! A disk's features and configuration (virtio 1.2, 5.2.3 and 5.2.4).

use bitflags::bitflags;

use super::super::error::SetupError;
use super::super::transport::Transport;

bitflags! {
    /// What a disk may offer, as far as it is used.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Features: u64 {
        /// A segment may have `size_max` bytes at most.
        const SIZE_MAX = 1 << 1;
        /// A request may have `seg_max` segments at most.
        const SEG_MAX = 1 << 2;
        /// It cannot be written to.
        const RO = 1 << 5;
        /// It tells its block size.
        const BLK_SIZE = 1 << 6;
        /// It has a cache that can be flushed.
        const FLUSH = 1 << 9;
        /// It can discard sectors.
        const DISCARD = 1 << 13;
    }
}

/// A sector, in bytes: the unit of every address and of the capacity (5.2.5).
pub const SECTOR: u64 = 512;

/// What the configuration says, with the limits of this driver applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Config {
    /// In sectors.
    pub(super) capacity: u64,
    /// Bytes in a segment at most.
    pub(super) size_max: u32,
    /// Bytes in a request at most that has one segment.
    pub(super) piece_max: u32,
    /// Data segments in a request at most.
    pub(super) seg_max: u32,
    /// In bytes: a power of two, at least a sector.
    pub(super) block_size: u32,
    /// Sectors in a discard at most; 0 where there is none.
    pub(super) max_discard: u32,
}

impl Config {
    /// Reads it as it is at one moment.
    pub(super) fn read<T: Transport>(
        transport: &T,
        features: Features,
    ) -> Result<Self, SetupError> {
        let len = [
            (Features::DISCARD, 48),
            (Features::BLK_SIZE, 24),
            (Features::SEG_MAX, 16),
            (Features::SIZE_MAX, 12),
        ]
        .into_iter()
        .find_map(|(feature, len)| features.contains(feature).then_some(len))
        .unwrap_or(8);
        let config = transport.read_config(len, |transport| {
            let field = |feature, offset, otherwise| {
                if features.contains(feature) {
                    transport.config32(offset)
                } else {
                    otherwise
                }
            };
            let (low, high) = (transport.config32(0), transport.config32(4));
            Self {
                capacity: u64::from(low) | u64::from(high) << 32,
                size_max: field(Features::SIZE_MAX, 8, u32::MAX),
                piece_max: 0,
                seg_max: field(Features::SEG_MAX, 12, u32::MAX),
                block_size: field(Features::BLK_SIZE, 20, SECTOR as u32),
                max_discard: field(Features::DISCARD, 36, 0),
            }
        })?;
        config.check()
    }

    fn check(self) -> Result<Self, SetupError> {
        let Self {
            size_max,
            block_size,
            ..
        } = self;
        if u64::from(block_size) < SECTOR || !block_size.is_power_of_two() {
            return Err(SetupError::ConfigInvalid {
                field: "blk_size",
                value: block_size,
            });
        }
        if u64::from(size_max) < SECTOR {
            return Err(SetupError::ConfigInvalid {
                field: "size_max",
                value: size_max,
            });
        }
        // The end of the disk in bytes must be a number.
        let capacity = self.capacity.min(u64::MAX / SECTOR);
        Ok(Self {
            capacity,
            piece_max: size_max.min((longest(block_size) - SECTOR) as u32),
            seg_max: self.seg_max.max(1),
            ..self
        })
    }
}

/// Bytes in a request at most on a disk with blocks of `block_size` bytes: the used length, which
/// counts the status too, has 32 bits.
pub(super) const fn longest(block_size: u32) -> u64 {
    u32::MAX as u64 & !(block_size as u64 - 1)
}
