//! Instructions as the compiler writes them, with the sizes that a disassembler gives for them.

use super::{Frame, arm, probed, riscv};

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn halfwords(halfwords: &[u16]) -> Vec<u8> {
    halfwords
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect()
}

#[test]
fn a_frame_of_riscv_is_the_sum_of_its_steps() {
    // addi sp, sp, -256; lui a2, 5; addi a2, a2, -224; sub sp, sp, a2
    let code = halfwords(&[0x7111, 0x6615, 0x0613, 0xF206, 0x0133, 0x40C1]);
    assert_eq!(riscv::frame(&code), Frame::Bytes(256 + 0x5000 - 224));
    // addi sp, sp, -2032; addi sp, sp, 2032: a frame is counted once
    let code = words(&[0x8101_0113, 0x7F01_0113]);
    assert_eq!(riscv::frame(&code), Frame::Bytes(2032));
    // c.addi sp, -16
    assert_eq!(riscv::frame(&halfwords(&[0x1141])), Frame::Bytes(16));
    // sub sp, sp, a0
    let code = words(&[0x40A1_0133]);
    assert_eq!(riscv::frame(&code), Frame::Unknown);
}

#[test]
fn a_frame_of_t32_is_the_sum_of_its_steps() {
    // push {r4, r5, r7, lr}; sub sp, #8
    let code = halfwords(&[0xB5B0, 0xB082]);
    assert_eq!(arm::t32(&code), Frame::Bytes(16 + 8));
    // push.w {r8, r9, r11}; sub.w sp, sp, #20480; subw sp, sp, #260
    let code = halfwords(&[0xE92D, 0x0B00, 0xF5AD, 0x4DA0, 0xF2AD, 0x1D04]);
    assert_eq!(arm::t32(&code), Frame::Bytes(12 + 20_480 + 260));
    // movw r12, #0x5014; movt r12, #1; sub.w sp, sp, r12
    let code = halfwords(&[0xF245, 0x0C14, 0xF2C0, 0x0C01, 0xEBAD, 0x0D0C]);
    assert_eq!(arm::t32(&code), Frame::Bytes(0x1_5014));
    // push {r7, lr}; pop {r7, pc}; .word 0x400344C5, whose lower half would be add sp, r8
    let code = halfwords(&[0xB580, 0xBD80, 0x44C5, 0x4003]);
    assert_eq!(arm::t32(&code), Frame::Bytes(8));
    // sub.w sp, sp, r3
    assert_eq!(arm::t32(&halfwords(&[0xEBAD, 0x0D03])), Frame::Unknown);
}

#[test]
fn a_frame_of_a32_is_the_sum_of_its_steps() {
    // push {r4, r5, r11, lr}; sub sp, sp, #20480; sub sp, sp, #24
    let code = words(&[0xE92D_4830, 0xE24D_DA05, 0xE24D_D018]);
    assert_eq!(arm::a32(&code), Frame::Bytes(16 + 20_480 + 24));
    // movw r4, #0x5014; movt r4, #1; sub sp, sp, r4
    let code = words(&[0xE305_4014, 0xE340_4001, 0xE04D_D004]);
    assert_eq!(arm::a32(&code), Frame::Bytes(0x1_5014));
}

#[test]
fn pages_that_are_written_are_not_stepped_over() {
    // sub x9, sp, #5, lsl #12; sub sp, sp, #1, lsl #12; cmp sp, x9; b.ne; str xzr, [sp]; sub sp, sp, #16
    let code = words(&[
        0xD140_17E9,
        0xD140_07FF,
        0xEB09_03FF,
        0x54FF_FFC1,
        0xF900_03FF,
        0xD100_43FF,
    ]);
    assert_eq!(probed::aarch64(&code), Frame::Bytes(0x1000));
    // sub rsp, 0x1000; mov qword [rsp], 0; add rsp, 0x1000 written as sub rsp, -0x1000
    let code = [
        0x48, 0x81, 0xEC, 0x00, 0x10, 0x00, 0x00, 0x48, 0xC7, 0x04, 0x24, 0, 0, 0, 0, 0x48, 0x81,
        0xEC, 0x00, 0xF0, 0xFF, 0xFF,
    ];
    assert_eq!(probed::x86_64(&code), Frame::Bytes(0x1000));
}
