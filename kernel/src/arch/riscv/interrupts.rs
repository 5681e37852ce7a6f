//! Masking interrupts, and waiting for them.

use core::arch::asm;

use vmos_drivers::interrupt_controller::plic::{Local, Pending};
use vmos_drivers::riscv::Mode;

use super::csr::{change, read};
use super::entered::mode;

/// `mstatus.MIE`: interrupts are taken in M mode.
const MACHINE_INTERRUPTS: usize = 1 << 3;
/// `sstatus.SIE`: interrupts are taken in S mode.
const SUPERVISOR_INTERRUPTS: usize = 1 << 1;

/// The bits of an interrupt in `mie` and `mip`, or `sie` and `sip` (sections 3.1.9 and 10.1.3).
const fn bit(interrupt: Local, mode: Mode) -> usize {
    match (interrupt, mode) {
        (Local::Timer, Mode::Supervisor) => 1 << 5,
        (Local::Timer, Mode::Machine) => 1 << 7,
        (Local::External, Mode::Supervisor) => 1 << 9,
        (Local::External, Mode::Machine) => 1 << 11,
    }
}

/// Which interrupts were masked, as the status register holds it.
#[derive(Clone, Copy, Debug)]
pub struct InterruptState(usize);

/// Masks interrupts, and returns what to give to [`restore_interrupts`].
#[inline]
pub fn mask_interrupts() -> InterruptState {
    let status: usize;
    // Not `nomem`: nothing may be moved out of the section that begins here.
    match mode() {
        // SAFETY: masks interrupts, which never makes anything unsound.
        Mode::Machine => unsafe {
            asm!("csrrci {0}, mstatus, 1 << 3", out(reg) status, options(nostack));
        },
        // SAFETY: as above.
        Mode::Supervisor => unsafe {
            asm!("csrrci {0}, sstatus, 1 << 1", out(reg) status, options(nostack));
        },
    }
    InterruptState(status & (MACHINE_INTERRUPTS | SUPERVISOR_INTERRUPTS))
}

/// Puts back what [`mask_interrupts`] found.
#[inline]
pub fn restore_interrupts(state: InterruptState) {
    let bits = match mode() {
        Mode::Machine => state.0 & MACHINE_INTERRUPTS,
        Mode::Supervisor => state.0 & SUPERVISOR_INTERRUPTS,
    };
    change!("csrs", "mstatus", "sstatus", bits);
}

/// Which of the two interrupts that the kernel takes are pending, whether let through or not.
#[inline]
fn raised() -> usize {
    match mode() {
        Mode::Machine => read!("mip"),
        Mode::Supervisor => read!("sip"),
    }
}

/// Whether an interrupt waits for being claimed: a look at the processor itself, not at the
/// controller.
#[inline]
pub fn interrupt_pending() -> bool {
    let mode = mode();
    raised() & (bit(Local::Timer, mode) | bit(Local::External, mode)) != 0
}

/// Lets an interrupt of the hart through, or holds it back.
pub(super) fn enable(interrupt: Local, on: bool) {
    let bit = bit(interrupt, mode());
    if on {
        change!("csrs", "mie", "sie", bit);
    } else {
        change!("csrc", "mie", "sie", bit);
    }
}

/// The interrupts of the hart that are pending and let through.
#[inline]
pub(super) fn pending() -> Pending {
    let mode = mode();
    let enabled = match mode {
        Mode::Machine => read!("mie"),
        Mode::Supervisor => read!("sie"),
    };
    let pending = raised() & enabled;
    Pending {
        timer: pending & bit(Local::Timer, mode) != 0,
        external: pending & bit(Local::External, mode) != 0,
    }
}

/// Sleeps until an interrupt is pending that is let through. Interrupts must be masked: `wfi` then
/// ends for one that is pending already or becomes so (section 3.3.3), and nothing runs before the
/// caller looks.
#[inline]
pub fn wait_for_interrupt() {
    // What was written to devices must reach them before the processor sleeps.
    // SAFETY: waits, and changes nothing.
    unsafe { asm!("fence", "wfi", options(nostack, preserves_flags)) };
}

/// Stops this processor for good.
pub fn park() -> ! {
    mask_interrupts();
    // One that is pending would end every wait.
    change!("csrc", "mie", "sie", usize::MAX);
    loop {
        wait_for_interrupt();
    }
}
