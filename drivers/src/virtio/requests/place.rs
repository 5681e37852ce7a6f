//! A request slot: the state of one request.

use core::mem;
use core::task::Waker;

use super::super::queue::Triple;
use super::{Consumer, Memory, NONE, Token};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// The request slot has no request.
    Vacant,
    /// The device may use the memory.
    Lent,
    /// There is a result that was not returned yet.
    Done,
    /// There is a result that was not returned yet, and the device may still use the memory.
    Failed,
    /// The device may use the memory, and there is no consumer.
    Detached,
}

/// With 64-bit pointers and the memory of a disk request, the size is a power of two, so that indexing
/// is a shift.
#[repr(align(16))]
pub(super) struct Slot<M, R> {
    pub(super) state: State,
    /// The chain that this request slot keeps for its next request, if any.
    pub(super) chain: Option<Triple>,
    pub(super) generation: u32,
    /// The next vacant request slot, or the stream's next completed request.
    pub(super) next: u16,
    /// The stream that the request belongs to, if any.
    pub(super) stream: u16,
    pub(super) tag: usize,
    pub(super) memory: M,
    /// The result; a placeholder until the request is done.
    pub(super) result: R,
    pub(super) waker: Option<Waker>,
}

impl<M: Memory, R: Copy> Slot<M, R> {
    /// Creates a vacant request slot, which precedes `next` in its list.
    pub(super) fn new(next: u16, result: R) -> Self {
        Self {
            state: State::Vacant,
            chain: None,
            generation: 0,
            next,
            stream: NONE,
            tag: 0,
            memory: M::default(),
            result,
            waker: None,
        }
    }
}

impl<M, R> Slot<M, R> {
    /// Returns whether the request slot holds, or last held, the request of `token`, which belongs
    /// to no stream.
    #[inline]
    pub(super) const fn is_of(&self, token: Token) -> bool {
        self.generation == token.generation && self.stream == NONE
    }

    /// Vacates this request slot, whose number is `slot`.
    #[inline]
    pub(super) fn vacate(&mut self, slot: u16, ready: &mut u16, bare: &mut u16) {
        self.state = State::Vacant;
        if self.chain.is_some() {
            self.next = mem::replace(ready, slot);
        } else {
            self.vacate_bare(slot, bare);
        }
    }

    #[cold]
    fn vacate_bare(&mut self, slot: u16, bare: &mut u16) {
        self.next = mem::replace(bare, slot);
    }

    #[inline]
    pub(super) fn leave_waker(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(old) => old.clone_from(waker),
            None => self.waker = Some(waker.clone()),
        }
    }
}

/// A vacant request slot, for the next request.
pub(in super::super) struct Place<'a, M, R> {
    pub(super) number: u16,
    pub(super) slot: &'a mut Slot<M, R>,
    /// The list of vacant request slots that contains this one.
    pub(super) list: &'a mut u16,
    /// The number of open streams and of requests in flight that belong to no stream.
    pub(super) users: &'a mut usize,
}

impl<M, R> Place<'_, M, R> {
    /// Returns the number of the request slot.
    #[inline]
    pub(in super::super) const fn number(&self) -> u16 {
        self.number
    }

    /// Returns the chain that the request slot keeps, if any.
    #[inline]
    pub(in super::super) const fn chain(&self) -> Option<Triple> {
        self.slot.chain
    }

    /// Makes the request slot keep `chain` from now on.
    pub(in super::super) const fn keep(&mut self, chain: Option<Triple>) {
        self.slot.chain = chain;
    }

    /// Uses the request slot for a request. `keep` stores the memory that the device gets; the
    /// request slot has none before.
    #[inline]
    pub(in super::super) fn fill(self, consumer: Consumer<'_>, keep: impl FnOnce(&mut M)) -> Token {
        let Self {
            number,
            slot,
            list,
            users,
        } = self;
        *list = slot.next;
        slot.state = State::Lent;
        keep(&mut slot.memory);
        if let Consumer::Stream(stream, tag) = consumer {
            slot.stream = stream.number();
            slot.tag = tag;
        } else {
            *users += 1;
            slot.generation = slot.generation.wrapping_add(1);
            slot.stream = NONE;
            if let Consumer::Task(waker) = consumer {
                // There is no old waker to drop.
                mem::forget(slot.waker.replace(waker.clone()));
            }
        }
        Token {
            slot: number,
            generation: slot.generation,
        }
    }
}
