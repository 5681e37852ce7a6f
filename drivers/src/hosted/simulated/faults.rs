//! How the devices of a simulated machine fail at their registers and their rings.

use alloc::format;
use alloc::string::String;

use super::machine::with;
use crate::hosted::ring::DeviceQueue;

/// How late a device serves its queues, in nanoseconds, at most.
const LATE: u64 = 50_000_000;
/// How late an interrupt is raised, in nanoseconds, at most.
const INTERRUPT_LATE: u64 = 5_000_000;

/// What is wrong with the device in a slot.
#[derive(Debug, Default)]
pub(in crate::hosted) struct SlotFaults {
    /// It does nothing until it is reset, or until devices work. A network device that receives nothing
    /// is not told from a network without frames, so the kernel need not notice it.
    is_silent: bool,
    /// It does nothing until it is reset.
    is_broken: bool,
    /// It has lied, and did not ask for the reset that it needs. It asks when devices work again: the
    /// kernel need not have noticed the lie.
    has_lied: bool,
    /// When it serves its queues again.
    serves_at: u64,
    /// When it raises its interrupt.
    raises_at: u64,
    /// Whether the interrupt comes once more after it is acknowledged.
    is_doubled: bool,
}

/// What a device does when it is to serve its queues.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::hosted) enum Conduct {
    /// What it should.
    Serves,
    /// Nothing, now.
    Waits,
    /// It asks for a reset.
    NeedsReset,
    /// What it should, and then it writes an invalid entry into a used ring.
    Lies,
}

impl SlotFaults {
    /// Forgets all that a reset ends.
    pub(in crate::hosted) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Returns what the device does now. `is_notified` says whether the driver has notified it.
    pub(in crate::hosted) fn conduct(&mut self, is_notified: bool, kind: u32) -> Conduct {
        with(|world| {
            self.is_silent &= world.has_faults();
            if is_notified && !self.is_silent && !self.is_broken {
                let say = |what: &str| -> String { format!("device of kind {kind}: {what}") };
                if world.fails(|rates| rates.silent) {
                    self.is_silent = true;
                    world.note(say("answers no more"));
                } else if world.fails(|rates| rates.needs_reset) {
                    self.is_broken = true;
                    world.note(say("needs a reset"));
                    return Conduct::NeedsReset;
                } else if world.fails(|rates| rates.lie) {
                    (self.is_broken, self.has_lied) = (true, true);
                    world.note(say("lies in a used ring"));
                    return Conduct::Lies;
                } else if world.fails(|rates| rates.late) {
                    self.serves_at = world.now() + world.random().below(LATE);
                    world.note(say("is late"));
                }
            }
            if self.has_lied && !world.has_faults() {
                self.has_lied = false;
                return Conduct::NeedsReset;
            }
            if self.is_silent || self.is_broken || self.serves_at > world.now() {
                return Conduct::Waits;
            }
            self.serves_at = 0;
            Conduct::Serves
        })
        .unwrap_or(Conduct::Serves)
    }

    /// Called when the device raises its interrupt.
    pub(in crate::hosted) fn raise(&mut self) {
        with(|world| {
            if world.fails(|rates| rates.interrupt_late) {
                self.raises_at = world.now() + world.random().below(INTERRUPT_LATE);
            }
            self.is_doubled |= world.fails(|rates| rates.interrupt_doubled);
        });
    }

    /// Returns whether an interrupt that was acknowledged is raised again; false the next time.
    pub(in crate::hosted) fn is_raised_again(&mut self) -> bool {
        core::mem::take(&mut self.is_doubled)
    }

    /// Returns whether an interrupt that was raised reaches the controller now.
    pub(in crate::hosted) fn is_delivered(&self) -> bool {
        self.raises_at == 0 || with(|world| world.now() >= self.raises_at).unwrap_or(true)
    }

    /// Returns when the device has something to do by itself.
    pub(in crate::hosted) fn due(&self, is_asserted: bool) -> Option<u64> {
        let serves =
            Some(self.serves_at).filter(|at| *at > 0 && !self.is_silent && !self.is_broken);
        let raises = Some(self.raises_at).filter(|_| is_asserted && !self.is_delivered());
        serves.into_iter().chain(raises).min()
    }

    /// Writes an invalid entry into one of the used rings.
    pub(in crate::hosted) fn lie(queues: &mut [Option<DeviceQueue>]) {
        with(|world| {
            let count = queues.len() as u64;
            let which = world.random().below(count) as usize;
            let (kind, word) = (world.random().below(4), world.random().next() as u32);
            let Some(Some(queue)) = queues.get_mut(which) else {
                return;
            };
            let size = u32::from(queue.size());
            match kind {
                // No descriptor of the table.
                0 => queue.push_entry(size + word % 1000, 0),
                // A chain that the device does not have.
                1 => queue.push_entry(word % size, word),
                // No entry, but an index that says so.
                2 => queue.skip((1 + word % (2 * size)) as u16),
                // The last entry once more.
                _ => queue.push_last(),
            }
        });
    }
}
