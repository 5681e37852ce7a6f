//! The world around simulated machines.
//!
//! A [`World`] has a time of its own, machines, each a process that runs a kernel, and a [`Link`] that
//! connects them with one another and with the outside, which is the program that uses this crate. Only
//! one process runs at any moment, and none asks the host for anything, so a world with the same seed
//! that is used in the same way does the same.

#![forbid(unsafe_code)]

mod link;
mod machine;
mod trace;
mod world;

pub use link::{Link, OUTSIDE, Wear};
pub use machine::{Image, Program, Usage};
pub use trace::Trace;
pub use vmos_drivers::hosted::simulated::{Plan, Random, Rates, SECTOR};
pub use world::{Broken, MachineId, Step, World};
