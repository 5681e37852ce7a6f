//! Interrupt masking and waiting.

use core::arch::asm;

/// A saved `DAIF`: which interrupts were masked.
#[derive(Clone, Copy, Debug)]
pub struct InterruptState(u64);

/// Masks interrupts, and returns the state for [`restore_interrupts`].
#[inline]
pub fn mask_interrupts() -> InterruptState {
    let daif: u64;
    // Not `nomem`: the compiler must not move memory accesses out of the critical section.
    // SAFETY: masking IRQ and FIQ is always sound.
    unsafe { asm!("mrs {0}, daif", "msr daifset, #3", out(reg) daif, options(nostack)) };
    InterruptState(daif)
}

/// Restores the state before [`mask_interrupts`].
#[inline]
pub fn restore_interrupts(state: InterruptState) {
    // SAFETY: the value was read from `DAIF`; a handler that runs now could have run before.
    unsafe { asm!("msr daif, {0}", in(reg) state.0, options(nostack)) };
}

/// Returns whether an interrupt is pending (`ISR_EL1`, a register of the processor and not of the
/// controller).
#[inline]
pub fn interrupt_pending() -> bool {
    let pending: u64;
    // SAFETY: only reads a register.
    unsafe { asm!("mrs {0}, isr_el1", out(reg) pending, options(nostack)) };
    // FIQ and IRQ
    pending & 0b11 << 6 != 0
}

/// Sleeps until an interrupt is pending. Interrupts must be masked: `wfi` also ends for an
/// interrupt that is already pending (section D1.6), and no handler runs before the caller
/// continues.
#[inline]
pub fn wait_for_interrupt() {
    // Writes to devices must complete before the processor sleeps.
    // SAFETY: only waits.
    unsafe { asm!("dsb sy", "wfi", options(nostack, preserves_flags)) };
}

/// Stops this processor forever.
pub fn park() -> ! {
    mask_interrupts();
    loop {
        wait_for_interrupt();
    }
}
