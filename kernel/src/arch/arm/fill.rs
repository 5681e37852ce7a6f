//! `memset`.
//!
//! The compiler's version stores one word at a time. Device start-up clears hundreds of kilobytes
//! of queues and buffers, so this one stores 32 bytes at a time. Every access is aligned, as
//! required while the MMU is off.

use core::arch::global_asm;

// The names are those of the run-time ABI for Arm (RTABI, section 4.3.4), with r0 destination, r1
// byte count, r2 byte value. `memset` has its last two arguments in the opposite order, and returns
// r0.
global_asm!(
    "    .section .text.memset, \"ax\"",
    "    .arm",
    "    .balign 8",
    "    .global memset",
    "    .type memset, %function",
    "memset:",
    "    mov     r12, r1",
    "    mov     r1, r2",
    "    mov     r2, r12",
    "    b       1f",
    "    .size memset, . - memset",
    "    .global __aeabi_memclr, __aeabi_memclr4, __aeabi_memclr8",
    "    .type __aeabi_memclr, %function",
    "    .type __aeabi_memclr4, %function",
    "    .type __aeabi_memclr8, %function",
    "__aeabi_memclr:",
    "__aeabi_memclr4:",
    "__aeabi_memclr8:",
    "    mov     r2, #0",
    "    .global __aeabi_memset, __aeabi_memset4, __aeabi_memset8",
    "    .type __aeabi_memset, %function",
    "    .type __aeabi_memset4, %function",
    "    .type __aeabi_memset8, %function",
    "__aeabi_memset:",
    "__aeabi_memset4:",
    "__aeabi_memset8:",
    "1:  mov     r3, r0",
    "    add     r1, r0, r1", // the end
    "    and     r2, r2, #0xff",
    "    orr     r2, r2, r2, lsl #8",
    "    orr     r2, r2, r2, lsl #16",
    "2:  cmp     r3, r1",
    "    bxhs    lr",
    "    tst     r3, #3",
    "    strbne  r2, [r3], #1",
    "    bne     2b",
    "    push    {{r4-r9, lr}}",
    "    mov     r4, r2",
    "    mov     r5, r2",
    "    mov     r6, r2",
    "    mov     r7, r2",
    "    mov     r8, r2",
    "    mov     r9, r2",
    "    mov     r12, r2",
    "    sub     lr, r1, r3", // how much is left
    "    subs    lr, lr, #32",
    "    blo     4f",
    "3:  stm     r3!, {{r2, r4-r9, r12}}",
    "    subs    lr, lr, #32",
    "    bhs     3b",
    "4:  adds    lr, lr, #28", // that, and at least a word
    "    bmi     6f",
    "5:  str     r2, [r3], #4",
    "    subs    lr, lr, #4",
    "    bpl     5b",
    "6:  pop     {{r4-r9, lr}}",
    "7:  cmp     r3, r1",
    "    strblo  r2, [r3], #1",
    "    blo     7b",
    "    bx      lr",
    "    .size __aeabi_memset, . - __aeabi_memset",
);
