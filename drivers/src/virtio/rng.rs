//! The entropy device (virtio 1.2, 5.4).

use core::fmt;
use core::task::{Poll, Waker};

use super::device::{Device, GaveUp};
use super::driver::Driver;
use super::error::{Failure, SetupError};
use super::pulse::Pulse;
use super::queue::{Queue, Segment};
use super::requests::{Consumer, Requests, Token};
use super::statistics::QueueStatistics;
use super::transport::{Doorbell, Transport};
use crate::dma::{Buffer, OutOfMemory};

/// The index of the only queue (5.4.2).
const QUEUE: u16 = 0;
/// The wanted number of queue entries; more would not help.
const DEPTH: u16 = 8;

/// The reason why a request returned no random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The largest number of requests is in flight; [`wait_for_room`](Rng::wait_for_room) reports
    /// when there is room.
    Full,
    /// The buffer is empty, or larger than 4 GiB.
    BufferSize,
    /// The device was reset, for this reason, while it had the request, or has not been restarted
    /// since.
    DeviceReset(Failure),
    /// The deadline of the request passed. The buffer stays with the driver until the device
    /// returns it or was reset.
    TimedOut,
    /// The device reported more bytes than the buffer has, so its data is not used.
    LengthRefused,
    /// The device answered several times in a row, and returned no byte.
    NoBytes,
    /// There is no memory for the request.
    OutOfMemory(OutOfMemory),
    /// The request is not in flight: its result was returned already.
    UnknownToken,
}

impl fmt::Display for Error {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the queue of the entropy device is full"),
            Self::BufferSize => {
                f.write_str("a buffer for the entropy device must have 1 byte to 4 GiB")
            }
            Self::DeviceReset(failure) => write!(f, "the entropy device was reset: {failure}"),
            Self::TimedOut => {
                f.write_str("the entropy device did not respond within the time limit")
            }
            Self::LengthRefused => {
                f.write_str("the entropy device reports more bytes than the buffer has")
            }
            Self::NoBytes => f.write_str("the entropy device returns no bytes"),
            Self::OutOfMemory(error) => error.fmt(f),
            Self::UnknownToken => f.write_str("the entropy request is not in flight"),
        }
    }
}

impl core::error::Error for Error {}

/// A rejected request, with its buffer.
#[derive(Debug)]
pub struct Rejected {
    /// The reason for the rejection.
    pub error: Error,
    /// The buffer of the request.
    pub buffer: Buffer,
}

/// A completed request.
#[derive(Debug)]
pub struct Completion {
    /// The number of random bytes at the start of the buffer; may be fewer than its size.
    pub result: Result<usize, Error>,
    /// The buffer, unless the device failed and may still write into it.
    pub buffer: Option<Buffer>,
}

/// The requests in flight or completed.
type InFlight = Requests<Option<Buffer>, Result<usize, Error>>;

/// The driver for an entropy device.
pub struct Rng<T: Transport> {
    device: Device<T>,
    queue: Queue,
    doorbell: Doorbell,
    requests: InFlight,
}

impl<T: Transport> Rng<T> {
    /// Starts the device at `transport`.
    ///
    /// # Errors
    ///
    /// Returns [`SetupError`]; the device is then not used.
    #[inline(never)]
    pub fn new(transport: T) -> Result<Self, SetupError> {
        let mut device = Device::new(transport);
        let Ok((queue, requests)) = Self::parts(&mut device) else {
            return Err(device.refusal());
        };
        // From here on, `drop` resets the device before the queue's memory is freed.
        let mut rng = Self {
            device,
            queue,
            doorbell: Doorbell::NONE,
            requests,
        };
        match rng.start() {
            Ok(()) => Ok(rng),
            Err(GaveUp) => Err(rng.device.refusal()),
        }
    }

    /// Prepares what the driver needs before the device is started.
    #[inline(never)]
    fn parts(device: &mut Device<T>) -> Result<(Queue, InFlight), GaveUp> {
        device.negotiate(|_transport, _offered| 0)?;
        let queue = device.queue(QUEUE, DEPTH, 0)?;
        let requests = device.done(Requests::new(queue.size(), Ok(0)))?;
        Ok((queue, requests))
    }

    /// Passes an empty queue to the device and starts it.
    fn start(&mut self) -> Result<(), GaveUp> {
        self.doorbell = self.device.enable_queue(QUEUE, &self.queue)?;
        self.device.start();
        self.requests.wake_waiting();
        Ok(())
    }

