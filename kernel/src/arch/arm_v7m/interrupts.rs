//! Interrupt masking and waiting.

use core::arch::asm;
use core::ptr::with_exposed_provenance;

/// `ICSR`: the interrupt control and state register (section B3.2.4).
const ICSR: usize = 0xe000_ed04;
/// `ICSR`: the number of the pending and enabled exception with the highest priority.
const VECTPENDING: u32 = 0x1ff << 12;

/// A saved `PRIMASK`: whether interrupts were masked.
#[derive(Clone, Copy, Debug)]
pub struct InterruptState(u32);

/// Masks interrupts, and returns the state for [`restore_interrupts`].
#[inline]
pub fn mask_interrupts() -> InterruptState {
    let primask: u32;
    // Not `nomem`: the compiler must not move memory accesses out of the critical section.
    // SAFETY: masking interrupts is always sound.
    unsafe { asm!("mrs {0}, primask", "cpsid i", out(reg) primask, options(nostack)) };
    InterruptState(primask)
}

/// Restores the state before [`mask_interrupts`].
#[inline]
pub fn restore_interrupts(state: InterruptState) {
    // SAFETY: the value was read from `PRIMASK`; a handler that runs now could have run before.
    unsafe { asm!("msr primask, {0}", in(reg) state.0, options(nostack)) };
}

/// Returns whether an interrupt is pending (`VECTPENDING`, which `PRIMASK` does not affect).
#[inline]
pub fn interrupt_pending() -> bool {
    // SAFETY: every processor of this profile has the register, and reading it has no effect.
    let state = unsafe { with_exposed_provenance::<u32>(ICSR).read_volatile() };
    state & VECTPENDING != 0
}

/// Sleeps until an interrupt is pending. Interrupts must be masked: `wfi` also ends for an interrupt
/// that `PRIMASK` masks, or that is already pending (section B1.5.19), and no handler runs before the
/// caller continues.
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
