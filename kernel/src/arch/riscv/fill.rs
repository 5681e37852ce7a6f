//! `memset`.
//!
//! The compiler's version stores one word at a time. Device start-up clears hundreds of kilobytes
//! of queues and buffers, so this one stores eight words at a time. Every access is aligned.

use core::arch::global_asm;

/// The size of a register, in bytes.
const WORD: usize = size_of::<usize>();

// Arguments: a0 destination, a1 byte value, a2 byte count; returns a0.
global_asm!(
    "    .section .text.memset, \"ax\"",
    "    .balign 4",
    "    .global memset",
    "    .type memset, %function",
    "    .macro store_word offset",
    "    .if {size} == 8",
    "    sd      a1, \\offset * {size}(a3)",
    "    .else",
    "    sw      a1, \\offset * {size}(a3)",
    "    .endif",
    "    .endm",
    "memset:",
    "    mv      a3, a0",
    "    add     a2, a0, a2", // the end
    "    andi    a1, a1, 0xff",
    "    slli    a4, a1, 8",
    "    or      a1, a1, a4",
    "    slli    a4, a1, 16",
    "    or      a1, a1, a4",
    "    .if {size} == 8",
    "    slli    a4, a1, 32",
    "    or      a1, a1, a4",
    "    .endif",
    "1:  andi    a4, a3, {size} - 1",
    "    beqz    a4, 2f",
    "    bgeu    a3, a2, 7f",
    "    sb      a1, 0(a3)",
    "    addi    a3, a3, 1",
    "    j       1b",
    "2:  addi    a4, a2, -8 * {size}", // where the last eight words begin
    "    addi    a5, a2, -{size}", // where the last word begins
    "    bltu    a2, a3, 7f",
    "    sub     a6, a2, a3", // how much is left
    "    sltiu   a6, a6, 8 * {size}",
    "    bnez    a6, 4f",
    "3:  store_word 0",
    "    store_word 1",
    "    store_word 2",
    "    store_word 3",
    "    store_word 4",
    "    store_word 5",
    "    store_word 6",
    "    store_word 7",
    "    addi    a3, a3, 8 * {size}",
    "    bgeu    a4, a3, 3b",
    "4:  sub     a6, a2, a3",
    "    sltiu   a6, a6, {size}",
    "    bnez    a6, 6f",
    "5:  store_word 0",
    "    addi    a3, a3, {size}",
    "    bgeu    a5, a3, 5b",
    "6:  bgeu    a3, a2, 7f",
    "    sb      a1, 0(a3)",
    "    addi    a3, a3, 1",
    "    j       6b",
    "7:  ret",
    "    .size memset, . - memset",
    "    .purgem store_word",
    size = const WORD,
);
