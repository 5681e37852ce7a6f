//! The block device (virtio 1.2, 5.2).

use core::task::{Poll, Waker};

use super::device::Device;
use super::error::{Failure, SetupError};
use super::queue::{Queue, Segment, Used};
use super::requests::{Leak, Requests, Token};
use super::statistics::QueueStatistics;
use super::transport::{Doorbell, Routing, Transport};
use crate::address::PhysicalAddress;
use crate::dma::Blocks;

mod config;
mod operation;

use config::Config;
pub use config::{Features, SECTOR};
pub use operation::{Completion, Error, Operation, Payload, Rejected};

/// 5.2.2: the only queue where there is no multiqueue feature.
const QUEUE: u16 = 0;
/// Queue entries, where the device has so many.
const DEPTH: u16 = 256;
/// Requests in flight at most.
const REQUESTS: u16 = 128;
/// Data segments in one request at most.
const SEGMENTS: usize = 30;

/// Types of a request (5.2.6).
const IN: u32 = 0;
const OUT: u32 = 1;
const FLUSH: u32 = 4;
const GET_ID: u32 = 8;
const DISCARD: u32 = 11;
/// The length of a serial number.
const SERIAL: u64 = 20;

/// The status that a device writes last (5.2.6).
const STATUS_OK: u8 = 0;
const STATUS_IOERR: u8 = 1;
const STATUS_UNSUPP: u8 = 2;
/// What is there before the device has written one.
const STATUS_NONE: u8 = 0xff;

/// The block of a request: the header and a discard's range in the first cache line, which the
/// device reads, and the status in the second, which it writes.
const HEADER_AT: usize = 0;
const HEADER: u32 = 16;
const RANGE_AT: usize = 16;
const RANGE: u32 = 16;
const STATUS_AT: usize = 64;
const BLOCK: usize = 128;

/// What is kept of a request in flight.
struct InFlight {
    payload: Option<Payload>,
    /// How many bytes the device must have written, the status aside.
    expected: u32,
}

impl Leak for InFlight {
    fn leak(&mut self) {
        if let Some(payload) = &mut self.payload {
            payload.leak();
        }
    }
}

/// A disk.
pub struct Blk<T: Transport> {
    device: Device<T>,
    queue: Queue,
    doorbell: Doorbell,
    requests: Requests<InFlight, Result<(), Error>>,
    blocks: Blocks,
    /// Where a chain is put together.
    segments: [Segment; SEGMENTS + 2],
    config: Config,
    features: Features,
}

impl<T: Transport> Blk<T> {
    /// Starts the device behind `transport`.
    ///
    /// # Errors
    ///
    /// [`SetupError`]; the device is then left alone.
    pub fn new(transport: T) -> Result<Self, SetupError> {
        let mut device = Device::new(transport);
        let accepted = device.negotiate(|_transport, _offered| Features::all().bits())?;
        let features = Features::from_bits_truncate(accepted);
        let config = Config::read(&device.transport, features)?;
        let queue = device.queue(QUEUE, DEPTH, SEGMENTS as u16 + 2)?;
        // A header, a piece of data and a status need three descriptors, in the queue or in a table.
        if !queue.has_room(3) {
            let size = queue.size();
            return Err(device.give_up(SetupError::QueueTooSmall { queue: QUEUE, size }));
        }
        let count = queue.size().min(REQUESTS);
        // From here on `drop` resets the device before the queue's memory goes.
        let mut blk = Self {
            requests: Requests::new(count)?,
            blocks: Blocks::new(count, BLOCK)?,
            segments: [Segment::readable(PhysicalAddress(0), 0); SEGMENTS + 2],
            doorbell: Doorbell::NONE,
            device,
            queue,
            config,
            features,
        };
        blk.doorbell = blk.device.enable_queue(QUEUE, &blk.queue)?;
        blk.device.start();
        Ok(blk)
    }

    /// How many sectors of 512 bytes the disk has. Changes when the disk is resized.
    #[must_use]
    pub const fn capacity(&self) -> u64 {
        self.config.capacity
    }

    /// Whether the disk refuses to be written to.
    #[must_use]
    pub const fn read_only(&self) -> bool {
        self.features.contains(Features::RO)
    }

    /// The size of a block in bytes, a power of two and at least 512. Requests cover whole blocks.
    #[must_use]
    pub const fn logical_block_size(&self) -> u32 {
        self.config.block_size
    }

    /// What the disk offers.
    #[must_use]
    pub const fn features(&self) -> Features {
        self.features
    }

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

    /// Takes back up to `budget` requests that are done and wakes who waits for them. Returns how
    /// many.
    pub fn complete(&mut self, budget: usize) -> usize {
        let mut count = 0;
        while count < budget
            && self.device.failure().is_none()
            && let Some(used) = self.queue.take()
        {
            self.queue.free(used.head);
            let result = self.result(used);
            self.requests.finish(used.owner, result);
            count += 1;
        }
        if count > 0 {
            self.device.found();
            self.requests.wake_waiting();
        }
        if let Some(refusal) = self.queue.broken()
            && self.device.failure().is_none()
        {
            self.fail(Failure::Queue {
                queue: QUEUE,
                refusal,
            });
        }
        count
    }

