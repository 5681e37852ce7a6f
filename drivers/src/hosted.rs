//! The parts of a machine that is a process of a host: a clock, a console, interrupt lines, and
//! virtio devices in slots.
//!
//! The drivers of virtio devices and the kernel above them are those of every other board. What is
//! different begins at the registers: a [`Slot`] has them, and a [`Device`] is behind them. A thread has
//! one machine, so that a process can have several.

mod bell;
mod disk;
mod entropy;
mod keys;
mod machine;
mod memory;
mod nic;
mod parts;
mod ring;
pub mod simulated;
mod slot;
mod wire;

pub use disk::{Aio, Disk, UnknownAio};
pub use entropy::Entropy;
pub use keys::take_keys;
pub use machine::{CONSOLE, FIRST_SLOT, SLOTS, TIMER, attach, is_pending, slot, wait};
pub use memory::{as_device, is_device};
pub use nic::Nic;
pub use parts::{Exit, HostClock, HostTime, Lines, Terminal};
pub use ring::{Addresses, Chain, DeviceQueue};
pub use slot::{Device, Slot, SlotRegisters};
pub use wire::{Datagrams, LARGEST_FRAME, Stream, Tap, Wire};

#[cfg(test)]
mod tests;
