//! The order of accesses to memory and to device registers.
//!
//! `fence(SeqCst)` orders accesses to memory only: on RISC-V it is `fence rw, rw`, which a write to a
//! device register may overtake, and so may a read (RISC-V unprivileged specification, 2.7). On Arm
//! it is `dmb ish`, and devices are observers in the outer shareable domain (Arm ARM, B2.3.12).
//! Linux orders memory and doorbells in the same way (`__io_bw`, `__iowmb`). Here one instruction
//! orders both, in place of the one of `fence`. On x86 `fence` itself orders both.

/// Completes all earlier accesses, to memory and to device registers, before any later one.
#[cfg(all(
    target_os = "none",
    any(target_arch = "riscv32", target_arch = "riscv64")
))]
#[inline(always)]
pub(crate) fn full() {
    // SAFETY: a barrier has no other effect.
    unsafe { core::arch::asm!("fence iorw, iorw", options(nostack, preserves_flags)) };
}

/// Completes all earlier accesses, to memory and to device registers, before any later one.
#[cfg(all(
    target_os = "none",
    any(target_arch = "aarch64", target_arch = "arm"),
    not(vmos_m_profile)
))]
#[inline(always)]
pub(crate) fn full() {
    // SAFETY: a barrier has no other effect.
    unsafe { core::arch::asm!("dmb osh", options(nostack, preserves_flags)) };
}

/// Completes all earlier accesses, to memory and to device registers, before any later one. The M
/// profile has no shareability domains (Arm DDI 0403, A7.7.33).
#[cfg(all(target_os = "none", target_arch = "arm", vmos_m_profile))]
#[inline(always)]
pub(crate) fn full() {
    // SAFETY: a barrier has no other effect.
    unsafe { core::arch::asm!("dmb sy", options(nostack, preserves_flags)) };
}

/// Completes all earlier accesses before any later one.
#[cfg(not(all(
    target_os = "none",
    any(
        target_arch = "riscv32",
        target_arch = "riscv64",
        target_arch = "aarch64",
        target_arch = "arm"
    )
)))]
#[inline(always)]
pub(crate) fn full() {
    #[cfg(not(vmos_loom))]
    use core::sync::atomic::fence;
    #[cfg(vmos_loom)]
    use loom::sync::atomic::fence;

    fence(core::sync::atomic::Ordering::SeqCst);
}
