//! The machine tests: every case on every board and with every way to attach devices.
//!
//! `cargo xtask test` builds the images and runs this; `cargo test` by itself only compares the list of
//! faults with the tests.

#![forbid(unsafe_code)]

mod cases;
mod console;
mod faults;
mod matrix;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use xtask::command::test::RECORD_VARIABLE;
use xtask::workspace::Workspace;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match matrix::trials() {
        Ok(trials) => {
            let conclusion = libtest_mimic::run(&arguments, trials);
            if std::env::var_os(RECORD_VARIABLE).is_some() {
                let recorded = Workspace::find().map_err(Into::into);
                let recorded = recorded.and_then(|workspace| faults::record(&workspace.root));
                if let Err(error) = recorded {
                    eprintln!("error: {error}");
                    return ExitCode::FAILURE;
                }
            }
            conclusion.exit_code()
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
