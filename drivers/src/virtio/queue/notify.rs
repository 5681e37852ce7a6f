//! Who tells whom, and when: kicks one way, interrupts the other.

use core::sync::atomic::{Ordering, fence};

use super::Queue;

impl Queue {
    /// Makes everything lent since the last time visible to the device. Returns whether the device
    /// must be kicked (2.7.13).
    #[inline]
    pub fn publish(&mut self) -> bool {
        let (old, new) = (self.published, self.available);
        let count = new.wrapping_sub(old);
        if count == 0 || self.broken.is_some() {
            return false;
        }
        self.ring.set_available_index(new);
        self.published = new;
        self.statistics.submitted += u64::from(count);
        self.statistics.high_water = self.statistics.high_water.max(self.in_flight());
        // The device either sees the new index when it looks once more, or has asked for a kick
        // before we look here: the store above must not pass the load below (2.7.13.4.1).
        fence(Ordering::SeqCst);
        let kick = if self.event_index {
            must_notify(self.ring.available_event(), new, old)
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

    /// How many chains were lent since the last [`publish`](Self::publish).
    #[inline]
    #[must_use]
    pub const fn unpublished(&self) -> u16 {
        self.available.wrapping_sub(self.published)
    }

    /// Asks the device for no interrupts until the next [`arm`](Self::arm).
    #[inline]
    pub fn disarm(&mut self) {
        if self.event_index {
            // The one entry that the device will not write before the queue has gone round.
            self.ring.set_used_event(self.taken.wrapping_sub(1));
        } else {
            self.ring.set_interrupts(false);
        }
    }

    /// Asks for no interrupts while the queue is being drained. With the event index there is
    /// nothing to do: the device does not ask twice.
    #[inline]
    pub fn hold(&mut self) {
        if !self.event_index {
            self.ring.set_interrupts(false);
        }
    }

    /// Asks the device for an interrupt when it gives back one chain after `skip` others (without
    /// the event index: when it gives back the next). Returns whether it has already done so, in
    /// which case there may be no interrupt for it.
    #[inline]
    pub fn arm(&mut self, skip: u16) -> bool {
        let taken = self.taken;
        // Without the event index nobody looks at the first of the two.
        self.ring.set_used_event(taken.wrapping_add(skip));
        if !self.event_index {
            self.ring.set_interrupts(true);
        }
        // The device either sees what we ask for, or we see what it has done before
        // (2.7.7.2): the store above must not pass the load below.
        fence(Ordering::SeqCst);
        self.ring.used_index().wrapping_sub(taken) > skip && self.broken.is_none()
    }
}

/// Whether a side that has moved its index from `old` to `new` must notify the other, which asked
/// for that at `event` (2.7.7.2 and 2.7.13.4: the formula with wrapping 16-bit numbers).
#[inline]
#[must_use]
pub const fn must_notify(event: u16, new: u16, old: u16) -> bool {
    new.wrapping_sub(event).wrapping_sub(1) < new.wrapping_sub(old)
}
