//! What `cargo xtask` is made of, as a library so that the machine tests start their machines by
//! the same code.
//!
//! [`command`] holds the commands, one file each. The rest is what they share: where things are
//! ([`workspace`], [`boards`]), how an image comes to be ([`image`], [`flatten`]), and how a machine
//! is started ([`qemu`]) and listened to ([`symbolise`]).

#![forbid(unsafe_code)]

pub mod audit;
pub mod bench;
pub mod boards;
pub mod checkout;
pub mod command;
pub mod debug;
pub mod diagnostics;
pub mod disk;
pub mod emulator;
pub mod failure;
pub mod flatten;
pub mod footprint;
pub mod forward;
pub mod git;
pub mod guest;
pub mod image;
pub mod inspect;
pub mod install;
pub mod log_level;
pub mod memory_size;
pub mod plugin;
pub mod profile;
pub mod qemu;
pub mod qmp;
pub mod session;
pub mod shell;
pub mod suggest;
pub mod svg;
pub mod symbolise;
pub mod target;
pub mod transport;
pub mod workspace;
