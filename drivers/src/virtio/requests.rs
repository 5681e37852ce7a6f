//! Requests in flight: who owns their memory and who waits for them.
//!
//! The memory of a request is here from the moment it is submitted until the device has given it
//! back. A caller that loses interest changes nothing about that.

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

/// No place.
const NONE: u16 = u16::MAX;

/// A request that was submitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    pub(super) slot: u16,
    generation: u32,
}

/// Who is told that a request is done.
#[derive(Clone, Copy, Debug)]
pub enum Consumer<'a> {
    /// Whoever asks with the token.
    Token,
    /// Whoever asks with the token, and is woken for it.
    Task(&'a Waker),
    /// A stream of requests, which gets it with the tag.
    Stream(StreamId, usize),
}

/// The memory of a request.
pub(super) trait Memory: Default {
    /// Gives it up: the device will not let go of it.
    fn leak(&mut self);
}

impl Memory for Option<Buffer> {
    fn leak(&mut self) {
        if let Some(buffer) = self {
            buffer.leak();
        }
    }
}

/// A request that is done.
pub(super) struct Done<'a, M, R> {
    /// What it was submitted with.
    pub(super) tag: usize,
    /// What came of it.
    pub(super) result: &'a R,
    /// Its memory, to be taken now, unless the device still has that.
    pub(super) memory: Option<&'a mut M>,
}

/// A fixed number of places for requests. Those that keep a chain are taken first, and of them the
/// one that was vacated last.
pub(super) struct Requests<M, R> {
    slots: Vec<Slot<M, R>>,
    /// The first vacant place that keeps a chain.
    ready: u16,
    /// The first vacant place that keeps none.
    bare: u16,
    /// How many requests of no stream the device has.
    single: usize,
    streams: Streams,
    waiting: Vec<Waker>,
}

impl<M: Memory, R: Copy> Requests<M, R> {
    /// `count` vacant places, with any `result` until there is one.
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
            single: 0,
            streams: Streams::default(),
            waiting: Vec::new(),
        })
    }

    /// Whether there is a vacant place.
    pub(super) const fn has_vacant(&self) -> bool {
        self.ready != NONE || self.bare != NONE
    }

    /// Whether there is a vacant place that keeps a chain.
    pub(super) const fn has_ready(&self) -> bool {
        self.ready != NONE
    }

    /// A vacant place that keeps a chain, if there is one.
    #[inline]
    pub(super) fn ready(&mut self) -> Option<Place<'_, M, R>> {
        let number = self.ready;
        Some(Place {
            number,
            slot: self.slots.get_mut(usize::from(number))?,
            list: &mut self.ready,
            single: &mut self.single,
        })
    }

    /// A vacant place that keeps no chain, if there is one.
    #[inline]
    pub(super) fn bare(&mut self) -> Option<Place<'_, M, R>> {
        let number = self.bare;
        Some(Place {
            number,
            slot: self.slots.get_mut(usize::from(number))?,
            list: &mut self.bare,
            single: &mut self.single,
        })
    }

    /// How many vacant places keep a chain.
    pub(super) fn count_ready(&self) -> usize {
        let slots = iter::successors(self.slots.get(usize::from(self.ready)), |slot| {
            self.slots.get(usize::from(slot.next))
        });
        slots.count()
    }

    /// Takes the chain from a vacant place that keeps one. The place that is [bare](Self::bare) stays
    /// the next one to be taken, if there is one.
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

    /// The queue was started over: no place keeps a chain any more, and the device has nothing.
    pub(super) fn strip_all(&mut self) {
        while self.strip().is_some() {}
        for slot in &mut self.slots {
            slot.chain = None;
        }
        self.single = 0;
    }

    /// Notes that the device has given the request in `slot` back, with the result that `result`
    /// makes of its memory, and wakes who waits for it. Returns whether the place keeps its chain.
    #[inline]
    pub(super) fn finish(&mut self, slot: u16, result: impl FnOnce(&M) -> R) -> bool {
        let Some(entry) = self.slots.get_mut(usize::from(slot)) else {
            return false;
        };
        let keeps = entry.chain.is_some();
        if entry.stream == NONE {
            self.single = self.single.saturating_sub(1);
        }
        match entry.state {
            State::Lent => {
                entry.result = result(&entry.memory);
                entry.state = State::Done;
                self.announce(slot);
            }
            State::Detached => self.clear(slot),
            State::Vacant | State::Done | State::Failed => {}
        }
        keeps
    }

    /// Tells whoever waits for it that there is a result in `slot`.
    #[inline]
    fn announce(&mut self, slot: u16) {
        let entry = &mut self.slots[usize::from(slot)];
        if entry.stream != NONE {
            self.append(slot);
        } else if let Some(waker) = entry.waker.take() {
            waker.wake();
        }
    }

    /// Ends a request whose result and memory are of no use to anybody.
    fn clear(&mut self, slot: u16) {
        let entry = &mut self.slots[usize::from(slot)];
        entry.memory = M::default();
        entry.waker = None;
        entry.vacate(slot, &mut self.ready, &mut self.bare);
    }

    /// What came of a request, once; leaves `waker` where it is not done. `None` for a request that
    /// was asked for already, or is another queue's.
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

    /// Frees `slot`, whose request is done, for its result and its memory to be taken. Where the
    /// device may still use the memory, that stays until the device has been reset.
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

    /// Nobody will ask for this request. Its memory is freed when the device lets go of it.
    pub(super) fn detach(&mut self, token: Token) {
        if self
            .slots
            .get(usize::from(token.slot))
            .is_some_and(|entry| entry.is_of(token))
        {
            self.abandon(token.slot);
        }
    }

    /// Nobody will ask for the request in `slot`.
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

    /// Ends every request that the device has with the result that `result` makes, and wakes who
    /// waits. The memory stays here until [`release`](Self::release).
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

    /// The device was reset and has let go of all memory.
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

    /// Gives up all memory that the device has.
    pub(super) fn leak(&mut self) {
        for slot in &mut self.slots {
            if matches!(slot.state, State::Lent | State::Failed | State::Detached) {
                slot.memory.leak();
            }
        }
    }

    /// Leaves a waker to be woken when a place is free.
    pub(super) fn wait_for_room(&mut self, waker: &Waker) {
        if !self.waiting.iter().any(|waiting| waiting.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
    }

    /// Wakes all who wait for a place. Each looks again, so that none depends on another to take
    /// what it was woken for.
    pub(super) fn wake_waiting(&mut self) {
        for waker in self.waiting.drain(..) {
            waker.wake();
        }
    }
}
