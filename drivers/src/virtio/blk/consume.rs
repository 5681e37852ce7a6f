//! Finished requests: each is handed to the task or the stream that waits for it.

use core::task::{Poll, Waker};

use super::{Blk, Buffer, Completion, Done, Error, Failed, InFlight, QUEUE, StreamId};
use super::{Ticket, Token, Used};
use crate::counts::report;
use crate::virtio::error::Failure;
use crate::virtio::transport::Transport;

/// The status that a device writes last (5.2.6).
const STATUS_OK: u8 = 0;
const STATUS_IOERR: u8 = 1;
const STATUS_UNSUPP: u8 = 2;

impl<T: Transport> Blk<T> {
    /// Takes back up to `budget` requests that are done and wakes who waits for them. Returns how
    /// many.
    ///
    /// Where the next one is of a stream that waits, the stream is woken and takes that one and those
    /// behind it by itself, when it asks for the [next](Self::next). What it leaves is taken the next
    /// time, before which [`rearm`](Self::rearm) says that there is more.
    pub fn complete(&mut self, budget: usize) -> usize {
        if self.device.failure().is_some() {
            return 0;
        }
        let mut count = 0;
        if self.called.is_some() {
            count += self.finish_called();
        } else if self.queue.has_used() && self.requests.call_only() {
            self.device.found();
            return 1;
        }
        while count < budget
            && let Some(used) = self.queue.take()
        {
            count += 1;
            if self.requests.call(used.owner) {
                self.called = Some(used);
                break;
            }
            self.finish(used);
        }
        if count > 0 {
            self.device.found();
            if self.line.is_taken() {
                self.offer_room();
            }
        }
        self.check_queue();
        count
    }

    /// Takes back the request that a stream was woken for and has not taken. Returns how many.
    #[cold]
    fn finish_called(&mut self) -> usize {
        match self.called.take() {
            Some(used) => {
                self.finish(used);
                1
            }
            None => 0,
        }
    }

    /// Fails where the device has broken the rules of the queue.
    #[inline]
    fn check_queue(&mut self) {
        if let Some(refusal) = self.queue.broken()
            && self.device.failure().is_none()
        {
            self.fail(Failure::Queue {
                queue: QUEUE,
                refusal,
            });
        }
    }

    /// Notes what a request that the device has given back came to.
    #[inline]
    fn finish(&mut self, used: Used) {
        let status = self.headers.read_status(used.owner);
        let transport = &self.device.transport;
        let errors = &mut self.counts.errors;
        let keeps = self.requests.finish(used.owner, |request| {
            if succeeded(status, used, request) {
                Ok(())
            } else {
                judge(status, transport.is_legacy(), errors)
            }
        });
        if !keeps {
            self.queue.free(used.head);
        }
    }

    /// What came of a request, once; leaves `waker` where it is not done.
    pub fn poll(&mut self, token: Token, waker: &Waker) -> Poll<Completion> {
        self.requests.poll(token, waker).map(|done| match done {
            Some(done) => Completion {
                result: *done.result,
                payload: done.memory.and_then(InFlight::take),
            },
            None => Completion {
                result: Err(Error::UnknownToken),
                payload: None,
            },
        })
    }

    /// As [`poll`](Self::poll) for a request with one buffer.
    ///
    /// # Errors
    ///
    /// [`Failed`], with the buffer unless the disk failed and may still use it.
    #[inline]
    pub fn poll_one(
        &mut self,
        token: Token,
        waker: &Waker,
    ) -> Poll<Result<Buffer, Failed<Buffer>>> {
        self.requests.poll(token, waker).map(|done| match done {
            Some(done) => one(done.result, done.memory),
            None => Err(Failed::new(Error::UnknownToken, None)),
        })
    }

    /// Nobody will ask for this request. Its memory is freed when the device lets go of it.
    pub fn detach(&mut self, token: Token) {
        self.requests.detach(token);
    }

    /// Opens a stream: requests that are submitted for it are taken with
    /// [`next`](Self::next), in the order in which they were done.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyStreams`].
    pub fn open(&mut self) -> Result<StreamId, Error> {
        self.requests.open().ok_or(Error::TooManyStreams)
    }

    /// Closes a stream. The memory of its requests is freed when the device lets go of it.
    pub fn close(&mut self, stream: StreamId) {
        self.requests.close(stream);
    }

