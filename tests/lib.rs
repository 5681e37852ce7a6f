//! What drives real QEMU machines from outside: their console ([`serial`]), their monitor
//! ([`xtask::qmp`]), their network as sockets or as bare frames ([`ethernet`]), their disk as a file,
//! their virtqueues as what is in their memory ([`virtqueues`]).

#![forbid(unsafe_code)]

pub mod ethernet;
pub mod service;
pub mod setting;
pub mod udp;
pub mod virtqueues;

pub use xtask::ensure;
pub use xtask::guest::{machine, outcome, packet, ports, segment, serial};
