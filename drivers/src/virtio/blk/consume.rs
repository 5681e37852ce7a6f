//! Completes requests: passes each result to the task or the stream that waits for it.

use core::task::{Poll, Waker};

use super::headers::STATUS_NONE;
use super::{Blk, Buffer, Completion, Done, Error, Failed, InFlight, QUEUE, StreamId};
use super::{Ticket, Token, Used};
use crate::counts::report;
use crate::virtio::driver::Driver;
use crate::virtio::error::Failure;
use crate::virtio::transport::Transport;

/// The status that the device writes last (5.2.6).
const STATUS_OK: u8 = 0;
const STATUS_IOERR: u8 = 1;
const STATUS_UNSUPP: u8 = 2;

impl<T: Transport> Blk<T> {
    /// Processes up to `budget` completed requests and wakes the tasks that wait for them. Returns
    /// the number.
    ///
    /// If the next completed request belongs to a stream that waits, only the stream is woken; it
    /// takes this and the following requests itself when it calls [`next`](Self::next). The next
    /// call of this function processes what the stream leaves; [`rearm`](Self::rearm) reports it
    /// before that.
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
                self.keep_called(used);
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

    /// Completes the request that a stream was woken for but has not taken. Returns the number.
    #[cold]
    fn finish_called(&mut self) -> usize {
        match self.take_called() {
            Some(used) => {
                self.finish(used);
                1
            }
            None => 0,
        }
    }

    /// Fails if the device violated the protocol of the queue.
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

    /// Records the result of a request that the device has returned.
    #[inline]
    fn finish(&mut self, used: Used) {
        let status = self.headers.take_status(used.owner);
        if status == STATUS_NONE {
            return self.queue.refuse_unfinished(used.head);
        }
        self.finish_with(used, status);
    }

