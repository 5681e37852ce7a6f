//! Further faults that are caused intentionally, with `fault=wild`, `code`, `data` or `misaligned`:
//! none of these functions returns on a machine that works.

use core::hint::black_box;

use vmos::println;

use super::UNDEFINED;

/// Causes the fault with this name.
pub(crate) fn provoke(name: &str) {
    match name {
        "wild" => read_wild(),
        "code" => write_to_code(),
        "data" => run_data(),
        _ => access_misaligned(),
    }
}

/// Where no board has anything: the last page of the address space. On a microcontroller, that is the
/// manufacturer's, and there are devices outside the chip instead.
const WILD: usize = if cfg!(vmos_m_profile) {
    0xa000_0000
} else {
    usize::MAX - 4095
};

/// Reads from an address where no board has anything.
#[inline(never)]
fn read_wild() {
    let address = black_box(core::ptr::without_provenance::<u32>(WILD));
    // SAFETY: none: nothing is mapped there, and the fault is intended.
    let value = unsafe { address.read_volatile() };
    println!("read {value} at {address:p}, which should not be mapped");
}

#[inline(never)]
fn write_to_code() {
    let place = black_box(UNDEFINED.as_ptr().cast_mut());
    // SAFETY: none: code is not to be written, and the fault is intended.
    unsafe { place.write_volatile(0) };
    println!("code was written");
}

/// Executes words on the stack, which are undefined instructions if the stack is executable.
#[inline(never)]
fn run_data() {
    let words = black_box([UNDEFINED[0]; 4]);
    // On a microcontroller, the lowest bit selects the T32 instruction set, which is the only one.
    let address = black_box(words.as_ptr()).wrapping_byte_add(cfg!(vmos_m_profile).into());
    // SAFETY: none: this is not a function, and the fault is intended.
    let function = unsafe { core::mem::transmute::<*const u32, extern "C" fn()>(address) };
    function();
    println!("data was run");
}

/// Accesses a misaligned address with an instruction that refuses one. Plain loads and stores are
/// allowed to be misaligned on most processors.
#[inline(never)]
fn access_misaligned() {
    let words = black_box([0_u64; 4]);
    let address = black_box(words.as_ptr().cast::<u8>().wrapping_add(1));
    // SAFETY: none: the instruction does not accept the address, and the fault is intended.
    unsafe { load_aligned(address) };
    println!("a misaligned address was accepted");
}

/// Loads from `address`, which must be aligned.
unsafe fn load_aligned(address: *const u8) {
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the caller's.
    unsafe {
        core::arch::asm!("ldxr {0:w}, [{1}]", out(reg) _, in(reg) address);
    }
    #[cfg(all(target_arch = "arm", not(vmos_v6m)))]
    // SAFETY: the caller's.
    unsafe {
        core::arch::asm!("ldrex {0}, [{1}]", out(reg) _, in(reg) address);
    }
    // Version 6-M has no exclusive loads, and refuses every misaligned one.
    #[cfg(vmos_v6m)]
    // SAFETY: the caller's.
    unsafe {
        core::arch::asm!("ldr {0}, [{1}]", out(reg) _, in(reg) address);
    }
    #[cfg(any(target_arch = "riscv32", target_arch = "riscv64"))]
    // SAFETY: the caller's.
    unsafe {
        core::arch::asm!("lr.w {0}, ({1})", out(reg) _, in(reg) address);
    }
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller's. `rbx` is restored, and what it holds does not matter.
    unsafe {
        core::arch::asm!(
            "xchg {0}, rbx",
            "cmpxchg16b [{1}]",
            "xchg {0}, rbx",
            inout(reg) 0_u64 => _,
            in(reg) address,
            inout("rax") 0_u64 => _,
            inout("rdx") 0_u64 => _,
            in("rcx") 0_u64,
        );
    }
}
