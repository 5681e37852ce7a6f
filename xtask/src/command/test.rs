//! `cargo xtask test`
use clap::Args;

use crate::failure::Failure;

/// Test.
#[derive(Args, Debug)]
#[command(after_help = "cargo xtask test")]
pub struct Arguments {}

/// Does it.
pub fn run(_arguments: &Arguments) -> Result<(), Failure> {
    Ok(())
}
