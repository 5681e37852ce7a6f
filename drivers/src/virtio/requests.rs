//! Requests in flight: the owner of their memory, and the consumer of their result.
//!
//! The memory of a request is kept here from its submission until the device has returned it, even
//! if the caller drops its interest.

use alloc::vec::Vec;
use core::task::{Poll, Waker};
use core::{iter, mem};

use super::queue::Triple;
use crate::dma::{Buffer, OutOfMemory};

mod line;
mod place;
mod stream;

pub(super) use line::Line;
pub use line::Ticket;
use place::{Place, Slot, State};
pub use stream::StreamId;
use stream::Streams;

/// The index that stands for no request slot.
const NONE: u16 = u16::MAX;

/// A submitted request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    pub(super) slot: u16,
    generation: u32,
}

/// The consumer of a request's result.
#[derive(Clone, Copy, Debug)]
pub enum Consumer<'a> {
    /// A caller that polls with the token.
    Token,
    /// A task that polls with the token and is woken for it.
    Task(&'a Waker),
    /// A stream of requests, which gets the result with the tag.
    Stream(StreamId, usize),
}

/// The memory of a request.
pub(super) trait Memory: Default {
    /// Leaks the memory: it is never freed, because the device will not stop using it.
    fn leak(&mut self);
}

impl Memory for Option<Buffer> {
    fn leak(&mut self) {
        if let Some(buffer) = self {
            buffer.leak();
        }
    }
}

/// A completed request.
pub(super) struct Done<'a, M, R> {
    /// The tag that the request was submitted with.
    pub(super) tag: usize,
    /// The result of the request.
    pub(super) result: &'a R,
    /// The memory of the request, to be taken now; `None` if the device may still use it.
    pub(super) memory: Option<&'a mut M>,
}

/// A fixed number of request slots. Vacant request slots that keep a chain are used first, the most
/// recently vacated one before others.
pub(super) struct Requests<M, R> {
    slots: Vec<Slot<M, R>>,
    /// The first vacant request slot with a chain.
    ready: u16,
    /// The first vacant request slot without a chain.
    bare: u16,
    /// The number of open streams and of requests in flight that belong to no stream.
    users: usize,
    streams: Streams,
    waiting: Vec<Waker>,
}

impl<M: Memory, R: Copy> Requests<M, R> {
    /// Creates `count` vacant request slots; `result` is a placeholder.
    pub(super) fn new(count: u16, result: R) -> Result<Self, OutOfMemory> {
        let mut slots = Vec::new();
        slots
            .try_reserve_exact(usize::from(count))
            .map_err(|_error| OutOfMemory {
                bytes: usize::from(count) * size_of::<Slot<M, R>>(),
            })?;
        slots.extend((1..=count).map(|next| {
            let next = if next == count { NONE } else { next };
            Slot::new(next, result)
        }));
        Ok(Self {
            slots,
            ready: NONE,
            bare: if count == 0 { NONE } else { 0 },
            users: 0,
            streams: Streams::default(),
            waiting: Vec::new(),
        })
    }

    /// Returns whether all requests in flight belong to one open stream, or there is only one and no
    /// open stream.
    #[inline]
    pub(super) const fn has_one_user(&self) -> bool {
        self.users == 1
    }

    /// Returns whether there is a vacant request slot.
    pub(super) const fn has_vacant(&self) -> bool {
        self.ready != NONE || self.bare != NONE
    }

    /// Returns whether there is a vacant request slot with a chain.
    pub(super) const fn has_ready(&self) -> bool {
        self.ready != NONE
    }

