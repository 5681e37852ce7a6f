//! The block device (virtio 1.2, 5.2).

use alloc::vec::Vec;
use core::mem;

use super::device::{Device, GaveUp};
use super::driver::Driver;
use super::error::{Failure, SetupError};
use super::pulse::Pulse;
use super::queue::{Queue, Segment, Triple, Used};
pub use super::requests::{Consumer, StreamId, Ticket, Token};
use super::requests::{Line, Memory, Requests};
use super::statistics::QueueStatistics;
use super::transport::{Doorbell, Transport};
use crate::address::PhysicalAddress;
use crate::dma::Buffer;

mod config;
mod consume;
mod headers;
mod operation;
mod submit;

use config::Config;
pub use config::{Features, SECTOR};
use headers::Headers;
pub use operation::{
    Completion, Done, Error, Failed, Operation, Payload, Refused, Rejected, Transfer,
};

/// 5.2.2: the only queue, without the multiqueue feature.
const QUEUE: u16 = 0;
/// The wanted number of queue entries.
const DEPTH: u16 = 256;
/// The largest number of requests in flight.
const REQUESTS: u16 = 128;
/// The largest number of data segments in a request.
const SEGMENTS: usize = 30;

/// The driver's record of a request in flight: its memory, in one of the two fields.
#[derive(Default)]
struct InFlight {
    one: Option<Buffer>,
    many: Option<Vec<Buffer>>,
    /// The number of bytes that the device must write, without the status.
    expected: u32,
}

impl InFlight {
    /// Stores the buffer of a new request.
    #[inline]
    fn keep(&mut self, transfer: Transfer, buffer: Buffer) {
        self.expected = match transfer {
            Transfer::Read => buffer.len() as u32,
            Transfer::Write => 0,
        };
        // `forget` avoids the code for dropping `None`.
        mem::forget(self.one.replace(buffer));
    }

    /// Takes the memory of a completed request.
    fn take(&mut self) -> Option<Payload> {
        let one = self.one.take().map(Payload::One);
        one.or_else(|| self.many.take().map(Payload::Many))
    }
}

impl Memory for InFlight {
    fn leak(&mut self) {
        let many = self.many.iter_mut().flatten();
        self.one.iter_mut().chain(many).for_each(Buffer::leak);
    }
}

/// The counts of requests since boot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// Requests that the device answered with an error or did not complete in full.
    pub errors: u32,
}

crate::counted!(Statistics { errors });

/// The driver for a block device.
pub struct Blk<T: Transport> {
    device: Device<T>,
    queue: Queue,
    doorbell: Doorbell,
    requests: Requests<InFlight, Result<(), Error>>,
    headers: Headers,
    counts: Statistics,
    /// A chain that the device has returned, and whose stream was woken to take it.
    called: Option<Used>,
    /// The tasks that wait for a request slot.
    line: Line,
    /// How many descriptors the last request needed if there were too few for it; otherwise 0. With
    /// indirect tables one is enough for any.
    wanted: usize,
    /// The segments of the chain that is being composed; kept here to avoid clearing them each
    /// time.
    segments: [Segment; SEGMENTS + 2],
    config: Config,
    features: Features,
}

/// The parts of a block device, besides the virtio device.
struct Parts {
    features: Features,
    config: Config,
    queue: Queue,
    requests: Requests<InFlight, Result<(), Error>>,
    headers: Headers,
}

impl<T: Transport> Blk<T> {
    /// Starts the device at `transport`.
    ///
    /// # Errors
    ///
    /// Returns [`SetupError`]; the device is then not used.
    #[inline(never)]
    pub fn new(transport: T) -> Result<Self, SetupError> {
        let mut device = Device::new(transport);
        let Ok(Parts {
            features,
            config,
            queue,
            requests,
            headers,
        }) = Self::parts(&mut device)
        else {
            return Err(device.refusal());
        };
        // From here on, `drop` resets the device before the queue's memory is freed.
        let mut blk = Self {
            requests,
            headers,
            counts: Statistics::default(),
            called: None,
            line: Line::default(),
            wanted: 0,
            segments: [Segment::readable(PhysicalAddress(0), 0); SEGMENTS + 2],
            doorbell: Doorbell::NONE,
            device,
            queue,
            config,
            features,
        };
        match blk.start() {
            Ok(()) => Ok(blk),
            Err(GaveUp) => Err(blk.device.refusal()),
        }
    }

    /// Prepares what the driver needs before the device is started.
    #[inline(never)]
    fn parts(device: &mut Device<T>) -> Result<Parts, GaveUp> {
        let accepted = device.negotiate(|_transport, _offered| Features::all().bits())?;
        let features = Features::from_bits_truncate(accepted);
        let config = Config::read(&device.transport, features);
        let config = device.done(config)?;
        let queue = device.queue(QUEUE, DEPTH, SEGMENTS as u16 + 2)?;
        // A header, a piece of data and a status need three descriptors, in the queue or in a
        // table.
        if !queue.has_room(3) {
            let size = queue.size();
            return Err(device.give_up(SetupError::QueueTooSmall { queue: QUEUE, size }));
        }
        let count = queue.size().min(REQUESTS);
        Ok(Parts {
            requests: device.done(Requests::new(count, Ok(())))?,
            headers: device.done(Headers::new(count))?,
            features,
            config,
            queue,
        })
    }

