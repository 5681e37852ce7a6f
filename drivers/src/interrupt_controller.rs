//! Interrupt controllers.
//!
//! Each driver implements [`InterruptController`](crate::interrupt::InterruptController) over the
//! registers of its device. If the processor's interface is not memory-mapped, the driver also uses
//! a small trait that the processor implements.

pub mod apic;
pub mod aplic;
pub mod gic_v2;
pub mod gic_v2m;
pub mod gic_v3;
pub mod imsic;
pub mod its;
pub mod nvic;
pub mod plic;
pub mod sockets;

mod gic;
mod i8259;
mod io_apic;
#[cfg(test)]
mod model;
