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
mod submit;

use config::Config;
pub use config::{Features, SECTOR};
pub use operation::{Completion, Error, Operation, Payload, Rejected};
use submit::{BLOCK, STATUS_AT};

/// 5.2.2: the only queue where there is no multiqueue feature.
const QUEUE: u16 = 0;
/// Queue entries, where the device has so many.
const DEPTH: u16 = 256;
/// Requests in flight at most.
const REQUESTS: u16 = 128;
/// Data segments in one request at most.
const SEGMENTS: usize = 30;

/// The status that a device writes last (5.2.6).
const STATUS_OK: u8 = 0;
const STATUS_IOERR: u8 = 1;
const STATUS_UNSUPP: u8 = 2;
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

    /// Whether the device has given back a request that was not seen yet.
    #[inline]
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.queue.has_used()
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
    pub const fn statistics(&self) -> QueueStatistics {
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
