//! The program behind `cargo xtask`; `cargo xtask help` lists its commands.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::command::main()
}
