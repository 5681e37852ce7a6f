//! Tests that run inside the machine. On the command line, `check=disk` overwrites and reads the
//! first disk, `check=devices` lists devices, `check=exhaust` uses all memory, `check=fill` tests
//! `memset`, and `check=serve` (the default) runs services for tests from outside.
//!
//! `fault=panic`, `null`, `stack`, `frame` or `undefined` fails intentionally: the kernel prints a
//! report and the machine powers off with a failing exit status.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
extern crate alloc;
#[cfg(not(target_os = "none"))]
extern crate std as alloc;

use vmos::{Kernel, Result, Spawner, println};

mod devices;
mod disk;
mod exhaust;
mod faults;
mod fill;
mod serve;

#[vmos::main]
async fn main(kernel: Kernel, spawner: Spawner) -> Result<()> {
    match kernel.command_line().value("check") {
        Some("devices") => return devices::check(kernel).await,
        Some("disk") => return disk::check(kernel, spawner).await,
        Some("exhaust") => return exhaust::check(kernel),
        Some("fill") => {
            fill::check();
            return Ok(());
        }
        Some("serve") => return serve::serve(kernel, spawner).await,
        _ => {}
    }
    match kernel.command_line().value("fault") {
        Some("panic") => panic_on_purpose(),
        Some(name @ ("wild" | "code" | "data" | "misaligned")) => faults::provoke(name),
        Some("null") => read_null(),
        Some("stack") => println!("{}", overflow_the_stack(1)),
        Some("frame") => println!("{}", overflow_with_large_frames(1)),
        Some("undefined") => run_an_undefined_instruction(),
        Some(_) => println!("unknown fault: use panic, null, stack, frame or undefined"),
        None => return serve::serve(kernel, spawner).await,
    }
    Ok(())
}

#[inline(never)]
fn panic_on_purpose() {
    panic!("requested on the command line");
}

#[inline(never)]
fn read_null() {
    let address = core::hint::black_box(core::ptr::null::<u32>());
    // SAFETY: none: nothing is mapped at address zero, and the fault is intended.
    let value = unsafe { address.read_volatile() };
    println!("read {value} at address zero, which should not be mapped");
}

#[inline(never)]
#[expect(unconditional_recursion, reason = "the stack must overflow")]
fn overflow_the_stack(depth: u64) -> u64 {
    let block = core::hint::black_box([depth; 64]);
    overflow_the_stack(depth + 1) + block[0]
}

/// The size of a stack frame that is larger than a page of the guard, and not larger than an audit
/// allows.
const LARGE_FRAME: usize = 0x7000;

/// Overflows the stack in steps of several pages, of which only the lowest bytes are written.
#[inline(never)]
#[expect(unconditional_recursion, reason = "the stack must overflow")]
fn overflow_with_large_frames(depth: u64) -> u64 {
    let mut block = core::mem::MaybeUninit::<[u64; LARGE_FRAME / 8]>::uninit();
    let lowest = core::hint::black_box(block.as_mut_ptr()).cast::<u64>();
    // SAFETY: the block is this call's own, and has a first word.
    unsafe { lowest.write_volatile(depth) };
    let above = overflow_with_large_frames(depth + 1);
    // SAFETY: as above; the word was written.
    above + unsafe { lowest.read_volatile() }
}

/// Words that are undefined instructions on every architecture: UD0 with a prefix on x64, UDF on
/// 32-bit Arm, unallocated on 64-bit Arm, SYSTEM with an undefined function on RISC-V.
#[unsafe(link_section = ".text.undefined")]
static UNDEFINED: [u32; 4] = [0xe7ff_0ff3; 4];

#[inline(never)]
fn run_an_undefined_instruction() {
    let address = core::hint::black_box(UNDEFINED.as_ptr());
    // SAFETY: none: this is not a function, and the fault is intended.
    let function = unsafe { core::mem::transmute::<*const u32, extern "C" fn()>(address) };
    function();
    println!("an undefined instruction was executed");
}
