//! Masking interrupts, and waiting for them.

use core::arch::asm;

/// Which interrupts were masked, as `CPSR` holds it.
#[derive(Clone, Copy, Debug)]
pub struct InterruptState(u32);

/// Masks interrupts, and returns what to give to [`restore_interrupts`].
#[inline]
pub fn mask_interrupts() -> InterruptState {
    let cpsr: u32;
    // Not `nomem`: nothing may be moved out of the section that begins here.
    // SAFETY: masks IRQ and FIQ, which never makes anything unsound.
    unsafe { asm!("mrs {0}, cpsr", "cpsid if", out(reg) cpsr, options(nostack)) };
    InterruptState(cpsr)
}

/// Puts back what [`mask_interrupts`] found.
#[inline]
pub fn restore_interrupts(state: InterruptState) {
    // SAFETY: the value was read from `CPSR`, and its mode is the kernel's only one; a handler that
    // runs now could have run before.
    unsafe { asm!("msr cpsr_c, {0}", in(reg) state.0, options(nostack)) };
}

/// Whether an interrupt waits for being claimed (`ISR`: an access to the processor itself, not to
/// the controller). A processor without the register, which came with the security extensions,
/// would take an undefined instruction; every one with a GIC has it.
#[inline]
pub fn interrupt_pending() -> bool {
    let pending: u32;
    // SAFETY: reads a register.
    unsafe { asm!("mrc p15, 0, {0}, c12, c1, 0", out(reg) pending, options(nostack)) };
    // FIQ and IRQ
    pending & 0b11 << 6 != 0
}

/// Sleeps until an interrupt is pending. Interrupts must be masked: `wfi` then ends for one that is
/// pending already or becomes so (section B1.8.13), and nothing runs before the caller looks.
#[inline]
pub fn wait_for_interrupt() {
    // What was written to devices must reach them before the processor sleeps.
    // SAFETY: waits, and changes nothing.
    unsafe { asm!("dsb sy", "wfi", options(nostack, preserves_flags)) };
}

/// Stops this processor for good.
pub fn park() -> ! {
    mask_interrupts();
    loop {
        wait_for_interrupt();
    }
}