    /// Returns a vacant request slot with a chain, if there is one.
    #[inline]
    pub(super) fn ready(&mut self) -> Option<Place<'_, M, R>> {
        let number = self.ready;
        Some(Place {
            number,
            slot: self.slots.get_mut(usize::from(number))?,
            list: &mut self.ready,
            users: &mut self.users,
        })
    }

    /// Returns a vacant request slot without a chain, if there is one.
    #[inline]
    pub(super) fn bare(&mut self) -> Option<Place<'_, M, R>> {
        let number = self.bare;
        Some(Place {
            number,
            slot: self.slots.get_mut(usize::from(number))?,
            list: &mut self.bare,
            users: &mut self.users,
        })
    }

    /// Returns the number of vacant request slots with a chain.
    pub(super) fn count_ready(&self) -> usize {
        let slots = iter::successors(self.slots.get(usize::from(self.ready)), |slot| {
            self.slots.get(usize::from(slot.next))
        });
        slots.count()
    }

    /// Takes the chain from a vacant request slot that keeps one. The request slot returned by
    /// [`bare`](Self::bare), if there is one, stays the next one.
    pub(super) fn strip(&mut self) -> Option<Triple> {
        let number = self.ready;
        let slot = self.slots.get_mut(usize::from(number))?;
        self.ready = slot.next;
        let chain = slot.chain.take();
        let behind = match self.slots.get_mut(usize::from(self.bare)) {
            Some(first) => &mut first.next,
            None => &mut self.bare,
        };
        let next = mem::replace(behind, number);
        self.slots[usize::from(number)].next = next;
        chain
    }

    /// Removes all chains, after the queue was restarted: nothing is in flight.
    pub(super) fn strip_all(&mut self) {
        while self.strip().is_some() {}
        for slot in &mut self.slots {
            slot.chain = None;
        }
        self.users = self.streams.open();
    }

    /// Records that the device has returned the request in `slot`, with the result that `result`
    /// computes from its memory, and wakes the task that waits for it. Returns whether the request
    /// slot keeps its chain.
    #[inline]
    pub(super) fn finish(&mut self, slot: u16, result: impl FnOnce(&M) -> R) -> bool {
        let Some(entry) = self.slots.get_mut(usize::from(slot)) else {
            return false;
        };
        let keeps = entry.chain.is_some();
        if entry.stream == NONE {
            self.users = self.users.saturating_sub(1);
        }
        match entry.state {
            State::Lent => {
                entry.result = result(&entry.memory);
                entry.state = State::Done;
                self.announce(slot);
            }
            State::Detached => self.clear(slot),
            // It was cancelled, and nobody has asked for the result yet.
            State::Failed => entry.state = State::Done,
            State::Vacant | State::Done => {}
        }
        keeps
    }

    /// Informs the consumer that there is a result in `slot`.
    #[inline]
    fn announce(&mut self, slot: u16) {
        let entry = &mut self.slots[usize::from(slot)];
        if entry.stream != NONE {
            self.append(slot);
        } else if let Some(waker) = entry.waker.take() {
            waker.wake();
        }
    }

    /// Removes a request without a consumer.
    fn clear(&mut self, slot: u16) {
        let entry = &mut self.slots[usize::from(slot)];
        entry.memory = M::default();
        entry.waker = None;
        entry.vacate(slot, &mut self.ready, &mut self.bare);
    }

    /// Returns the result of a request, once; keeps `waker` if it is not done. Returns `None` if
    /// the result was returned already, or the request belongs to another queue.
    #[inline]
    pub(super) fn poll(&mut self, token: Token, waker: &Waker) -> Poll<Option<Done<'_, M, R>>> {
        let Some(entry) = self.slots.get_mut(usize::from(token.slot)) else {
            return Poll::Ready(None);
        };
        if !entry.is_of(token) {
            return Poll::Ready(None);
        }
        match entry.state {
            State::Lent => {
                entry.leave_waker(waker);
                Poll::Pending
            }
            State::Done | State::Failed => Poll::Ready(self.take(token.slot)),
            State::Vacant | State::Detached => Poll::Ready(None),
        }
    }

    /// Frees `slot`, whose request is done, and returns its result and memory. If the device may
    /// still use the memory, it stays here until the device has been reset.
    #[inline]
    fn take(&mut self, slot: u16) -> Option<Done<'_, M, R>> {
        let entry = self.slots.get_mut(usize::from(slot))?;
        let has_memory = entry.state == State::Done;
        if has_memory {
            entry.vacate(slot, &mut self.ready, &mut self.bare);
        } else {
            entry.state = State::Detached;
        }
        Some(Done {
            tag: entry.tag,
            result: &entry.result,
            memory: has_memory.then_some(&mut entry.memory),
        })
    }

    /// Drops the interest in a request. Its memory is freed when the device has returned it.
    pub(super) fn detach(&mut self, token: Token) {
        if self
            .slots
            .get(usize::from(token.slot))
            .is_some_and(|entry| entry.is_of(token))
        {
            self.abandon(token.slot);
        }
    }

    /// Drops the interest in the request in `slot`.
    fn abandon(&mut self, slot: u16) {
        let entry = &mut self.slots[usize::from(slot)];
        match entry.state {
            State::Lent | State::Failed => {
                entry.state = State::Detached;
                entry.waker = None;
            }
            State::Done => self.clear(slot),
            State::Vacant | State::Detached => {}
        }
    }

    /// Fails all requests in flight with the result of `result`, and wakes the tasks that wait. The
    /// memory stays here until [`release`](Self::release).
    pub(super) fn fail(&mut self, result: impl Fn() -> R) {
        for slot in 0..self.slots.len() as u16 {
            let entry = &mut self.slots[usize::from(slot)];
            if entry.state == State::Lent {
                entry.state = State::Failed;
                entry.result = result();
                self.announce(slot);
            }
        }
        self.wake_waiting();
    }

    /// Frees all memory, after the device was reset and no longer uses it.
    pub(super) fn release(&mut self) {
        for slot in 0..self.slots.len() as u16 {
            let entry = &mut self.slots[usize::from(slot)];
            match entry.state {
                State::Failed => entry.state = State::Done,
                State::Detached => self.clear(slot),
                State::Vacant | State::Lent | State::Done => {}
            }
        }
        self.wake_waiting();
    }

    /// Leaks all memory that the device has.
    pub(super) fn leak(&mut self) {
        for slot in &mut self.slots {
            if matches!(slot.state, State::Lent | State::Failed | State::Detached) {
                slot.memory.leak();
            }
        }
    }

    /// Keeps a waker to be woken when a request slot is free.
    pub(super) fn wait_for_room(&mut self, waker: &Waker) {
        if !self.waiting.iter().any(|waiting| waiting.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
    }

    /// Wakes all tasks that wait for a request slot. Each checks again, so that none depends on
    /// another task to use its request slot.
    pub(super) fn wake_waiting(&mut self) {
        for waker in self.waiting.drain(..) {
            waker.wake();
        }
    }
}