    /// The next request of a stream that is done; leaves `waker`, if there is one, where none is.
    #[inline]
    pub fn next(&mut self, stream: StreamId, waker: Option<&Waker>) -> Option<Done> {
        if let Some(done) = self.requests.next(stream) {
            return Some(Done {
                tag: done.tag,
                result: one(done.result, done.memory),
            });
        }
        loop {
            let next = match self.called {
                Some(_) => self.called.take(),
                None => self.queue.take(),
            };
            let Some(used) = next else {
                return self.wait(stream, waker);
            };
            let status = self.headers.read_status(used.owner);
            let Some(finished) = self.requests.finish_for(stream, used.owner) else {
                self.finish(used);
                continue;
            };
            if !finished.keeps {
                self.queue.free(used.head);
            }
            let request = finished.memory;
            let result = if succeeded(status, used, request) {
                one(&Ok(()), Some(request))
            } else {
                let result = judge(
                    status,
                    self.device.transport.is_legacy(),
                    &mut self.counts.errors,
                );
                one(&result, Some(request))
            };
            return Some(Done {
                tag: finished.tag,
                result,
            });
        }
    }

    /// Leaves `waker`, if there is one, for a stream none of whose requests is done.
    fn wait(&mut self, stream: StreamId, waker: Option<&Waker>) -> Option<Done> {
        if let Some(waker) = waker {
            self.requests.leave_stream_waker(stream, waker);
        }
        // Where the ring broke down meanwhile, the stream is woken for its requests that failed.
        self.check_queue();
        None
    }

    /// Whether a request in one piece would be taken now, from somebody whose turn it is.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.device.failure().is_none()
            && (self.requests.has_ready() || (self.requests.has_vacant() && self.queue.has_room(3)))
    }

    /// Whether a request in one piece would be taken now from the holder of `ticket`.
    #[must_use]
    pub fn has_room_for(&self, ticket: &Ticket) -> bool {
        self.line.admits(ticket) && self.has_room()
    }

    /// Leaves a waker to be woken when it is the turn of `ticket`, which is drawn where it is none.
    /// Those who came first are woken first.
    pub fn wait_for_room(&mut self, ticket: &mut Ticket, waker: &Waker) {
        self.line.join(ticket, waker);
    }

    /// Whether somebody waits for room, or was woken for it and has not come yet.
    #[inline]
    #[must_use]
    pub const fn is_waited_for(&self) -> bool {
        self.line.is_taken()
    }

    /// The holder of `ticket` waits no longer.
    pub fn leave_line(&mut self, ticket: &mut Ticket) {
        self.line.leave(ticket);
    }

    /// Wakes as many of those who wait for a place as there are places.
    #[cold]
    pub(super) fn offer_room(&mut self) {
        if self.has_room() {
            self.line.offer(self.requests.count_ready().max(1));
        }
    }
}

/// Whether a request is done with success, and its memory filled where it is to be.
#[inline]
const fn succeeded(status: u8, used: Used, request: &InFlight) -> bool {
    status == STATUS_OK && used.len >= request.expected
}

/// What came of a request that has not filled its memory with success, which is counted in `errors`.
#[cold]
fn judge(status: u8, is_legacy: bool, errors: &mut u32) -> Result<(), Error> {
    // Legacy devices are known to get the length wrong (2.7.8.2).
    if status == STATUS_OK && is_legacy {
        return Ok(());
    }
    *errors += 1;
    report("requests that a disk did not fulfil", u64::from(*errors));
    match status {
        STATUS_OK => Err(Error::ShortRead),
        STATUS_IOERR => Err(Error::Io),
        STATUS_UNSUPP => Err(Error::Unsupported),
        status => Err(Error::Status(status)),
    }
}

/// What came of a request with one buffer.
#[inline]
fn one(
    result: &Result<(), Error>,
    memory: Option<&mut InFlight>,
) -> Result<Buffer, Failed<Buffer>> {
    match memory {
        Some(request) if result.is_ok() => {
            let buffer = request.one.take();
            buffer.ok_or_else(|| Failed::new(Error::Empty, None))
        }
        memory => Err(unfilled(result, memory)),
    }
}

#[cold]
#[inline(never)]
fn unfilled(result: &Result<(), Error>, memory: Option<&mut InFlight>) -> Failed<Buffer> {
    let buffer = memory.and_then(|request| request.one.take());
    Failed::new(result.err().unwrap_or(Error::Empty), buffer)
}
