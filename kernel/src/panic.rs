//! Reports of panics and faults: the message, the location and the chain of calls. Then the machine
//! powers off with a failing exit status.
//!
//! Lines of the form `  #<n> 0x<address>` are calls, innermost first; `cargo xtask run` adds the
//! function, file and line to each. An address is that of the call instruction itself.

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::event_loop::recent;
use crate::{arch, image, machine};

/// The exit status after a panic, the same as for a Rust program on a host.
const FAILED: u8 = 101;

/// The number of reports started.
static REPORTS: AtomicUsize = AtomicUsize::new(0);

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    report(&|out| {
        writeln!(out, "panic: {}", info.message())?;
        if let Some(location) = info.location() {
            writeln!(out, "at {location}")?;
        }
        writeln!(out, "backtrace:")?;
        calls(out, 0, arch::frame_pointer())?;
        recent_events(out)
    })
}

/// The function that the vectors call on the emergency stack when the processor takes an exception.
///
/// # Safety
///
/// `registers` must point to the frame that the vector `vector` has saved.
#[unsafe(no_mangle)]
unsafe extern "C" fn vmos_exception(vector: usize, registers: *const arch::Registers) -> ! {
    // SAFETY: the vectors pass the frame that they have just written.
    let registers = unsafe { &*registers };
    report(&|out| {
        let address = registers.program_counter();
        writeln!(out, "panic: {}", registers.cause(vector))?;
        if let Some(hint) = registers.fault_address(vector).and_then(hint) {
            writeln!(out, "this is {hint}")?;
        }
        writeln!(out, "at {address:#x}")?;
        writeln!(out, "registers:")?;
        write!(out, "{registers}")?;
        writeln!(out, "backtrace:")?;
        call(out, 0, address)?;
        let mut count = 1;
        if !image::code().contains(&address) {
            // A call to an invalid address: the caller's frame is not on the stack yet.
            call(out, count, registers.last_call())?;
            count += 1;
        }
        calls(out, count, registers.frame_pointer())?;
        recent_events(out)
    })
}

/// Writes the last events of the event loop.
fn recent_events(out: &mut dyn Write) -> fmt::Result {
    writeln!(out, "last events of the loop:")?;
    recent::print(out)
}

/// Returns the probable cause of a fault at an address, as text for the report.
fn hint(address: usize) -> Option<&'static str> {
    if address < arch::NULL_PAGE {
        Some("a null pointer")
    } else if image::stack_guard().contains(&address) {
        Some(
            "a stack overflow: state a larger memory.stack in the board file, or box large futures",
        )
    } else if image::code().contains(&address) || image::read_only_data().contains(&address) {
        Some("memory of the image that is read-only")
    } else if image::all().contains(&address) {
        Some("memory of the image that is not executable")
    } else {
        None
    }
}

/// Writes the calls that led to `frame`, counted from `first`. Repeated calls, as before a stack
/// overflow, are written once.
fn calls(out: &mut dyn Write, first: usize, frame: usize) -> fmt::Result {
    let mut result = Ok(());
    let mut number = first;
    let mut last = None;
    let mut repeated = 0;
    arch::backtrace(frame, |address| {
        if last == Some(address) {
            repeated += 1;
        } else {
            result = result
                .and_then(|()| repetitions(out, repeated))
                .and_then(|()| call(out, number, address));
            last = Some(address);
            repeated = 0;
        }
        number += 1;
    });
    result.and_then(|()| repetitions(out, repeated))
}

fn repetitions(out: &mut dyn Write, count: usize) -> fmt::Result {
    if count > 0 {
        writeln!(out, "  (and {count} more like it)")?;
    }
    Ok(())
}

fn call(out: &mut dyn Write, number: usize, address: usize) -> fmt::Result {
    let width = 2 + 2 * size_of::<usize>();
    writeln!(out, "  #{number} {address:#0width$x}")
}

/// Writes a report and powers the machine off. If writing the report fails, a second report is
/// written; after a further failure the machine only powers off, so that this cannot recurse
/// forever.
fn report(print: &dyn Fn(&mut dyn Write) -> fmt::Result) -> ! {
    arch::mask_interrupts();
    // Not `fetch_add`: version 6-M of the Arm architecture has only loads and stores. An exception in
    // between only repeats a number.
    let earlier = REPORTS.load(Ordering::Relaxed);
    REPORTS.store(earlier.wrapping_add(1), Ordering::Relaxed);
    match earlier {
        // Even if the report cannot be written, the exit status follows.
        0 | 1 => machine::with_console_in_distress(&|out| {
            if earlier == 1 {
                let _ = writeln!(out, "\npanic: the report above failed");
            }
            let _ = print(out);
        }),
        2 => {}
        _ => arch::park(),
    }
    stop()
}

/// Powers the machine off with a failing exit status.
pub(crate) fn stop() -> ! {
    machine::off(FAILED)
}
