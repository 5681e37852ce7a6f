//! 32-bit Arm (Arm ARM for v7-A, A6 and A8): both instruction sets.

use super::{Frame, Registers, halfword, word};

/// The number of the stack pointer.
const SP: u32 = 13;

/// Returns the frame of a function in T32 instructions.
pub(super) fn t32(code: &[u8]) -> Frame {
    let mut registers = Registers::default();
    let mut at = 0;
    while at < code.len() {
        let first = halfword(code, at);
        if first < 0xE800 {
            short(first, &mut registers);
            at += 2;
        } else {
            long(first, halfword(code, at + 2), &mut registers);
            at += 4;
        }
    }
    registers.frame()
}

fn short(instruction: u32, registers: &mut Registers) {
    match instruction {
        // sub sp, #imm7 * 4
        0xB080..=0xB0FF => registers.subtract(Some(4 * i64::from(instruction & 0x7F))),
        // push
        0xB400..=0xB5FF => registers.subtract(Some(stored(instruction & 0x1FF))),
        // movs rd, #imm8
        0x2000..=0x27FF => {
            registers.set(instruction >> 8 & 7, Some(i64::from(instruction & 0xFF)));
        }
        // add sp, rm. Where nothing set the register, it is an address in a literal pool: the
        // compiler sets it by movw and movt.
        _ if instruction & 0xFF87 == 0x4485 => {
            if let Some(value) = registers.get(instruction >> 3 & 15) {
                registers.subtract(Some(-i64::from(value as i32)));
            }
        }
        _ => {}
    }
}

fn long(first: u32, second: u32, registers: &mut Registers) {
    let immediate = (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF;
    let target = second >> 8 & 15;
    match first & 0xFBF0 {
        // mov.w rd, #const
        0xF040 if first & 15 == 15 => registers.set(target, Some(expanded(immediate))),
        // movw rd, #imm16
        0xF240 => registers.set(target, Some(i64::from((first & 15) << 12 | immediate))),
        // movt rd, #imm16
        0xF2C0 => {
            let upper = i64::from((first & 15) << 12 | immediate) << 16;
            let value = registers.get(target).map(|low| low & 0xFFFF | upper);
            registers.set(target, value);
        }
        // sub.w sp, sp, #const
        0xF1A0 if first & 15 == SP && target == SP => registers.subtract(Some(expanded(immediate))),
        // subw sp, sp, #imm12
        0xF2A0 if first & 15 == SP && target == SP => {
            registers.subtract(Some(i64::from(immediate)));
        }
        // push.w
        _ if first == 0xE92D => registers.subtract(Some(stored(second))),
        // str rt, [sp, #-imm8]!
        _ if first == 0xF84D && second & 0xF00 == 0xD00 => {
            registers.subtract(Some(i64::from(second & 0xFF)));
        }
        // sub.w sp, sp, rm
        _ if first == 0xEBAD && target == SP => registers.subtract(registers.get(second & 15)),
        _ => {}
    }
}

/// Returns the frame of a function in A32 instructions.
pub(super) fn a32(code: &[u8]) -> Frame {
    let mut registers = Registers::default();
    for at in (0..code.len()).step_by(4) {
        let instruction = word(code, at);
        let target = instruction >> 12 & 15;
        let immediate = instruction & 0xFF;
        let rotated = i64::from(immediate.rotate_right(2 * (instruction >> 8 & 15)));
        let wide = i64::from((instruction >> 16 & 15) << 12 | instruction & 0xFFF);
        match instruction & 0x0FF0_0000 {
            // mov rd, #const
            0x03A0_0000 => registers.set(target, Some(rotated)),
            // movw rd, #imm16
            0x0300_0000 => registers.set(target, Some(wide)),
            // movt rd, #imm16
            0x0340_0000 => {
                let value = registers.get(target);
                registers.set(target, value.map(|low| low & 0xFFFF | wide << 16));
            }
            _ => {}
        }
        match instruction & 0x0FFF_F000 {
            // sub sp, sp, #const
            0x024D_D000 => registers.subtract(Some(rotated)),
            // sub sp, sp, rm
            0x004D_D000 => registers.subtract(registers.get(instruction & 15)),
            _ => {}
        }
        match instruction & 0x0FFF_0000 {
            // push of several registers
            0x092D_0000 => registers.subtract(Some(stored(instruction & 0xFFFF))),
            // push of one: str rt, [sp, #-imm12]!
            0x052D_0000 => registers.subtract(Some(i64::from(instruction & 0xFFF))),
            _ => {}
        }
    }
    registers.frame()
}

/// Returns the bytes that a push stores.
fn stored(list: u32) -> i64 {
    4 * i64::from(list.count_ones())
}

/// Expands the 12 bits of a T32 constant (A6.3.2).
fn expanded(bits: u32) -> i64 {
    let byte = bits & 0xFF;
    i64::from(match bits >> 8 {
        0 => byte,
        1 => byte << 16 | byte,
        2 => byte << 24 | byte << 8,
        3 => byte << 24 | byte << 16 | byte << 8 | byte,
        _ => (bits & 0x7F | 0x80).rotate_right(bits >> 7),
    })
}
