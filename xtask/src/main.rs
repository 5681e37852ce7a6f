//! The one command of VMOS: `cargo xtask help` lists what it does.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::command::main()
}
