//! Drives a machine from outside: its process and console ([`machine`], [`serial`]), network frames
//! ([`packet`], [`segment`]) and the link that carries them ([`link`]), and host ports that are
//! forwarded to it ([`ports`]).
//!
//! The machine tests and the measurements share this module.

pub mod link;
pub mod machine;
pub mod outcome;
pub mod packet;
pub mod ports;
pub mod segment;
pub mod serial;
