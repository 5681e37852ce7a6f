//! Writes the entries of the physical memory protection (PMP, section 3.7).

use core::arch::asm;

use super::protection::{ENTRIES, Entry};

/// Writes `entries` to the PMP. On a hart without PMP, the instructions are illegal; a temporary
/// vector skips them.
///
/// # Safety
///
/// The entries must allow execution of the image's code, writes to its data and stacks, and all
/// other accesses in use.
pub(super) unsafe fn protect(entries: &[Entry; ENTRIES]) {
    let [a0, a1, a2, a3, a4, a5, a6, a7] = entries.map(|entry| entry.address as usize);
    let configuration = u64::from_le_bytes(entries.map(|entry| entry.configuration));
    // SAFETY: the caller guarantees that everything in use stays accessible. The vector is
    // restored, and the exception changes nothing that the kernel relies on.
    unsafe {
        asm!(
            "la {vector}, 2f",
            "csrrw {vector}, mtvec, {vector}",
            "csrw pmpaddr0, {a0}",
            "csrw pmpaddr1, {a1}",
            "csrw pmpaddr2, {a2}",
            "csrw pmpaddr3, {a3}",
            "csrw pmpaddr4, {a4}",
            "csrw pmpaddr5, {a5}",
            "csrw pmpaddr6, {a6}",
            "csrw pmpaddr7, {a7}",
            // A 32-bit hart keeps the eight bytes in two registers. On a 64-bit hart the second
            // register has another meaning, so `high` is not written.
            "csrw pmpcfg0, {low}",
            ".if {bits} == 32",
            "csrw pmpcfg1, {high}",
            ".endif",
            ".balign 4",
            "2:",
            "csrw mtvec, {vector}",
            vector = out(reg) _,
            a0 = in(reg) a0,
            a1 = in(reg) a1,
            a2 = in(reg) a2,
            a3 = in(reg) a3,
            a4 = in(reg) a4,
            a5 = in(reg) a5,
            a6 = in(reg) a6,
            a7 = in(reg) a7,
            low = in(reg) configuration as usize,
            high = in(reg) (configuration >> 32) as usize,
            bits = const usize::BITS,
            options(nostack)
        );
    };
}
