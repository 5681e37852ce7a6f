//! Masking interrupts, and waiting for them.
//!
//! This processor has no way to look at an interrupt but to take it. So the kernel lets them in for
//! the length of one instruction, and what the vectors run does nothing but remember the vector.

use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering};

/// How many vectors have a stub. The last is the one that the local APIC gives an interrupt that has
/// gone before it was taken.
const VECTORS: usize = 128;

/// One bit for each vector that was accepted and not yet taken. The stubs in `vectors.S` set them,
/// with interrupts masked.
#[unsafe(no_mangle)]
static vmos_accepted_vectors: [AtomicU32; VECTORS / 32] =
    [const { AtomicU32::new(0) }; VECTORS / 32];

/// `rflags`: interrupts are let in.
const INTERRUPTS: u64 = 1 << 9;

/// Whether interrupts were let in, as `rflags` holds it.
#[derive(Clone, Copy, Debug)]
pub struct InterruptState(u64);

/// Masks interrupts, and returns what to give to [`restore_interrupts`].
#[inline]
pub fn mask_interrupts() -> InterruptState {
    let flags: u64;
    // Not `nomem`: nothing may be moved out of the section that begins here.
    // SAFETY: masks interrupts, which never makes anything unsound.
    unsafe { asm!("pushfq", "pop {0}", "cli", out(reg) flags) };
    InterruptState(flags)
}

/// Puts back what [`mask_interrupts`] found.
#[inline]
pub fn restore_interrupts(state: InterruptState) {
    if state.0 & INTERRUPTS != 0 {
        // SAFETY: they were let in before; the stubs only remember their vectors.
        unsafe { asm!("sti") };
    }
}

/// Whether an interrupt waits for being claimed: one was accepted, or is so now.
#[inline]
pub fn interrupt_pending() -> bool {
    if !any_accepted() {
        // `sti` works after the instruction that follows (SDM volume 2, STI).
        // SAFETY: the stubs only remember their vectors.
        unsafe { asm!("sti", "nop", "cli") };
        return any_accepted();
    }
    true
}

/// Sleeps until an interrupt is pending. Interrupts must be masked: what is accepted is so within
/// this function or within [`interrupt_pending`], so none comes between the look and the sleep, and
/// one that waits at the local APIC ends the sleep as it begins.
#[inline]
pub fn wait_for_interrupt() {
    if !any_accepted() {
        // SAFETY: the stubs only remember their vectors.
        unsafe { asm!("sti", "hlt", "cli") };
    }
}

/// Stops this processor for good.
pub fn park() -> ! {
    loop {
        // Not even what cannot be masked gets further than the next round.
        // SAFETY: waits, and changes nothing.
        unsafe { asm!("cli", "hlt") };
    }
}

fn any_accepted() -> bool {
    let words = vmos_accepted_vectors.iter();
    words.fold(0, |any, word| any | word.load(Ordering::Relaxed)) != 0
}

/// Takes the highest vector that was accepted, in the last [`interrupt_pending`] at the latest.
pub(super) fn take_vector() -> Option<u8> {
    let mut words = vmos_accepted_vectors.iter().enumerate().rev();
    words.find_map(|(index, word)| {
        let bits = word.load(Ordering::Relaxed);
        let bit = bits.checked_ilog2()?;
        word.store(bits & !(1 << bit), Ordering::Relaxed);
        Some((32 * index as u32 + bit) as u8)
    })
}
