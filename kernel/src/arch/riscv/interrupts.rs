//! Interrupt masking and waiting.

use core::arch::asm;

use vmos_drivers::riscv::{Local, Mode, Pending};

use super::csr::{change, read};
use super::entered::mode;

/// `mstatus.MIE`: enables interrupts in M mode.
const MACHINE_INTERRUPTS: usize = 1 << 3;
/// `sstatus.SIE`: enables interrupts in S mode.
const SUPERVISOR_INTERRUPTS: usize = 1 << 1;

/// Returns the bit of an interrupt in `mie` and `mip`, or `sie` and `sip` (sections 3.1.9 and
/// 10.1.3).
const fn bit(interrupt: Local, mode: Mode) -> usize {
    match (interrupt, mode) {
        (Local::Timer, Mode::Supervisor) => 1 << 5,
        (Local::Timer, Mode::Machine) => 1 << 7,
        (Local::External, Mode::Supervisor) => 1 << 9,
        (Local::External, Mode::Machine) => 1 << 11,
    }
}

/// A saved status register: which interrupts were masked.
#[derive(Clone, Copy, Debug)]
pub struct InterruptState(usize);

/// Masks interrupts, and returns the state for [`restore_interrupts`].
#[inline]
pub fn mask_interrupts() -> InterruptState {
    let status: usize;
    // Not `nomem`: the compiler must not move memory accesses out of the critical section.
    match mode() {
        // SAFETY: masking interrupts is always sound.
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

/// Restores the state before [`mask_interrupts`].
#[inline]
pub fn restore_interrupts(state: InterruptState) {
    let bits = match mode() {
        Mode::Machine => state.0 & MACHINE_INTERRUPTS,
        Mode::Supervisor => state.0 & SUPERVISOR_INTERRUPTS,
    };
    change!("csrs", "mstatus", "sstatus", bits);
}

/// Returns which of the kernel's two interrupts are pending, enabled or not.
#[inline]
fn raised() -> usize {
    match mode() {
        Mode::Machine => read!("mip"),
        Mode::Supervisor => read!("sip"),
    }
}

/// Returns whether an interrupt is pending, from a register of the hart and not of the controller.
#[inline]
pub fn interrupt_pending() -> bool {
    let mode = mode();
    raised() & (bit(Local::Timer, mode) | bit(Local::External, mode)) != 0
}

/// Enables or disables an interrupt of the hart.
pub(super) fn enable(interrupt: Local, on: bool) {
    let bit = bit(interrupt, mode());
    if on {
        change!("csrs", "mie", "sie", bit);
    } else {
        change!("csrc", "mie", "sie", bit);
    }
}

/// Returns the interrupts of the hart that are pending and enabled.
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

/// Sleeps until an enabled interrupt is pending. Interrupts must be masked: `wfi` also ends for an
/// interrupt that is already pending (section 3.3.3), and no handler runs before the caller
/// continues.
#[inline]
pub fn wait_for_interrupt() {
    // Writes to devices must complete before the processor sleeps.
    // SAFETY: only waits.
    unsafe { asm!("fence", "wfi", options(nostack, preserves_flags)) };
}

/// Stops this processor forever.
pub fn park() -> ! {
    mask_interrupts();
    // An enabled interrupt that is pending would end every wait.
    change!("csrc", "mie", "sie", usize::MAX);
    loop {
        wait_for_interrupt();
    }
}
