//! The drivers of VMOS.
//!
//! A driver depends only on its device. Addresses, interrupts and clocks come from the board file
//! through [`board::Board`]. Processor instructions come from small traits, each next to the driver
//! that needs it, which `kernel::arch` implements; only the barrier between memory and registers,
//! which every transport needs, is in this crate. Time, waiting and wake-ups belong to the
//! kernel's event loop; nothing in this crate blocks.
//!
//! Values written by a device are never trusted: see [`virtio`] for the rules.

#![no_std]

extern crate alloc;

pub mod address;
pub mod attestation;
mod barrier;
pub mod board;
pub mod console;
pub mod counts;
pub mod dma;
pub mod ethernet;
#[cfg(not(target_os = "none"))]
pub mod hosted;
pub mod interrupt;
pub mod interrupt_controller;
pub mod local_apic;
pub mod log;
pub mod mmio;
pub mod network;
pub mod pci;
pub mod port;
pub mod power;
pub mod riscv;
pub mod rtc;
pub mod timer;
pub mod virtio;
pub mod watched;

#[cfg(not(target_os = "none"))]
extern crate std;
