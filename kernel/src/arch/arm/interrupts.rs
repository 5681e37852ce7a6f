//! Interrupt masking and waiting.

use core::arch::asm;

/// A saved `CPSR`: which interrupts were masked.
#[derive(Clone, Copy, Debug)]
pub struct InterruptState(u32);

/// Masks interrupts, and returns the state for [`restore_interrupts`].
#[inline]
pub fn mask_interrupts() -> InterruptState {
    let cpsr: u32;
    // Not `nomem`: the compiler must not move memory accesses out of the critical section.
    // SAFETY: masking IRQ and FIQ is always sound.
    unsafe { asm!("mrs {0}, cpsr", "cpsid if", out(reg) cpsr, options(nostack)) };
    InterruptState(cpsr)
}

/// Restores the state before [`mask_interrupts`].
#[inline]
pub fn restore_interrupts(state: InterruptState) {
    // SAFETY: the value was read from `CPSR`, in the only mode that the kernel uses; a handler that
    // runs now could have run before.
    unsafe { asm!("msr cpsr_c, {0}", in(reg) state.0, options(nostack)) };
}

/// Returns whether an interrupt is pending (`ISR`, a register of the processor and not of the
/// controller). The register is part of the security extensions. On a processor without them it is
/// an undefined instruction, but every processor with a GIC has it.
#[inline]
pub fn interrupt_pending() -> bool {
    let pending: u32;
    // SAFETY: only reads a register.
    unsafe { asm!("mrc p15, 0, {0}, c12, c1, 0", out(reg) pending, options(nostack)) };
    // FIQ and IRQ
    pending & 0b11 << 6 != 0
}

/// Sleeps until an interrupt is pending. Interrupts must be masked: `wfi` also ends for an
/// interrupt that is already pending (section B1.8.13), and no handler runs before the caller
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
