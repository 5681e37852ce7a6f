//! The kernel.
#![no_std]

extern crate alloc;

pub mod net;

#[cfg(test)]
extern crate std;
