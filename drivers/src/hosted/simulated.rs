//! The simulated machine: a process whose time, devices and wires are under the control of another
//! process, the world.
//!
//! Nothing here asks the host for the time, a random number or a file. Time passes only while the kernel
//! sleeps, up to the next event, and by a few microseconds in each turn of its loop. Whenever the kernel
//! sleeps, the world is asked until when; it answers with the frames that arrive until then. All random
//! choices follow from the seed in the [`Plan`], so a run with the same plan and the same world is the
//! same run, up to each byte.

mod copies;
mod disk;
mod faults;
mod machine;
mod message;
mod plan;
mod random;

pub use copies::copies;
pub use disk::SimulatedDisk;
pub use machine::{
    Crossing, SimulatedEntropy, begin, end, has_worked_for, is_simulated, note, report,
    report_panics, report_violation, since_1970, write,
};
pub use message::{Message, SECTOR};
pub use plan::{Plan, Rate, Rates, UnknownPlan};
pub use random::Random;

pub(super) use faults::{Conduct, SlotFaults};
pub(super) use machine::{now, sleep, turn, withheld};
