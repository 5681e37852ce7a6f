//! Tests of real QEMU machines from outside: through their console ([`serial`]), monitor
//! ([`xtask::qmp`]), network (sockets, or raw frames by [`ethernet`]), disk image, and virtqueues
//! in their memory ([`virtqueues`]), the host's side of a socket device ([`vsock`]), and the other side of
//! apps: a [`broker`], a [`browser`], a [`time_server`], a [`tls_server`], and questions of
//! [`multicast_dns`].

#![forbid(unsafe_code)]

pub mod broker;
pub mod browser;
pub mod ethernet;
pub mod lines;
pub mod multicast_dns;
pub mod service;
pub mod setting;
pub mod time_server;
pub mod tls_server;
pub mod udp;
pub mod virtqueues;
pub mod vsock;

pub use xtask::ensure;
pub use xtask::guest::{machine, outcome, packet, ports, segment, serial};
