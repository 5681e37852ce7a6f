//! `memcpy` and `memset`.
//!
//! The compiler's `memcpy` is built for processors that require aligned accesses, and copies byte
//! by byte if source and destination have different alignment, which is usual for packets. With the
//! MMU on, unaligned accesses are allowed (Arm DDI 0487, section B2.5.2), so this one copies 32
//! bytes at a time; `memset`, which clears megabytes of buffers, writes 64. With the MMU off, every
//! access is aligned.

use core::arch::global_asm;

// Arguments: x0 destination, x1 source, x2 byte count; returns x0. The last bytes are copied as a
// block that overlaps bytes copied before.
global_asm!(
    "    .section .text.memcpy, \"ax\"",
    "    .global memcpy",
    "    .type memcpy, %function",
    "    .balign 16",
    "memcpy:",
    "    mrs     x4, sctlr_el1",
    "    add     x5, x1, x2", // the ends
    "    add     x6, x0, x2",
    "    tbz     w4, #0, 5f", // the MMU is off
    "    cmp     x2, #32",
    "    b.lo    2f",
    "    mov     x3, x0",
    "    sub     x4, x6, #32",
    "1:  ldp     q0, q1, [x1], #32",
    "    stp     q0, q1, [x3], #32",
    "    cmp     x3, x4",
    "    b.lo    1b",
    "    ldp     q0, q1, [x5, #-32]",
    "    stp     q0, q1, [x4]",
    "    ret",
    "2:  cmp     x2, #16",
    "    b.lo    3f",
    "    ldr     q0, [x1]",
    "    ldr     q1, [x5, #-16]",
    "    str     q0, [x0]",
    "    str     q1, [x6, #-16]",
    "    ret",
    "3:  cmp     x2, #8",
    "    b.lo    4f",
    "    ldr     x3, [x1]",
    "    ldr     x4, [x5, #-8]",
    "    str     x3, [x0]",
    "    str     x4, [x6, #-8]",
    "    ret",
    "4:  cmp     x2, #4",
    "    b.lo    5f",
    "    ldr     w3, [x1]",
    "    ldr     w4, [x5, #-4]",
    "    str     w3, [x0]",
    "    str     w4, [x6, #-4]",
    "    ret",
    "5:  mov     x3, x0",
    "    orr     x4, x0, x1",
    "    orr     x4, x4, x2",
    "    tst     x4, #7",
    "    b.ne    7f",
    "6:  cmp     x1, x5",
    "    b.eq    8f",
    "    ldr     x4, [x1], #8",
    "    str     x4, [x3], #8",
    "    b       6b",
    "7:  cmp     x1, x5",
    "    b.eq    8f",
    "    ldrb    w4, [x1], #1",
    "    strb    w4, [x3], #1",
    "    b       7b",
    "8:  ret",
    "    .size memcpy, . - memcpy",
);

// Arguments: x0 destination, w1 byte value, x2 byte count; returns x0. The end is filled with an
// overlapping block too.
global_asm!(
    "    .section .text.memset, \"ax\"",
    "    .global memset",
    "    .type memset, %function",
    "    .balign 16",
    "memset:",
    "    mrs     x4, sctlr_el1",
    "    add     x6, x0, x2",
    "    mov     x3, x0",
    "    cmp     x2, #64",
    "    b.lo    3f",
    "    tbnz    w4, #0, 1f", // the MMU is on
    "    orr     x4, x0, x2",
    "    tst     x4, #15",
    "    b.ne    3f",
    "1:  dup     v0.16b, w1",
    "    sub     x4, x6, #64",
    "2:  stp     q0, q0, [x3], #32",
    "    stp     q0, q0, [x3], #32",
    "    cmp     x3, x4",
    "    b.lo    2b",
    "    stp     q0, q0, [x4]",
    "    stp     q0, q0, [x4, #32]",
    "    ret",
    "3:  cmp     x3, x6",
    "    b.eq    4f",
    "    strb    w1, [x3], #1",
    "    b       3b",
    "4:  ret",
    "    .size memset, . - memset",
);
