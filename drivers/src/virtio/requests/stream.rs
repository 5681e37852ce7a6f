//! Streams: requests of one consumer, which gets them in the order of completion.

use alloc::vec::Vec;
use core::mem;
use core::task::Waker;

use super::{Done, Memory, NONE, Requests, State};

/// The number of an open stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamId(u16);

impl StreamId {
    #[inline]
    pub(super) const fn number(self) -> u16 {
        self.0
    }
}

/// With 64-bit pointers, the size is a power of two, so that indexing is a shift.
#[cfg_attr(target_pointer_width = "64", repr(align(32)))]
struct Stream {
    is_open: bool,
    /// Whether the stream waits to be woken.
    waits: bool,
    /// The request that completed first, and the one that completed last.
    first: u16,
    last: u16,
    /// The waker of the stream's task. It is kept after a wake-up, since the same task usually
    /// waits again.
    waker: Option<Waker>,
}

impl Stream {
    /// Wakes the stream's task if it waits. Returns whether it did.
    #[inline]
    fn wake(&mut self) -> bool {
        let waits = mem::replace(&mut self.waits, false);
        if waits && let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
        waits
    }
}

/// A completed request that its stream takes at once.
pub(in super::super) struct Finished<'a, M> {
    /// The tag that the request was submitted with.
    pub(in super::super) tag: usize,
    /// Whether the request slot of the request keeps its chain.
    pub(in super::super) keeps: bool,
    /// The memory of the request, to be taken now.
    pub(in super::super) memory: &'a mut M,
}

/// The streams of a queue.
#[derive(Default)]
pub(super) struct Streams {
    list: Vec<Stream>,
    /// The number of completed requests that their streams have not taken yet, and of chains of such
    /// requests that are kept elsewhere.
    finished: usize,
}

impl Streams {
    /// Returns the number of open streams.
    pub(super) fn open(&self) -> usize {
        self.list.iter().filter(|stream| stream.is_open).count()
    }
}

impl<M: Memory, R: Copy> Requests<M, R> {
    /// Opens a stream. Returns `None` if there are 65,535 already.
    pub(in super::super) fn open(&mut self) -> Option<StreamId> {
        let streams = &mut self.streams.list;
        let stream = Stream {
            is_open: true,
            waits: false,
            first: NONE,
            last: NONE,
            waker: None,
        };
        let number = match streams.iter().position(|stream| !stream.is_open) {
            Some(number) => {
                streams[number] = stream;
                number
            }
            None => {
                streams.push(stream);
                streams.len() - 1
            }
        };
        let number = u16::try_from(number)
            .ok()
            .filter(|number| *number != NONE)?;
        self.users += 1;
        Some(StreamId(number))
    }

    /// Ends each request of a stream that has `tag` and that the device has with `result`. Its
    /// memory stays here until the device returns it. Returns how many there were.
    #[cold]
    pub(in super::super) fn cancel(&mut self, stream: StreamId, tag: usize, result: R) -> usize {
        let mut count = 0;
        for slot in 0..self.slots.len() as u16 {
            let entry = &mut self.slots[usize::from(slot)];
            if entry.state == State::Lent && entry.stream == stream.0 && entry.tag == tag {
                entry.state = State::Failed;
                entry.result = result;
                self.append(slot);
                count += 1;
            }
        }
        count
    }

    /// Closes a stream: its requests have no consumer any more. The memory of each is freed when
    /// the device has returned it.
    pub(in super::super) fn close(&mut self, stream: StreamId) {
        while self.next(stream).is_some() {}
        for slot in 0..self.slots.len() as u16 {
            if self.slots[usize::from(slot)].stream == stream.0 {
                self.abandon(slot);
            }
        }
        if let Some(stream) = self.streams.list.get_mut(usize::from(stream.0)) {
            stream.is_open = false;
            stream.waits = false;
            stream.waker = None;
            self.users = self.users.saturating_sub(1);
        }
    }

    /// Appends the request in `slot` to the completed requests of its stream.
    #[inline]
    pub(super) fn append(&mut self, slot: u16) {
        let entry = &mut self.slots[usize::from(slot)];
        entry.next = NONE;
        let Some(stream) = self.streams.list.get_mut(usize::from(entry.stream)) else {
            return;
        };
        if stream.first == NONE {
            stream.first = slot;
        } else if let Some(last) = self.slots.get_mut(usize::from(stream.last)) {
            last.next = slot;
        }
        stream.last = slot;
        self.streams.finished += 1;
        stream.wake();
    }

