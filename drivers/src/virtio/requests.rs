//! Requests in flight: who owns their memory and who waits for them.
//!
//! The memory of a request is here from the moment it is submitted until the device has given it
//! back. A caller that loses interest changes nothing about that.

use alloc::vec::Vec;
use core::task::{Poll, Waker};

use crate::dma::{Buffer, OutOfMemory};

/// A request that was submitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    pub(super) slot: u16,
    generation: u32,
}

/// The place that the next request will take.
pub(super) struct Vacant(u16);

impl Vacant {
    /// Its number.
    pub(super) const fn slot(&self) -> u16 {
        self.0
    }
}

/// Memory that can be given up when a device will not let go of it.
pub(super) trait Leak {
    /// Gives it up.
    fn leak(&mut self);
}

impl Leak for Buffer {
    fn leak(&mut self) {
        Self::leak(self);
    }
}

/// A request that is done: what came of it, and its memory unless the device still has that.
pub(super) struct Done<P, V> {
    pub(super) result: V,
    pub(super) payload: Option<P>,
}

struct Slot<P, V> {
    generation: u32,
    taken: bool,
    /// The device may use the memory.
    lent: bool,
    /// Nobody will ask for the result.
    detached: bool,
    payload: Option<P>,
    result: Option<V>,
    waker: Option<Waker>,
}

/// A fixed number of places for requests.
pub(super) struct Requests<P, V> {
    slots: Vec<Slot<P, V>>,
    free: Vec<u16>,
    waiting: Vec<Waker>,
}

impl<P: Leak, V> Requests<P, V> {
    pub(super) fn new(count: u16) -> Result<Self, OutOfMemory> {
        let mut slots = Vec::new();
        let mut free = Vec::new();
        let bytes = usize::from(count) * (size_of::<Slot<P, V>>() + size_of::<u16>());
        slots
            .try_reserve_exact(usize::from(count))
            .and_then(|()| free.try_reserve_exact(usize::from(count)))
            .map_err(|_error| OutOfMemory { bytes })?;
        slots.extend((0..count).map(|_slot| Slot {
            generation: 0,
            taken: false,
            lent: false,
            detached: false,
            payload: None,
            result: None,
            waker: None,
        }));
        free.extend((0..count).rev());
        Ok(Self {
            slots,
            free,
            waiting: Vec::new(),
        })
    }

    /// Whether there is a place for one more.
    pub(super) fn has_room(&self) -> bool {
        !self.free.is_empty()
    }

    /// A free place, if there is one.
    pub(super) fn vacant(&self) -> Option<Vacant> {
        self.free.last().copied().map(Vacant)
    }

    /// Takes the place for a request whose memory goes to the device.
    pub(super) fn begin(&mut self, place: Vacant, payload: P) -> Token {
        self.free.pop();
        let slot = &mut self.slots[usize::from(place.0)];
        slot.taken = true;
        slot.lent = true;
        slot.detached = false;
        slot.payload = Some(payload);
        Token {
            slot: place.0,
            generation: slot.generation,
        }
    }

    /// The memory of the request in `slot`.
    pub(super) fn payload(&mut self, slot: u16) -> Option<&mut P> {
        self.slots.get_mut(usize::from(slot))?.payload.as_mut()
    }

    /// Notes that the device has given the request in `slot` back, and wakes who waits for it.
    pub(super) fn finish(&mut self, slot: u16, result: V) {
        let Some(entry) = self.slots.get_mut(usize::from(slot)) else {
            return;
        };
        entry.lent = false;
        if entry.detached {
            return self.clear(slot);
        }
        entry.result = Some(result);
        if let Some(waker) = entry.waker.take() {
            waker.wake();
        }
    }

    fn clear(&mut self, slot: u16) {
        let entry = &mut self.slots[usize::from(slot)];
        entry.generation = entry.generation.wrapping_add(1);
        entry.taken = false;
        entry.payload = None;
        entry.result = None;
        entry.waker = None;
        self.free.push(slot);
    }

    fn entry(&mut self, token: Token) -> Option<&mut Slot<P, V>> {
        self.slots
            .get_mut(usize::from(token.slot))
            .filter(|slot| slot.taken && !slot.detached && slot.generation == token.generation)
    }

    /// What came of a request, once; leaves `waker` where it is not done. `None` for a request that
    /// was asked for already, or is another queue's.
    pub(super) fn poll(&mut self, token: Token, waker: &Waker) -> Poll<Option<Done<P, V>>> {
        let Some(entry) = self.entry(token) else {
            return Poll::Ready(None);
        };
        let Some(result) = entry.result.take() else {
            match &mut entry.waker {
                Some(old) => old.clone_from(waker),
                None => entry.waker = Some(waker.clone()),
            }
            return Poll::Pending;
        };
        if entry.lent {
            // Failed, and the device may still write: the memory stays until it has been reset.
            entry.detached = true;
            return Poll::Ready(Some(Done {
                result,
                payload: None,
            }));
        }
        let payload = entry.payload.take();
        self.clear(token.slot);
        Poll::Ready(Some(Done { result, payload }))
    }

    /// Nobody will ask for this request. Its memory is freed when the device lets go of it.
    pub(super) fn detach(&mut self, token: Token) {
        let Some(entry) = self.entry(token) else {
            return;
        };
        entry.waker = None;
        entry.detached = true;
        if !entry.lent {
            self.clear(token.slot);
        }
    }

    /// Ends every request that the device has with the result that `result` makes, and wakes who
    /// waits. The memory stays here until [`release`](Self::release).
    pub(super) fn fail(&mut self, result: impl Fn() -> V) {
        for slot in &mut self.slots {
            if slot.lent && slot.result.is_none() && !slot.detached {
                slot.result = Some(result());
                if let Some(waker) = slot.waker.take() {
                    waker.wake();
                }
            }
        }
        self.wake_waiting();
    }

    /// The device was reset and has let go of all memory.
    pub(super) fn release(&mut self) {
        for slot in 0..self.slots.len() {
            let entry = &mut self.slots[slot];
            if entry.lent {
                entry.lent = false;
                if entry.detached {
                    self.clear(slot as u16);
                }
            }
        }
        self.wake_waiting();
    }

    /// Gives up all memory that the device has.
    pub(super) fn leak(&mut self) {
        for slot in self.slots.iter_mut().filter(|slot| slot.lent) {
            if let Some(payload) = &mut slot.payload {
                payload.leak();
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
