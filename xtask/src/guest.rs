//! A machine that is driven from outside: its process and console ([`machine`], [`serial`]), frames
//! for its network ([`packet`], [`segment`]) and the wire they go over ([`link`]), and ports of this
//! computer that lead to it ([`ports`]).
//!
//! The machine tests and the measurements share it.

pub mod link;
pub mod machine;
pub mod outcome;
pub mod packet;
pub mod ports;
pub mod segment;
pub mod serial;
