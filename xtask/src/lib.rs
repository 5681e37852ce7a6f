//! The implementation of `cargo xtask`, as a library, so that the machine tests start machines with
//! the same code.
//!
//! [`command`] holds the commands, one file each. They share the modules that find files
//! ([`workspace`], [`boards`]), build images ([`image`], [`flatten`]), start machines ([`qemu`])
//! and explain their backtraces ([`symbolise`]).

#![forbid(unsafe_code)]

// First, because its macros are those of all modules below.
#[macro_use]
mod output;

pub mod audit;
pub mod bench;
pub mod boards;
pub mod checkout;
pub mod child;
pub mod command;
mod crate_tree;
pub mod debug;
pub mod decoder;
pub mod diagnostics;
pub mod disk;
pub mod emulator;
pub mod failure;
pub mod files;
pub mod fit;
pub mod flatten;
pub mod footprint;
pub mod forward;
pub mod gateway;
pub mod git;
pub mod guest;
pub mod host_program;
pub mod image;
pub mod inspect;
pub mod install;
pub mod log_level;
pub mod memory_size;
pub mod missing_logger;
pub mod missing_main;
pub mod missing_std;
pub mod plugin;
pub mod port;
pub mod profile;
pub mod qemu;
pub mod qmp;
pub mod session;
pub mod shell;
pub mod suggest;
pub mod svg;
pub mod symbolise;
pub mod target;
pub mod ticks;
pub mod time_limit;
pub mod transport;
pub mod workspace;
mod wrapping;