    /// Requests random bytes in `buffer`. The device sees the request after the next
    /// [`publish`](Self::publish).
    ///
    /// # Errors
    ///
    /// Returns [`Rejected`] with the buffer.
    pub fn submit(&mut self, buffer: Buffer) -> Result<Token, Rejected> {
        if let Some(failure) = self.device.failure() {
            return Err(Rejected {
                error: Error::DeviceReset(failure),
                buffer,
            });
        }
        let len = match u32::try_from(buffer.len()) {
            Ok(len) if len > 0 => len,
            _ => {
                return Err(Rejected {
                    error: Error::BufferSize,
                    buffer,
                });
            }
        };
        let segment = Segment::writable(buffer.address(), len);
        match self.requests.bare() {
            Some(place) if self.queue.lend_one(segment, place.number()).is_some() => {
                Ok(place.fill(Consumer::Token, |memory| *memory = Some(buffer)))
            }
            _ => Err(Rejected {
                error: Error::Full,
                buffer,
            }),
        }
    }

    /// Processes up to `budget` completed requests and wakes the tasks that wait for them. Returns
    /// the number.
    pub fn complete(&mut self, budget: usize) -> usize {
        let mut count = 0;
        while count < budget
            && self.device.failure().is_none()
            && let Some(used) = self.queue.take()
        {
            self.queue.free(used.head);
            let result = if used.overlong {
                Err(Error::LengthRefused)
            } else {
                Ok(used.len as usize)
            };
            self.requests.finish(used.owner, |_buffer| result);
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

    /// Returns the result of a request, once; keeps `waker` if it is not done.
    pub fn poll(&mut self, token: Token, waker: &Waker) -> Poll<Completion> {
        let poll = self.requests.poll(token, waker).map(|done| match done {
            Some(done) => Completion {
                result: *done.result,
                buffer: done.memory.and_then(Option::take),
            },
            None => Completion {
                result: Err(Error::UnknownToken),
                buffer: None,
            },
        });
        if poll.is_ready() {
            // Its place is vacant only now.
            self.requests.wake_waiting();
        }
        poll
    }

    /// Drops the interest in a request. Its buffer is freed when the device is done with it.
    pub fn detach(&mut self, token: Token) {
        self.requests.detach(token);
        self.requests.wake_waiting();
    }

    /// Returns whether a request would be accepted now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.device.failure().is_none()
            && self.requests.has_vacant()
            && self.queue.next_head().is_some()
    }

    /// Keeps a waker to be woken when a request can be accepted.
    pub fn wait_for_room(&mut self, waker: &Waker) {
        self.requests.wait_for_room(waker);
    }

    /// Makes submitted requests visible to the device, with at most one notification.
    pub fn publish(&mut self) {
        if self.device.failure().is_none() && self.queue.publish() {
            self.device.transport.ring(self.doorbell);
        }
    }

    /// Requests an interrupt at the next completion. Returns whether there is one already; the
    /// caller must not sleep then.
    pub fn rearm(&mut self) -> bool {
        self.device.failure().is_none() && self.queue.arm(0)
    }

    /// Returns whether the device has completed a request that was not processed yet.
    #[inline]
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.queue.has_used()
    }

    /// Acknowledges the device's interrupt; call before [`complete`](Self::complete).
    pub fn acknowledge_interrupt(&mut self) {
        self.queue.hold();
        if self.device.acknowledge() {
            self.configuration_changed();
        }
    }

    /// Returns whether the last attempt to restart the device failed. Requests then fail with the
    /// reason, and do not wait for another attempt.
    #[must_use]
    pub const fn refuses(&self) -> bool {
        self.device.refuses()
    }

    /// Returns the counts of the queue.
    #[must_use]
    pub const fn statistics(&self) -> QueueStatistics {
        self.queue.statistics()
    }
}

impl<T: Transport> Driver for Rng<T> {
    type Transport = T;

    #[inline]
    fn device(&self) -> &Device<T> {
        &self.device
    }

    fn device_mut(&mut self) -> &mut Device<T> {
        &mut self.device
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

    /// Requests in flight fail.
    fn fail(&mut self, failure: Failure) {
        let let_go = self.device.fail(failure);
        self.requests.fail(|| Err(Error::DeviceReset(failure)));
        if let_go {
            self.requests.release();
        }
    }

    fn restart(&mut self) -> Result<(), GaveUp> {
        self.device.negotiate_again(|_transport, _offered| 0)?;
        self.requests.release();
        self.device.restart_queue(QUEUE, &mut self.queue)?;
        self.start()
    }
}

impl<T: Transport> Drop for Rng<T> {
    fn drop(&mut self) {
        if self.device.transport.reset().is_err() {
            self.queue.leak();
            self.requests.leak();
        }
    }
}

#[cfg(test)]
mod tests;
