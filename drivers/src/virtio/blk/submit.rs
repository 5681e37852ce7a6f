//! Checking requests and putting them on the wire.

use super::{Blk, Error, Features, InFlight, Operation, Payload, Rejected, SECTOR, SEGMENTS};
use crate::address::PhysicalAddress;
use crate::virtio::queue::Segment;
use crate::virtio::requests::Token;
use crate::virtio::transport::Transport;

/// Types of a request (5.2.6).
const IN: u32 = 0;
const OUT: u32 = 1;
const FLUSH: u32 = 4;
const GET_ID: u32 = 8;
const DISCARD: u32 = 11;
/// The length of a serial number.
const SERIAL: u64 = 20;

/// What is there before the device has written one.
const STATUS_NONE: u8 = 0xff;

/// The block of a request: the header and a discard's range in the first cache line, which the
/// device reads, and the status in the second, which it writes.
const HEADER_AT: usize = 0;
const HEADER: u32 = 16;
const RANGE_AT: usize = 16;
const RANGE: u32 = 16;
pub(super) const STATUS_AT: usize = 64;
pub(super) const BLOCK: usize = 128;

impl<T: Transport> Blk<T> {
    /// In how many pieces a payload may be at most; one counts once more for every `size_max` bytes
    /// that it is longer than the disk takes in one.
    #[must_use]
    pub fn max_segments(&self) -> u16 {
        // 2.7.5.3.1: no chain is longer than the queue. One piece there must be, and `new` made sure
        // that the device can be given it.
        let queue = u32::from(self.queue.size().saturating_sub(2)).max(1);
        self.config.seg_max.min(queue).min(SEGMENTS as u32) as u16
    }

    /// Takes a request, to be seen by the device from the next [`publish`](Self::publish) on.
    ///
    /// # Errors
    ///
    /// [`Rejected`], with the operation unchanged.
    pub fn submit(&mut self, operation: Operation) -> Result<Token, Rejected> {
        if let Some(failure) = self.device.failure() {
            return Err(Rejected {
                error: Error::DeviceFailed(failure),
                operation,
            });
        }
        let Some(place) = self.requests.vacant() else {
            return Err(Rejected {
                error: Error::QueueFull,
                operation,
            });
        };
        if let Err(error) = self.lend(place.slot(), &operation) {
            return Err(Rejected { error, operation });
        }
        let expected = match &operation {
            Operation::Read { payload, .. } => payload.len() as u32,
            _ => 0,
        };
        let done = matches!(operation, Operation::Flush) && self.writes_through();
        let token = self.requests.begin(
            place,
            InFlight {
                payload: operation.into_payload(),
                expected,
            },
        );
        if done {
            self.requests.finish(token.slot, Ok(()));
        }
        Ok(token)
    }

    /// 5.2.6.2: without the feature to flush, every write is durable when it is done.
    const fn writes_through(&self) -> bool {
        !self.features.contains(Features::FLUSH)
    }

    /// Checks a request and lends its chain to the device, with `slot` as the owner.
    fn lend(&mut self, slot: u16, operation: &Operation) -> Result<(), Error> {
        let base = self.blocks.address(slot).0;
        let place = |offset: usize| PhysicalAddress(base + offset as u64);
        self.segments[0] = Segment::readable(place(HEADER_AT), HEADER);
        let (kind, sector, count) = match operation {
            Operation::Read { sector, payload } => {
                self.check_range(*sector, payload.len())?;
                (IN, *sector, self.lay_out(payload, true)?)
            }
            Operation::Write { sector, payload } => {
                self.check_writable()?;
                self.check_range(*sector, payload.len())?;
                (OUT, *sector, self.lay_out(payload, false)?)
            }
            Operation::Flush if self.writes_through() => return Ok(()),
            Operation::Flush => (FLUSH, 0, 1),
            Operation::Discard { sector, sectors } => {
                self.check_discard(*sector, *sectors)?;
                self.blocks.write64(slot, RANGE_AT, *sector);
                self.blocks.write64(slot, RANGE_AT + 8, u64::from(*sectors));
                self.segments[1] = Segment::readable(place(RANGE_AT), RANGE);
                (DISCARD, 0, 2)
            }
            Operation::Serial { payload } if payload.len() == SERIAL => {
                (GET_ID, 0, self.lay_out(payload, true)?)
            }
            Operation::Serial { .. } => return Err(Error::TooLong { most: SERIAL }),
        };
        self.segments[count] = Segment::writable(place(STATUS_AT), 1);
        self.blocks.write64(slot, HEADER_AT, u64::from(kind));
        self.blocks.write64(slot, HEADER_AT + 8, sector);
        self.blocks.write8(slot, STATUS_AT, STATUS_NONE);
        self.queue
            .lend(&self.segments[..=count], slot)
            .map_or(Err(Error::QueueFull), |_head| Ok(()))
    }

    /// Puts the pieces of a payload behind the header. Returns how many segments there are then.
    fn lay_out(&mut self, payload: &Payload, writable: bool) -> Result<usize, Error> {
        let most = self.max_segments();
        let mut count = 1;
        for buffer in payload.buffers() {
            let mut address = buffer.address();
            let mut left = buffer.len() as u64;
            while left > 0 {
                if count > usize::from(most) {
                    return Err(Error::TooManySegments { most });
                }
                let len = left.min(u64::from(self.config.size_max)) as u32;
                self.segments[count] = if writable {
                    Segment::writable(address, len)
                } else {
                    Segment::readable(address, len)
                };
                address.0 += u64::from(len);
                left -= u64::from(len);
                count += 1;
            }
        }
        Ok(count)
    }

    fn check_writable(&self) -> Result<(), Error> {
        if self.read_only() {
            Err(Error::ReadOnly)
        } else {
            Ok(())
        }
    }

    fn check_range(&self, sector: u64, bytes: u64) -> Result<(), Error> {
        let block_size = self.config.block_size;
        let mask = u64::from(block_size) - 1;
        if bytes == 0 {
            return Err(Error::Empty);
        }
        // The used length, which counts the status too, has 32 bits.
        let most = u64::from(u32::MAX) & !mask;
        if bytes > most - SECTOR {
            return Err(Error::TooLong { most });
        }
        let capacity = self.config.capacity;
        let sectors = bytes.div_ceil(SECTOR);
        if sector >= capacity || sectors > capacity - sector {
            return Err(Error::OutOfRange {
                sector,
                sectors,
                capacity,
            });
        }
        if (bytes | (sector * SECTOR)) & mask != 0 {
            return Err(Error::Misaligned { block_size });
        }
        Ok(())
    }

    fn check_discard(&self, sector: u64, sectors: u32) -> Result<(), Error> {
        if !self.features.contains(Features::DISCARD) {
            return Err(Error::Unsupported);
        }
        self.check_writable()?;
        let most = u64::from(self.config.max_discard) * SECTOR;
        let bytes = u64::from(sectors) * SECTOR;
        if bytes > most {
            return Err(Error::TooLong { most });
        }
        let capacity = self.config.capacity;
        match u64::from(sectors) {
            0 => Err(Error::Empty),
            sectors if sector >= capacity || sectors > capacity - sector => {
                Err(Error::OutOfRange {
                    sector,
                    sectors,
                    capacity,
                })
            }
            _ => {
                let block_size = self.config.block_size;
                let mask = u64::from(block_size) - 1;
                let aligned = (bytes | (sector * SECTOR)) & mask == 0;
                if aligned {
                    Ok(())
                } else {
                    Err(Error::Misaligned { block_size })
                }
            }
        }
    }
}
