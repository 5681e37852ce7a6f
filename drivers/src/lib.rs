//! The drivers of VMOS.
//!
//! A driver here knows its device and nothing else: the addresses, interrupts and clocks come from
//! the board's description through [`board::Board`], the processor's own instructions through small
//! traits that `kernel::arch` implements (each beside the driver that needs it), and time, waiting
//! and wake-ups from the kernel's event loop. Nothing in this crate blocks.
//!
//! What a device writes is never trusted: see [`virtio`] for the rules.

#![no_std]

extern crate alloc;

pub mod address;
pub mod attestation;
pub mod board;
pub mod console;
pub mod counts;
pub mod dma;
pub mod interrupt;
pub mod interrupt_controller;
pub mod local_apic;
pub mod log;
pub mod mmio;
pub mod pci;
pub mod port;
pub mod power;
pub mod riscv;
pub mod rtc;
pub mod timer;
pub mod virtio;

#[cfg(test)]
extern crate std;
