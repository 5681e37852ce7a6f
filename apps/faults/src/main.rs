//! Fails intentionally: the kernel prints a report and the machine stops with a failing exit status.
//!
//! A machine without firmware has no command line, so a word in the image selects the fault; tests write it
//! there: `panic`, `null`, `stack`, `undefined`, `wild`, `code`, `data` or `misaligned`.

#![cfg_attr(target_os = "none", no_std, no_main)]

use core::hint::black_box;

use vmos::time::Timer;
use vmos::{Kernel, Result, Spawner, println};

#[path = "../../selftest/src/faults.rs"]
mod faults;

/// Words that are undefined instructions: UDF in the T32 instruction set, which microcontrollers have.
#[unsafe(link_section = ".text.undefined")]
static UNDEFINED: [u32; 4] = [0xdede_dede; 4];

/// The name of the fault, followed by spaces.
#[used]
#[unsafe(export_name = "vmos_chosen_fault")]
static CHOSEN: [u8; 16] = *b"none            ";

#[vmos::main]
async fn main(_kernel: Kernel, _spawner: Spawner) -> Result<()> {
    // The report shows the turn of the loop before this one.
    Timer::after_millis(1).await;
    let chosen = core::str::from_utf8(black_box(&CHOSEN)).unwrap_or_default();
    match chosen.trim_end() {
        "panic" => panic_on_purpose(),
        "null" => read_null(),
        "stack" => println!("{}", overflow_the_stack(1)),
        "undefined" => run_an_undefined_instruction(),
        name @ ("wild" | "code" | "data" | "misaligned") => faults::provoke(name),
        _ => println!("no fault is chosen"),
    }
    Ok(())
}

#[inline(never)]
fn panic_on_purpose() {
    panic!("requested in the image");
}

#[inline(never)]
fn read_null() {
    let address = black_box(core::ptr::null::<u32>());
    // SAFETY: none: nothing is mapped at address zero, and the fault is intended.
    let value = unsafe { address.read_volatile() };
    println!("read {value} at address zero, which should not be mapped");
}

#[inline(never)]
#[expect(unconditional_recursion, reason = "the stack must overflow")]
fn overflow_the_stack(depth: u32) -> u32 {
    let block = black_box([depth; 16]);
    overflow_the_stack(depth + 1) + block[0]
}

#[inline(never)]
fn run_an_undefined_instruction() {
    // The lowest bit selects the T32 instruction set.
    let address = black_box(UNDEFINED.as_ptr()).wrapping_byte_add(1);
    // SAFETY: none: this is not a function, and the fault is intended.
    let function = unsafe { core::mem::transmute::<*const u32, extern "C" fn()>(address) };
    function();
    println!("an undefined instruction was executed");
}
