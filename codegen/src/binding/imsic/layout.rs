//! The arrangement of interrupt files in a device tree (Linux, riscv,imsics.yaml). The files of each
//! socket are a range of registers.

use super::level::FILE;
use crate::machine::device::Device;
use crate::part::draft::register;

/// The property with the number of bits of a hart's index that number the harts of a socket.
pub(super) const HART_INDEX_BITS: &str = "riscv,hart-index-bits";

/// The most bits that number the guests of a hart: the address of a message has three bits for their
/// number (RISC-V AIA 1.0, 4.9.1: LHXS).
const MOST_GUEST_BITS: u32 = 7;

/// Returns the distance between the files of harts; `None` if APLICs do not support it.
pub(super) fn stride(files: &Device) -> Option<u64> {
    let guests = files.number("riscv,guest-index-bits").unwrap_or(0);
    (guests <= MOST_GUEST_BITS).then(|| FILE << guests)
}

/// Returns the number of harts of the first `sockets` ranges of files.
pub(super) fn harts(files: &Device, sockets: usize) -> Option<u32> {
    (0..sockets).try_fold(0, |harts: u32, nth| {
        harts.checked_add(harts_of(files, nth)?)
    })
}

/// Returns the number of harts whose files are in the range with an index.
pub(super) fn harts_of(files: &Device, nth: usize) -> Option<u32> {
    u32::try_from(register(files, nth)?.size / stride(files)?).ok()
}

/// Returns the number of bits of a hart's index that number the harts of a socket: without the property,
/// those that all harts of the machine need.
pub(super) fn hart_index_bits(files: &Device) -> u32 {
    let harts = files.interrupts.len().max(1);
    let needed = || harts.next_power_of_two().ilog2();
    files.number(HART_INDEX_BITS).unwrap_or_else(needed)
}