    /// Returns whether a stream has requests that [were finished](Self::finish), or a chain of one is
    /// kept elsewhere.
    #[inline]
    pub(in super::super) const fn has_finished(&self) -> bool {
        self.streams.finished != 0
    }

    /// Counts a chain that is kept elsewhere as finished.
    pub(in super::super) const fn count_called(&mut self) {
        self.streams.finished += 1;
    }

    /// No longer counts it.
    pub(in super::super) const fn discount_called(&mut self) {
        self.streams.finished -= 1;
    }

    /// Returns the next request of a stream that [was finished](Self::finish).
    pub(in super::super) fn next(&mut self, stream: StreamId) -> Option<Done<'_, M, R>> {
        if self.streams.finished == 0 {
            return None;
        }
        self.next_finished(stream)
    }

    fn next_finished(&mut self, stream: StreamId) -> Option<Done<'_, M, R>> {
        let stream = self.streams.list.get_mut(usize::from(stream.0))?;
        let slot = stream.first;
        let entry = self.slots.get(usize::from(slot))?;
        stream.first = entry.next;
        self.streams.finished -= 1;
        self.take(slot)
    }

    /// Keeps a waker to be woken when a request of the stream is done.
    #[inline]
    pub(in super::super) fn leave_stream_waker(&mut self, stream: StreamId, waker: &Waker) {
        if let Some(stream) = self.streams.list.get_mut(usize::from(stream.0)) {
            stream.waits = true;
            match &mut stream.waker {
                Some(old) => old.clone_from(waker),
                None => stream.waker = Some(waker.clone()),
            }
        }
    }

    /// Wakes the stream that waits for the request in `slot`, which the device has returned, so
    /// that it [takes it](Self::finish_for) itself. Returns whether there is one.
    #[inline]
    pub(in super::super) fn call(&mut self, slot: u16) -> bool {
        self.slots
            .get(usize::from(slot))
            .filter(|entry| entry.stream != NONE && entry.state == State::Lent)
            .and_then(|entry| self.streams.list.get_mut(usize::from(entry.stream)))
            .is_some_and(Stream::wake)
    }

    /// Wakes the stream that waits for the device's next completion, if there is only one
    /// candidate: a single stream, and only requests of streams in flight. Returns whether there is
    /// one.
    #[inline]
    pub(in super::super) fn call_only(&mut self) -> bool {
        self.has_one_user() && self.streams.list.iter_mut().any(Stream::wake)
    }

    /// Completes the request in `slot`, which the device has returned, in the usual case: it belongs to
    /// this stream, keeps its chain, and `take` gets something from its memory. Returns that with the
    /// tag; `None`, and changes nothing, in any other case.
    #[inline]
    pub(in super::super) fn take_for<V>(
        &mut self,
        stream: StreamId,
        slot: u16,
        take: impl FnOnce(&mut M) -> Option<V>,
    ) -> Option<(usize, V)> {
        let entry = self.slots.get_mut(usize::from(slot))?;
        if entry.stream != stream.0 || entry.state != State::Lent || entry.chain.is_none() {
            return None;
        }
        let value = take(&mut entry.memory)?;
        entry.state = State::Vacant;
        entry.next = mem::replace(&mut self.ready, slot);
        Some((entry.tag, value))
    }

    /// Completes the request in `slot`, which the device has returned, for its stream to take the
    /// memory at once. Returns `None` if it belongs to another stream.
    pub(in super::super) fn finish_for(
        &mut self,
        stream: StreamId,
        slot: u16,
    ) -> Option<Finished<'_, M>> {
        let entry = self.slots.get_mut(usize::from(slot))?;
        if entry.stream != stream.0 || entry.state != State::Lent {
            return None;
        }
        entry.vacate(slot, &mut self.ready, &mut self.bare);
        Some(Finished {
            tag: entry.tag,
            keeps: entry.chain.is_some(),
            memory: &mut entry.memory,
        })
    }
}