    /// Records the result of a returned request for which the device has written `status`.
    #[inline]
    fn finish_with(&mut self, used: Used, status: u8) {
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

    /// Returns the result of a request, once; keeps `waker` if it is not done.
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

    /// Like [`poll`](Self::poll), for a request with one buffer.
    ///
    /// # Errors
    ///
    /// Returns [`Failed`], with the buffer unless the device may still use it.
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

    /// Drops the interest in a request. Its memory is freed when the device is done with it.
    pub fn detach(&mut self, token: Token) {
        self.requests.detach(token);
    }

    /// Opens a stream. [`next`](Self::next) returns its requests in the order in which they
    /// completed.
    ///
    /// # Errors
    ///
    /// Returns [`Error::TooManyStreams`] if there are 65,535 already.
    pub fn open(&mut self) -> Result<StreamId, Error> {
        self.requests.open().ok_or(Error::TooManyStreams)
    }

    /// Ends each request of a stream that has `tag` and that the disk has not finished. Each is
    /// then the [next](Self::next), with [`Error::Cancelled`]. Returns how many there were.
    #[cold]
    pub fn cancel(&mut self, stream: StreamId, tag: usize) -> usize {
        self.requests.cancel(stream, tag, Err(Error::Cancelled))
    }

    /// Closes a stream. The memory of its requests is freed when the device is done with it.
    pub fn close(&mut self, stream: StreamId) {
        self.requests.close(stream);
    }

    /// Wakes the stream that waits, if it is certain that the device's next completion is for it: the
    /// stream [takes](Self::next) it itself. Returns whether there is one.
    #[inline]
    pub fn call(&mut self) -> bool {
        let called = self.requests.call_only();
        if called {
            self.device.found();
        }
        called
    }

    /// Returns the next completed request of a stream; keeps `waker`, if given, if there is none.
    #[inline]
    pub fn next(&mut self, stream: StreamId, waker: Option<&Waker>) -> Option<Done> {
        if self.requests.has_finished() {
            if let Some(done) = self.next_finished(stream) {
                return Some(done);
            }
        } else if self.queue.found() == 0 && self.queue.in_flight() == 0 {
            // The device can have returned nothing. The next look at the queue finds out if it claims to.
            self.leave_stream_waker(stream, waker);
            return None;
        } else if let Some(used) = self.queue.take_now()
            && let Some(done) = self.next_usual(stream, used)
        {
            return Some(done);
        }
        self.leave_stream_waker(stream, waker);
        // If the ring has failed, the stream is woken for its failed requests.
        self.check_queue();
        None
    }

    #[inline]
    fn leave_stream_waker(&mut self, stream: StreamId, waker: Option<&Waker>) {
        if let Some(waker) = waker {
            self.requests.leave_stream_waker(stream, waker);
        }
    }

    /// Completes the request in `used`, if it succeeded and belongs to the stream, and returns it.
    #[inline(always)]
    fn next_usual(&mut self, stream: StreamId, used: Used) -> Option<Done> {
        let status = self.headers.take_status(used.owner);
        let take = |request: &mut InFlight| {
            let filled = status == STATUS_OK && used.len >= request.expected;
            if filled { request.one.take() } else { None }
        };
        match self.requests.take_for(stream, used.owner, take) {
            Some((tag, buffer)) => Some(Done {
                tag,
                result: Ok(buffer),
            }),
            None => self.next_unusual(stream, used.head, used.owner, used.len, status),
        }
    }

    /// Returns the next completed request of a stream if requests were finished for streams.
    #[cold]
    #[inline(never)]
    fn next_finished(&mut self, stream: StreamId) -> Option<Done> {
        if let Some(done) = self.requests.next(stream) {
            return Some(Done {
                tag: done.tag,
                result: one(done.result, done.memory),
            });
        }
        self.next_left(stream, None)
    }

    /// Returns the next completed request of a stream if that of the given used entry, with its
    /// status, belongs to another consumer, failed, or keeps no chain. The entry is passed in parts, so
    /// that the usual case need not store them.
    #[cold]
    #[inline(never)]
    fn next_unusual(
        &mut self,
        stream: StreamId,
        head: u16,
        owner: u16,
        len: u32,
        status: u8,
    ) -> Option<Done> {
        let used = Used {
            head,
            owner,
            len,
            // It was counted.
            overlong: false,
        };
        self.next_left(stream, Some((used, status)))
    }

    /// Returns the next completed request of a stream in any case, beginning with `taken`, if any.
    #[cold]
    fn next_left(&mut self, stream: StreamId, mut taken: Option<(Used, u8)>) -> Option<Done> {
        loop {
            let (used, status) = taken.take().or_else(|| {
                let used = self.take_called().or_else(|| self.queue.take())?;
                Some((used, self.headers.take_status(used.owner)))
            })?;
            if status == STATUS_NONE {
                self.queue.refuse_unfinished(used.head);
                continue;
            }
            let Some(finished) = self.requests.finish_for(stream, used.owner) else {
                self.finish_with(used, status);
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

    /// Keeps a chain that the device has returned for its stream, which was woken to take it.
    fn keep_called(&mut self, used: Used) {
        self.called = Some(used);
        self.requests.count_called();
    }

    /// Takes the chain that was [kept](Self::keep_called), if there is one.
    fn take_called(&mut self) -> Option<Used> {
        let used = self.called.take()?;
        self.requests.discount_called();
        Some(used)
    }

    /// Does before its task sleeps what [`publish`](Self::publish) and [`rearm`](Self::rearm) would do
    /// afterwards, for a stream for which [`next`](Self::next) has kept a waker: if nobody else uses the
    /// disk, nothing will follow that could be published with its requests. Returns whether everything
    /// was done.
    #[inline]
    pub fn settle(&mut self) -> bool {
        // A disk that does not work, such as one with a broken queue, has its line closed.
        let alone = self.requests.has_one_user() && !self.line.is_taken();
        if !alone {
            return false;
        }
        if !self.queue.arm_and_look() || self.queue.broken().is_some() {
            // If the ring has failed, the stream is woken for its failed requests.
            self.check_queue();
            return false;
        }
        if self.queue.publish_working() {
            self.device.transport.ring(self.doorbell);
        }
        true
    }

    /// Returns whether a request with one buffer would be accepted now from a caller whose turn it
    /// is.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.device.failure().is_none()
            && (self.wanted == 0 || self.has_wanted())
            && (self.requests.has_ready() || (self.requests.has_vacant() && self.queue.has_room(3)))
    }

    /// Returns whether there are as many descriptors as the last request lacked, together with those
    /// of the chains that vacant places keep.
    #[cold]
    fn has_wanted(&self) -> bool {
        let kept = self.requests.count_ready() * 3;
        self.wanted <= usize::from(self.queue.free_descriptors()) + kept
    }

    /// Returns whether a request with one buffer would be accepted now from the holder of `ticket`.
    #[must_use]
    pub fn has_room_for(&self, ticket: &Ticket) -> bool {
        self.line.admits(ticket) && self.has_room()
    }

    /// Keeps a waker until it is the turn of `ticket`. A caller without a ticket gets one. Wakes in
    /// the order of arrival.
    pub fn wait_for_room(&mut self, ticket: &mut Ticket, waker: &Waker) {
        self.line.join(ticket, waker);
    }

    /// Returns whether a task waits for room, or was woken for it and has not run yet.
    #[inline]
    #[must_use]
    pub const fn is_waited_for(&self) -> bool {
        self.line.is_taken()
    }

    /// Removes the holder of `ticket` from the line.
    pub fn leave_line(&mut self, ticket: &mut Ticket) {
        self.line.leave(ticket);
    }

    /// Wakes as many waiting tasks as there are free request slots.
    #[cold]
    pub(super) fn offer_room(&mut self) {
        if self.has_room() {
            self.line.offer(self.requests.count_ready().max(1));
        }
    }
}

/// Returns whether a request succeeded and filled its memory, if it has to.
#[inline]
const fn succeeded(status: u8, used: Used, request: &InFlight) -> bool {
    status == STATUS_OK && used.len >= request.expected
}

/// Returns the error of a request that did not succeed or did not fill its memory, and counts it in
/// `errors`.
#[cold]
fn judge(status: u8, is_legacy: bool, errors: &mut u32) -> Result<(), Error> {
    // Legacy devices may report wrong lengths (2.7.8.2).
    if status == STATUS_OK && is_legacy {
        return Ok(());
    }
    *errors += 1;
    report("failed disk requests", u64::from(*errors));
    match status {
        STATUS_OK => Err(Error::ShortRead),
        STATUS_IOERR => Err(Error::Io),
        STATUS_UNSUPP => Err(Error::Unsupported),
        status => Err(Error::Status(status)),
    }
}

/// Returns the result of a request with one buffer.
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
