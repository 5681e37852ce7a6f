//! Writing the entries of the physical memory protection (section 3.7).

use core::arch::asm;

use super::protection::{ENTRIES, Entry};

/// Puts `entries` into the PMP. A hart without one is left as it is: the instructions are then
/// illegal, and a vector that is in place for them alone passes them over.
///
/// # Safety
///
/// The entries must let the image be executed, and read and written where it has data and stacks,
/// and so whatever else is in use.
pub(super) unsafe fn protect(entries: &[Entry; ENTRIES]) {
    let [a0, a1, a2, a3, a4, a5, a6, a7] = entries.map(|entry| entry.address as usize);
    let configuration = u64::from_le_bytes(entries.map(|entry| entry.configuration));
    // SAFETY: the caller promises that what is in use stays so; the vector is put back, and the
    // exception that may be taken in between changes nothing that the kernel relies on.
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
            // A 32-bit hart has the eight bytes in two registers; of a 64-bit one, the second would
            // be another, so `high` is not written there.
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
