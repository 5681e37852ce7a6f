//! Notifications in both directions: to the device, and interrupts from it.

use super::Queue;
use crate::barrier;

impl Queue {
    /// Makes all chains lent since the last call visible to the device. Returns whether the device
    /// must be notified (2.7.13).
    #[inline]
    pub fn publish(&mut self) -> bool {
        self.broken.is_none() && self.publish_working()
    }

    /// Like [`publish`](Self::publish), for a queue that is not broken.
    #[inline]
    pub(crate) fn publish_working(&mut self) -> bool {
        let kick = self.publish_unnoted();
        self.note_high_water();
        kick
    }

    /// Records how many chains the device has.
    #[inline]
    pub(crate) fn note_high_water(&mut self) {
        if self.in_flight() > self.statistics.high_water {
            self.statistics.high_water = self.in_flight();
        }
    }

    /// Like [`publish_working`](Self::publish_working), for an owner that calls
    /// [`note_high_water`](Self::note_high_water) each time before it looks for returned chains, and
    /// lends as many as it takes.
    #[inline]
    pub(crate) fn publish_unnoted(&mut self) -> bool {
        let (old, new) = (self.published, self.available);
        let count = new.wrapping_sub(old) as u16;
        if count == 0 {
            return false;
        }
        self.ring.set_available_index(new as u16);
        self.published = new;
        // Either the device sees the new index when it checks again, or this side sees its request
        // for a notification: the store above must not pass the load below (2.7.13.4.1), nor the
        // notification itself (2.7.13.3).
        barrier::full();
        let kick = if self.event_index {
            must_notify(self.ring.available_event(), new as u16, old as u16)
        } else {
            self.ring.wants_kicks()
        };
        if kick {
            self.statistics.kicks += 1;
        } else {
            self.statistics.kicks_suppressed += 1;
        }
        kick
    }

    /// Writes the available index to the ring again, in case it was overwritten.
    #[cold]
    pub fn publish_again(&mut self) {
        self.ring.set_available_index(self.published as u16);
        barrier::full();
    }

    /// Returns how many chains were lent since the last [`publish`](Self::publish).
    #[inline]
    #[must_use]
    pub const fn unpublished(&self) -> u16 {
        self.available.wrapping_sub(self.published) as u16
    }

    /// Disables interrupts until the next [`arm`](Self::arm).
    #[inline]
    pub fn disarm(&mut self) {
        if self.event_index {
            // The entry that the device writes last, one round of the queue later.
            self.ring.set_used_event(self.taken.wrapping_sub(1));
        } else {
            self.ring.set_interrupts(false);
        }
    }

    /// Disables interrupts while the queue is being drained. With the event index there is nothing
    /// to do: the device raises only one.
    #[inline]
    pub fn hold(&mut self) {
        if !self.event_index {
            self.ring.set_interrupts(false);
        }
    }

    /// Requests an interrupt when the device returns one chain after `skip` others; without the
    /// event index, when it returns the next one. Returns whether it has already done so; then
    /// there may be no interrupt for it.
    #[inline]
    pub fn arm(&mut self, skip: u16) -> bool {
        let taken = self.taken;
        self.request_interrupt(taken.wrapping_add(skip));
        self.ring.used_index().wrapping_sub(taken) > skip && self.broken.is_none()
    }

    /// Requests an interrupt for the next chain that the device returns. Returns false if it has
    /// returned one already, or claims so; then this [looks](Self::look) for it.
    #[inline]
    pub fn arm_and_look(&mut self) -> bool {
        let taken = self.taken;
        self.request_interrupt(taken);
        let none = self.ring.used_index() == taken;
        if !none {
            self.look_again();
        }
        none
    }

    #[cold]
    #[inline(never)]
    fn look_again(&mut self) {
        self.look();
    }

    #[inline]
    fn request_interrupt(&mut self, at: u16) {
        // Without the event index, the device ignores the first of the two.
        self.ring.set_used_event(at);
        if !self.event_index {
            self.ring.set_interrupts(true);
        }
        // Either the device sees the request, or this side sees what it has returned (2.7.7.2): the
        // store above must not pass a load that follows. Nor must that load pass the acknowledgement
        // of the interrupt before.
        barrier::full();
    }
}

/// Returns whether one side must notify the other after advancing its index from `old` to `new`, if
/// the other requested a notification at `event` (2.7.7.2 and 2.7.13.4, with wrapping 16-bit
/// numbers).
#[inline]
#[must_use]
pub const fn must_notify(event: u16, new: u16, old: u16) -> bool {
    new.wrapping_sub(event).wrapping_sub(1) < new.wrapping_sub(old)
}