    /// Passes an empty queue to the device and starts it.
    fn start(&mut self) -> Result<(), GaveUp> {
        self.doorbell = self.device.enable_queue(QUEUE, &self.queue)?;
        self.device.start();
        self.line.close(false);
        self.offer_room();
        Ok(())
    }

    /// Returns the number of sectors of 512 bytes. It changes if the disk is resized.
    #[must_use]
    pub const fn capacity(&self) -> u64 {
        self.config.capacity
    }

    /// Returns whether the disk rejects writes.
    #[must_use]
    pub const fn read_only(&self) -> bool {
        self.features.contains(Features::RO)
    }

    /// Returns the block size in bytes: a power of two, at least 512. Requests cover whole blocks.
    #[must_use]
    pub const fn logical_block_size(&self) -> u32 {
        self.config.block_size
    }

    /// Returns the features in use.
    #[must_use]
    pub const fn features(&self) -> Features {
        self.features
    }

    /// Makes submitted requests visible to the device, with at most one notification.
    #[inline]
    pub fn publish(&mut self) {
        if self.device.failure().is_none() && self.queue.publish() {
            self.device.transport.ring(self.doorbell);
        }
        // The tasks that were woken for room have run.
        if self.line.is_taken() {
            self.line.settle();
            self.offer_room();
        }
    }

    /// Requests an interrupt at the next completion. Returns whether there is one already; the
    /// caller must not sleep then.
    #[inline]
    pub fn rearm(&mut self) -> bool {
        self.device.failure().is_none() && (self.called.is_some() || self.queue.arm(0))
    }

    /// Returns whether the device has completed a request that was not processed yet.
    #[inline]
    #[must_use]
    pub fn has_news(&mut self) -> bool {
        self.queue.look() > 0
    }

    /// Acknowledges the device's interrupt; call before [`complete`](Self::complete).
    #[inline]
    pub fn acknowledge_interrupt(&mut self) {
        self.queue.hold();
        if self.device.acknowledge() {
            self.configuration_changed();
        }
    }

    /// Returns whether the last attempt to restart the disk failed. Requests then fail with the reason,
    /// and do not wait for another attempt.
    #[must_use]
    pub const fn refuses(&self) -> bool {
        self.device.refuses()
    }

    /// Returns the counts of requests.
    #[must_use]
    pub const fn counts(&self) -> Statistics {
        self.counts
    }

    /// Returns the counts of the queue.
    #[must_use]
    pub const fn statistics(&self) -> QueueStatistics {
        self.queue.statistics()
    }
}

impl<T: Transport> Driver for Blk<T> {
    type Transport = T;

    #[inline]
    fn device(&self) -> &Device<T> {
        &self.device
    }

    fn device_mut(&mut self) -> &mut Device<T> {
        &mut self.device
    }

    /// Reads the disk's configuration, such as a new capacity.
    #[cold]
    fn configuration_changed(&mut self) {
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

    fn pulse(&mut self) -> Pulse {
        Pulse {
            is_unread: self.device.is_unread(),
            ..self.queue.pulse()
        }
    }

    #[cold]
    fn kick(&mut self) {
        self.queue.publish_again();
        self.device.kick(self.doorbell);
    }

    /// Requests in flight fail. If a restart has failed, so do the requests to come
    /// ([`refuses`](Blk::refuses)); the tasks that wait for room are woken to be told.
    #[cold]
    fn fail(&mut self, failure: Failure) {
        let let_go = self.device.fail(failure);
        self.line.close(true);
        self.requests.fail(|| Err(Error::DeviceReset(failure)));
        if let_go {
            self.requests.release();
        }
        if self.refuses() {
            self.line.offer(usize::MAX);
        }
    }

    fn restart(&mut self) -> Result<(), GaveUp> {
        self.device
            .negotiate_again(|_transport, _offered| Features::all().bits())?;
        self.requests.release();
        let config = Config::read(&self.device.transport, self.features);
        self.config = self.device.done(config)?;
        self.device.restart_queue(QUEUE, &mut self.queue)?;
        self.requests.strip_all();
        if self.called.take().is_some() {
            self.requests.discount_called();
        }
        self.start()
    }
}

impl<T: Transport> Drop for Blk<T> {
    fn drop(&mut self) {
        if self.device.transport.reset().is_err() {
            self.queue.leak();
            self.requests.leak();
            self.headers.leak();
        }
    }
}

#[cfg(test)]
mod tests;
