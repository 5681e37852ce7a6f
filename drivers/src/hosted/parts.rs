//! The drivers of the parts that only a process has.

use core::time::Duration;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{self, Command};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, eprintln};

use super::keys::give_back_keys;
use super::machine::{self, LINES, with};
use super::simulated;
use crate::board::Driver;
use crate::console::Console;
use crate::interrupt::{Interrupt, InterruptController};
use crate::power::Power;
use crate::rtc::Clock;
use crate::timer::Timer;

macro_rules! without_configuration {
    ($driver:ident) => {
        impl Driver for $driver {
            type Config = ();

            unsafe fn new((): &()) -> Self {
                Self
            }
        }
    };
}

/// The interrupt lines of this thread's machine. Line 0 is the timer's, line 1 the console's, and the
/// slots have those from [`FIRST_SLOT`](super::FIRST_SLOT) on.
#[derive(Debug)]
pub struct Lines;
without_configuration!(Lines);

impl InterruptController for Lines {
    const PENDING_FOLLOWS_LINE: bool = true;

    fn initialize(&mut self) {
        with(|machine| machine.enabled = 0);
    }

    fn has(&self, number: u32) -> bool {
        number < LINES
    }

    fn enable(&mut self, interrupt: Interrupt) {
        with(|machine| machine.enabled |= 1 << interrupt.number);
    }

    fn disable(&mut self, number: u32) {
        with(|machine| machine.enabled &= !(1 << number));
    }

    fn claim(&mut self) -> Option<u32> {
        with(|machine| machine.first_asserted())
    }

    fn complete(&mut self, _number: u32) {}
}

/// The host's monotonic clock.
#[derive(Debug)]
pub struct HostClock;
without_configuration!(HostClock);

impl Timer for HostClock {
    fn now(&self) -> u64 {
        machine::now()
    }

    fn set_deadline(&mut self, deadline: Option<u64>) {
        with(|machine| machine.deadline = deadline);
    }

    fn frequency(&self) -> u64 {
        1_000_000_000
    }
}

/// Standard input and output.
#[derive(Debug)]
pub struct Terminal;
without_configuration!(Terminal);

impl Console for Terminal {
    fn write(&mut self, bytes: &[u8]) -> usize {
        if simulated::write(bytes) {
            return bytes.len();
        }
        // Output that was closed takes everything, as an unconnected line does.
        let _ = io::stdout()
            .write_all(bytes)
            .and_then(|()| io::stdout().flush());
        bytes.len()
    }

    fn read(&mut self) -> Option<u8> {
        with(|machine| machine.input.pop_front())
    }

    fn notify_when_writable(&mut self, notify: bool) {
        with(|machine| machine.notifies_when_writable = notify);
    }

    fn acknowledge_interrupt(&mut self) {}
}

/// The end of the process, or its restart.
#[derive(Debug)]
pub struct Exit;
without_configuration!(Exit);

impl Power for Exit {
    fn off(&mut self, status: u8) {
        simulated::end(Some(status));
        give_back_keys();
        process::exit(status.into());
    }

    fn reset(&mut self) {
        simulated::end(None);
        give_back_keys();
        // The program starts again, in the same process; only an error returns.
        if let Ok(program) = env::current_exe() {
            let error = Command::new(program).args(env::args_os().skip(1)).exec();
            eprintln!("error: the program cannot be started again: {error}");
        }
        process::exit(1);
    }
}

/// The host's time of day.
#[derive(Debug)]
pub struct HostTime;
without_configuration!(HostTime);

impl Clock for HostTime {
    fn since_1970(&self) -> Option<Duration> {
        if let Some(time) = simulated::since_1970() {
            return Some(time);
        }
        SystemTime::now().duration_since(UNIX_EPOCH).ok()
    }
}
