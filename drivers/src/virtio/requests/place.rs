//! The place of one request.

use core::mem;
use core::task::Waker;

use super::super::queue::Triple;
use super::{Consumer, Memory, NONE, Token};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// There is no request.
    Vacant,
    /// The device may use the memory.
    Lent,
    /// There is a result that nobody has asked for yet.
    Done,
    /// The same, and the device may still use the memory.
    Failed,
    /// The device may use the memory, and nobody will ask for the result.
    Detached,
}

pub(super) struct Slot<M, R> {
    pub(super) state: State,
    /// The chain that stays with this place for its next request, if one does.
    pub(super) chain: Option<Triple>,
    pub(super) generation: u32,
    /// The next vacant place, or the next request of the stream that is done.
    pub(super) next: u16,
    /// The stream that the request belongs to, if any.
    pub(super) stream: u16,
    pub(super) tag: usize,
    pub(super) memory: M,
    /// What came of the request that is done; until one is, anything.
    pub(super) result: R,
    pub(super) waker: Option<Waker>,
}

impl<M: Memory, R: Copy> Slot<M, R> {
    /// A vacant slot, before `next` in the list of those.
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
    /// Whether it has, or had last, the request of `token`, which is in no stream.
    #[inline]
    pub(super) const fn is_of(&self, token: Token) -> bool {
        self.generation == token.generation && self.stream == NONE
    }

    /// Frees the place, which is number `slot`.
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

/// A vacant place, for the next request.
pub(in super::super) struct Place<'a, M, R> {
    pub(super) number: u16,
    pub(super) slot: &'a mut Slot<M, R>,
    /// The list of vacant places that it is the first of.
    pub(super) list: &'a mut u16,
    /// How many requests of no stream the device has.
    pub(super) single: &'a mut usize,
}

impl<M, R> Place<'_, M, R> {
    /// Its number.
    #[inline]
    pub(in super::super) const fn number(&self) -> u16 {
        self.number
    }

    /// The chain that it keeps.
    #[inline]
    pub(in super::super) const fn chain(&self) -> Option<Triple> {
        self.slot.chain
    }

    /// The place keeps `chain` from now on.
    pub(in super::super) const fn keep(&mut self, chain: Option<Triple>) {
        self.slot.chain = chain;
    }

    /// Takes the place for a request. `keep` puts the memory there, which goes to the device; there
    /// is none before.
    #[inline]
    pub(in super::super) fn fill(self, consumer: Consumer<'_>, keep: impl FnOnce(&mut M)) -> Token {
        let Self {
            number,
            slot,
            list,
            single,
        } = self;
        *list = slot.next;
        slot.state = State::Lent;
        keep(&mut slot.memory);
        if let Consumer::Stream(stream, tag) = consumer {
            slot.stream = stream.number();
            slot.tag = tag;
        } else {
            *single += 1;
            slot.generation = slot.generation.wrapping_add(1);
            slot.stream = NONE;
            if let Consumer::Task(waker) = consumer {
                // Nor is there a waker.
                mem::forget(slot.waker.replace(waker.clone()));
            }
        }
        Token {
            slot: number,
            generation: slot.generation,
        }
    }
}
