//! Tests of real QEMU machines from outside: through their console ([`serial`]), monitor
//! ([`xtask::qmp`]), network (sockets, or raw frames by [`ethernet`]), disk image, and virtqueues
//! in their memory ([`virtqueues`]), the host's side of a socket device ([`vsock`]), a [`broker`], and a [`browser`].

#![forbid(unsafe_code)]

pub mod broker;
pub mod browser;
pub mod ethernet;
pub mod lines;
pub mod service;
pub mod setting;
pub mod udp;
pub mod virtqueues;
pub mod vsock;

pub use xtask::ensure;
pub use xtask::guest::{machine, outcome, packet, ports, segment, serial};
