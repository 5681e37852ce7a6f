//! arm64 and x64, where the compiler writes to each page of a frame before it takes the next one:
//! only a single step is a part that is not written.

use super::{Frame, word};

/// Returns the largest step of a function for arm64 (Arm ARM, C6.2, SUB immediate and SUB extended
/// register).
pub(super) fn aarch64(code: &[u8]) -> Frame {
    let mut largest = 0;
    for at in (0..code.len()).step_by(4) {
        let instruction = word(code, at);
        // sub sp, sp, #imm12 {, lsl #12}
        if instruction & 0xFF80_03FF == 0xD100_03FF {
            let shift = 12 * (instruction >> 22 & 1);
            largest = largest.max(u64::from(instruction >> 10 & 0xFFF) << shift);
        }
        // sub sp, sp, xN
        if instruction & 0xFFE0_03FF == 0xCB20_03FF {
            return Frame::Unknown;
        }
    }
    Frame::Bytes(largest)
}

/// Returns the largest step of a function for x64: `sub rsp, imm32`. Instructions have any length,
/// so it is looked for at every byte.
pub(super) fn x86_64(code: &[u8]) -> Frame {
    let steps = (0..code.len()).filter(|at| code[*at..].starts_with(&[0x48, 0x81, 0xEC]));
    let steps = steps.map(|at| u64::from(word(code, at + 3)));
    // A negative number frees a frame.
    let steps = steps.filter(|step| *step <= i32::MAX as u64);
    Frame::Bytes(steps.max().unwrap_or(0))
}
