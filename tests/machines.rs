//! The machine tests: every case on every board and with every way to attach devices.
//!
//! `cargo xtask test` builds the images and runs this; `cargo test` by itself runs none of them.

#![forbid(unsafe_code)]

mod cases;
mod console;
mod matrix;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match matrix::trials() {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
