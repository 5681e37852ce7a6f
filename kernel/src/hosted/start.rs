//! Starts the kernel as a process.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use std::ffi::OsString;
use std::io::{Write, stderr, stdout};
use std::{env, process, writeln};

use embassy_executor::Spawner;
use vmos_drivers::address::{PhysicalAddress, Range};
use vmos_drivers::info;

use super::arguments::{HELP, Unusable, Wish};
use super::{Machine, NAME, TITLE, heap, probe};
use crate::command_line::CommandLine;
use crate::executor::Executor;
use crate::kernel::{Kernel, State};
use crate::memory::Memory;
use crate::{devices, event_loop, log, secrets};

/// The exit status of a program whose arguments are wrong.
const USAGE: i32 = 2;

/// Runs an app in this process, with the devices and the command line in the program's arguments.
pub fn run(start: fn(Kernel, Spawner)) -> ! {
    let words = env::args_os().skip(1).map(OsString::into_string);
    let words: Result<Vec<_>, _> = words.collect();
    let words = words.map_err(|word| Unusable::not_text(&word));
    let arguments = match words.and_then(Wish::read) {
        Ok(Wish::Run(arguments)) => arguments,
        Ok(Wish::Help) => {
            // A closed output is no error.
            let _ = stdout().write_all(HELP.as_bytes());
            process::exit(0)
        }
        Err(error) => fail(&error, USAGE),
    };
    let applied = arguments.apply();
    let (command_line, seed) = applied.unwrap_or_else(|error| fail(&error, 1));
    begin(command_line, seed, start)
}

/// Runs the kernel on the devices in this thread's slots. `seed` is that of a simulated machine.
pub(super) fn begin(
    command_line: String,
    seed: Option<u64>,
    start: impl FnOnce(Kernel, Spawner),
) -> ! {
    let command_line = CommandLine::new(command_line.leak());
    log::start();
    log::set_level(command_line.value("log"));
    info!("VMOS {} on {TITLE} ({NAME})", env!("CARGO_PKG_VERSION"));
    let mut machine = Machine::start();
    let devices = devices::probe(machine.controller(), command_line);
    let limit = heap::limit() as u64;
    let memory = Memory {
        ram: Vec::from([Range {
            base: PhysicalAddress(0),
            size: limit,
        }]),
        unreachable: 0,
        image: Range {
            base: PhysicalAddress(0),
            size: 0,
        },
        heap_size: limit,
    };
    let state: &'static State = Box::leak(Box::new(State::new(memory, command_line, devices)));
    let executor = Executor::new();
    let (kernel, spawner) = (Kernel::new(state), executor.spawner());
    secrets::draw(kernel, spawner);
    if let Some(seed) = seed {
        probe::start(kernel, spawner, seed);
        heap::leave_out_frames_of(kernel.net().ok());
    }
    start(kernel, spawner);
    let [drivers] = state.devices.drivers();
    let services = &mut *drivers.borrow_mut();
    event_loop::run(machine, services, executor, &state.loop_statistics, |_| ())
}

fn fail(error: &Unusable, status: i32) -> ! {
    let _ = writeln!(stderr(), "error: {error}");
    process::exit(status)
}
