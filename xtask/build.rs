//! Says that the command is being compiled, the first time that it is: cargo, as `cargo xtask` calls
//! it, says nothing meanwhile, and it takes a minute or more.

use std::fs::OpenOptions;
use std::io::Write as _;

fn main() {
    // Not for every change of the command, which is built in seconds.
    println!("cargo::rerun-if-changed=build.rs");
    // What a build script prints is cargo's; the terminal is the user's. There need not be one.
    if let Ok(mut terminal) = OpenOptions::new().append(true).open("/dev/tty") {
        let _ = writeln!(
            terminal,
            "xtask: compiling the command itself; this takes a minute or more, the first time"
        );
    }
}
