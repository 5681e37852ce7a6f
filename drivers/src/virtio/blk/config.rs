//! Features and configuration of a block device (virtio 1.2, 5.2.3 and 5.2.4).

use bitflags::bitflags;

use super::super::error::SetupError;
use super::super::transport::Transport;

bitflags! {
    /// The features of a block device that the driver uses.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Features: u64 {
        /// The configuration limits the size of a segment.
        const SIZE_MAX = 1 << 1;
        /// The configuration limits the number of segments in a request.
        const SEG_MAX = 1 << 2;
        /// The device is read-only.
        const RO = 1 << 5;
        /// The configuration contains the block size.
        const BLK_SIZE = 1 << 6;
        /// The device has a cache that can be flushed.
        const FLUSH = 1 << 9;
        /// The device can discard sectors.
        const DISCARD = 1 << 13;
    }
}

/// The size of a sector in bytes: the unit of all addresses and of the capacity (5.2.5).
pub const SECTOR: u64 = 512;

/// The configuration, with the limits of this driver applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Config {
    /// The size of the disk in sectors.
    pub(super) capacity: u64,
    /// The largest size of a segment, in bytes.
    pub(super) size_max: u32,
    /// The largest size of a request with one segment, in bytes.
    pub(super) piece_max: u32,
    /// The largest number of data segments in a request.
    pub(super) seg_max: u32,
    /// The block size of the disk in bytes: a power of two, at least a sector.
    pub(super) block_size: u32,
    /// The block size less one.
    pub(super) block_mask: u32,
    /// The largest number of sectors in a discard; 0 if the device has no discard.
    pub(super) max_discard: u32,
}

impl Config {
    /// Reads the configuration in a consistent state.
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
                block_mask: 0,
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
        // The end of the disk in bytes must fit in 64 bits.
        let capacity = self.capacity.min(u64::MAX / SECTOR);
        Ok(Self {
            capacity,
            piece_max: size_max.min((longest(block_size) - SECTOR) as u32),
            seg_max: self.seg_max.max(1),
            block_mask: block_size - 1,
            ..self
        })
    }
}

/// Returns the largest size of a request in bytes, for this block size: the used length, which
/// includes the status, has 32 bits.
pub(super) const fn longest(block_size: u32) -> u64 {
    u32::MAX as u64 & !(block_size as u64 - 1)
}
