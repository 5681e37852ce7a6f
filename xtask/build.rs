//! Announces the first compilation of the command: cargo prints nothing for `cargo xtask`, and it
//! takes a minute or more.

use std::fs::OpenOptions;
use std::io::Write as _;

fn main() {
    // Only the first time: later builds of the command take seconds.
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CARGO_CFG_TARGET_OS");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "none") {
        println!(
            "cargo::error=`cargo xtask` runs on this host, but CARGO_BUILD_TARGET or a configuration of \
             cargo selects a target without an operating system: unset CARGO_BUILD_TARGET"
        );
    }
    // cargo captures a build script's output, so this writes to the terminal, if there is one.
    if let Ok(mut terminal) = OpenOptions::new().append(true).open("/dev/tty") {
        let _ = writeln!(
            terminal,
            "xtask: compiling the command itself; this takes a minute or more, the first time"
        );
    }
}