    /// What a request that the device has given back came to.
    #[inline]
    fn result(&mut self, used: Used) -> Result<(), Error> {
        match self.blocks.read8(used.owner, STATUS_AT) {
            STATUS_OK => {}
            STATUS_IOERR => return Err(Error::Io),
            STATUS_UNSUPP => return Err(Error::Unsupported),
            status => return Err(Error::Status(status)),
        }
        // Legacy devices are known to get the length wrong (2.7.8.2).
        let expected = self
            .requests
            .payload(used.owner)
            .map_or(0, |request| request.expected);
        if used.len < expected && !self.device.transport.is_legacy() {
            return Err(Error::ShortRead);
        }
        Ok(())
    }

    /// What came of a request, once; leaves `waker` where it is not done.
    pub fn poll(&mut self, token: Token, waker: &Waker) -> Poll<Completion> {
        self.requests.poll(token, waker).map(|done| match done {
            Some(done) => Completion {
                result: done.result,
                payload: done.payload.and_then(|request| request.payload),
            },
            None => Completion {
                result: Err(Error::UnknownToken),
                payload: None,
            },
        })
    }

    /// Nobody will ask for this request. Its memory is freed when the device lets go of it.
    pub fn detach(&mut self, token: Token) {
        self.requests.detach(token);
    }

    /// Whether a request in one piece would be taken now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.device.failure().is_none() && self.requests.has_room() && self.queue.has_room(3)
    }

    /// Leaves a waker to be woken when a request may be taken.
    pub fn wait_for_room(&mut self, waker: &Waker) {
        self.requests.wait_for_room(waker);
    }

    /// Makes what was submitted visible to the device: at most one kick.
    #[inline]
    pub fn publish(&mut self) {
        if self.device.failure().is_none() && self.queue.publish() {
            self.device.transport.ring(self.doorbell);
        }
    }

    /// Asks for an interrupt at the next completion. Returns whether there is one already: then do
    /// not sleep.
    #[inline]
    pub fn rearm(&mut self) -> bool {
        self.device.failure().is_none() && self.queue.arm(0)
    }

    /// Acknowledges the device's interrupt; call before [`complete`](Self::complete).
    #[inline]
    pub fn acknowledge_interrupt(&mut self) {
        self.queue.hold();
        if self.device.acknowledge() {
            self.configuration_changed();
        }
    }

    /// Looks at what the device has to say beside its queue, a new capacity for one: for the
    /// interrupt number that [`Routing`] gives for the configuration.
    #[cold]
    pub fn configuration_changed(&mut self) {
        if self.device.failure().is_some() {
            return;
        }
        if self.device.needs_reset() {
            return self.fail(Failure::NeedsReset);
        }
        match Config::read(&self.device.transport, self.features) {
            Ok(config) => self.config = config,
            Err(_error) => self.fail(Failure::Configuration),
        }
    }

    /// How the device's interrupts arrive.
    #[must_use]
    pub fn routing(&self) -> Routing {
        self.device.transport.routing()
    }

    /// Why the disk takes no requests, if it does not.
    #[must_use]
    pub const fn failure(&self) -> Option<Failure> {
        self.device.failure()
    }

    /// What has happened on the queue.
    #[must_use]
    pub const fn statistics(&self) -> &QueueStatistics {
        self.queue.statistics()
    }

    #[cold]
    fn fail(&mut self, failure: Failure) {
        let let_go = self.device.fail(failure);
        self.requests.fail(|| Err(Error::DeviceFailed(failure)));
        if let_go {
            self.requests.release();
        }
    }

    /// Resets the device and starts it again. Requests in flight fail.
    ///
    /// # Errors
    ///
    /// [`SetupError`]; the disk then stays failed.
    pub fn reinitialize(&mut self) -> Result<(), SetupError> {
        self.fail(Failure::Restarted);
        self.restart().inspect_err(|error| {
            self.fail(Failure::Setup(*error));
        })
    }

    fn restart(&mut self) -> Result<(), SetupError> {
        self.device
            .negotiate_again(|_transport, _offered| Features::all().bits())?;
        self.requests.release();
        self.config = Config::read(&self.device.transport, self.features)?;
        self.device.restart_queue(QUEUE, &mut self.queue)?;
        self.doorbell = self.device.enable_queue(QUEUE, &self.queue)?;
        self.device.start();
        self.requests.wake_waiting();
        Ok(())
    }
}

impl<T: Transport> Drop for Blk<T> {
    fn drop(&mut self) {
        if self.device.transport.reset().is_err() {
            self.queue.leak();
            self.requests.leak();
            self.blocks.leak();
        }
    }
}

#[cfg(test)]
mod tests;
