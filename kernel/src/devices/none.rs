//! Serves a board without devices that the kernel drives: only the parts of its apps raise interrupts.

use vmos_drivers::counts::report;
use vmos_drivers::interrupt::Interrupt;

use crate::event_loop::Services;
use crate::machine;
use crate::part::lines;
use crate::time::NEVER;

/// The devices of a board that has none.
pub(crate) struct NoDevices;

impl Services for NoDevices {
    fn answer_lines(&mut self, _answered: impl FnMut(u32) -> bool) -> bool {
        true
    }

    /// Masks an interrupt that belongs to no part: nothing else would end it.
    fn interrupt(&mut self, number: u32) -> bool {
        let of_part = !machine::PARTS.is_empty() && lines::raised(number);
        if !of_part {
            report("interrupts without a device", 1);
        }
        !of_part
    }

    fn collect(&mut self, _now: u64) -> bool {
        false
    }

    fn dispatch(&mut self, _now: u64) -> u64 {
        NEVER
    }

    fn watch(&mut self, _now: u64) -> Option<Interrupt> {
        None
    }
}
