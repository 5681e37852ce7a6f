//! RISC-V (unprivileged specification: chapters on RV32I, RV64I and "C").

use super::{Frame, Registers, halfword, word};

/// The number of the stack pointer.
const SP: u32 = 2;

/// Returns the frame of a function.
pub(super) fn frame(code: &[u8]) -> Frame {
    let mut registers = Registers::default();
    let mut at = 0;
    while at < code.len() {
        if halfword(code, at) & 3 == 3 {
            long(word(code, at), &mut registers);
            at += 4;
        } else {
            compressed(halfword(code, at), &mut registers);
            at += 2;
        }
    }
    registers.frame()
}

fn long(instruction: u32, registers: &mut Registers) {
    let (target, source) = (instruction >> 7 & 31, instruction >> 15 & 31);
    let immediate = i64::from(instruction as i32 >> 20);
    match (instruction & 0x7F, instruction >> 12 & 7) {
        // lui
        (0x37, _) => registers.set(target, Some(i64::from((instruction & !0xFFF) as i32))),
        // addi and addiw
        (0x13 | 0x1B, 0) => add(target, source, immediate, registers),
        // slli
        (0x13, 1) => shift(target, source, instruction >> 20 & 63, registers),
        // sub sp, sp, rs
        (0x33, 0) if target == SP && source == SP && instruction >> 25 == 0x20 => {
            registers.subtract(registers.get(instruction >> 20 & 31));
        }
        // add sp, sp, rs
        (0x33, 0) if target == SP && source == SP && instruction >> 25 == 0 => {
            let value = registers.get(instruction >> 20 & 31);
            registers.subtract(value.map(i64::wrapping_neg));
        }
        _ => {}
    }
}

fn compressed(instruction: u32, registers: &mut Registers) {
    let target = instruction >> 7 & 31;
    let bit = |from: u32, to: u32| (instruction >> from & 1) << to;
    let six = bit(12, 5) | instruction >> 2 & 31;
    let signed = i64::from((six << 26) as i32 >> 26);
    match (instruction & 3, instruction >> 13) {
        // c.addi16sp
        (1, 3) if target == SP => {
            let bits = bit(12, 9) | bit(6, 4) | bit(5, 6) | bit(4, 8) | bit(3, 7) | bit(2, 5);
            add(SP, SP, i64::from((bits << 22) as i32 >> 22), registers);
        }
        // c.lui
        (1, 3) => registers.set(target, Some(signed << 12)),
        // c.li
        (1, 2) => registers.set(target, Some(signed)),
        // c.addi; with `sp` as target also a frame
        (1, 0) => add(target, target, signed, registers),
        // c.addiw; on rv32 this is c.jal, which saves nothing on the stack
        (1, 1) if target != SP => add(target, target, signed, registers),
        // c.slli
        (2, 0) => shift(target, target, six, registers),
        // c.add sp, rs
        (2, 4) if target == SP && instruction >> 12 & 1 == 1 && six & 31 != 0 => {
            let value = registers.get(six & 31);
            registers.subtract(value.map(i64::wrapping_neg));
        }
        _ => {}
    }
}

fn add(target: u32, source: u32, immediate: i64, registers: &mut Registers) {
    if target == SP && source == SP {
        registers.subtract(Some(-immediate));
    } else {
        let base = if source == 0 {
            Some(0)
        } else {
            registers.get(source)
        };
        registers.set(target, base.map(|base| base.wrapping_add(immediate)));
    }
}

fn shift(target: u32, source: u32, by: u32, registers: &mut Registers) {
    let value = registers
        .get(source)
        .and_then(|value| value.checked_shl(by));
    registers.set(target, value);
}
