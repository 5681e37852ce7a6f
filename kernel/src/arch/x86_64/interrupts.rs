//! Masks interrupts, and waits for them.
//!
//! An x86 processor reports a pending interrupt only by taking it. The kernel therefore enables
//! interrupts for the length of one instruction, and the stubs in the vectors only record the
//! vector.

use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering};

/// The number of vectors with a stub. The last one is the vector of spurious interrupts.
const VECTORS: usize = 128;

/// One bit for each vector that was accepted and not yet taken by the kernel. The stubs in
/// `vectors.S` set them, with interrupts masked.
#[unsafe(no_mangle)]
static vmos_accepted_vectors: [AtomicU32; VECTORS / 32] =
    [const { AtomicU32::new(0) }; VECTORS / 32];

/// The interrupt flag in `rflags`.
const INTERRUPTS: u64 = 1 << 9;

/// Whether interrupts were enabled: the value of `rflags`.
#[derive(Clone, Copy, Debug)]
pub struct InterruptState(u64);

/// Masks interrupts, and returns the state for [`restore_interrupts`].
#[inline]
pub fn mask_interrupts() -> InterruptState {
    let flags: u64;
    // Not `nomem`: nothing may be moved out of the section that begins here.
    // SAFETY: masks interrupts, which never makes anything unsound.
    unsafe { asm!("pushfq", "pop {0}", "cli", out(reg) flags) };
    InterruptState(flags)
}

/// Restores the state before [`mask_interrupts`].
#[inline]
pub fn restore_interrupts(state: InterruptState) {
    if state.0 & INTERRUPTS != 0 {
        // SAFETY: they were enabled before; the stubs only record their vectors.
        unsafe { asm!("sti") };
    }
}

/// Returns whether an interrupt has been accepted and can be claimed. Accepts pending interrupts
/// first.
#[inline]
pub fn interrupt_pending() -> bool {
    if !any_accepted() {
        // `sti` takes effect after the next instruction (SDM volume 2, STI).
        // SAFETY: the stubs only remember their vectors.
        unsafe { asm!("sti", "nop", "cli") };
        return any_accepted();
    }
    true
}

/// Sleeps until an interrupt is pending. Interrupts must be masked: they are only accepted within
/// this function and [`interrupt_pending`], so none is lost between the check and the sleep, and
/// one that is pending at the local APIC ends the sleep immediately.
#[inline]
pub fn wait_for_interrupt() {
    if !any_accepted() {
        // SAFETY: the stubs only remember their vectors.
        unsafe { asm!("sti", "hlt", "cli") };
    }
}

/// Stops this processor forever.
pub fn park() -> ! {
    loop {
        // A non-maskable interrupt only causes another iteration.
        // SAFETY: waits, and changes nothing.
        unsafe { asm!("cli", "hlt") };
    }
}

fn any_accepted() -> bool {
    let words = vmos_accepted_vectors.iter();
    words.fold(0, |any, word| any | word.load(Ordering::Relaxed)) != 0
}

/// Takes the highest vector that was accepted, up to the last call of [`interrupt_pending`].
pub(super) fn take_vector() -> Option<u8> {
    let mut words = vmos_accepted_vectors.iter().enumerate().rev();
    words.find_map(|(index, word)| {
        let bits = word.load(Ordering::Relaxed);
        let bit = bits.checked_ilog2()?;
        word.store(bits & !(1 << bit), Ordering::Relaxed);
        Some((32 * index as u32 + bit) as u8)
    })
}
