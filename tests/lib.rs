//! What drives real QEMU machines from outside: their console ([`serial`]), their monitor
//! ([`xtask::qmp`]), their network as sockets or as bare frames ([`ethernet`]), their disk as a file.

#![forbid(unsafe_code)]

pub mod ethernet;
pub mod machine;
pub mod outcome;
pub mod packet;
pub mod ports;
pub mod serial;
pub mod setting;
pub mod udp;
