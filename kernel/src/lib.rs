//! VMOS: a portable async runtime on bare metal.
//!
//! The kernel contains nothing specific to a board and, outside [`arch`], nothing specific to a
//! processor: the generated board crate describes the machine, and `vmos-drivers` drives its
//! devices. One event loop (`event_loop`) runs all tasks, which are futures, and sleeps while there
//! is no work.
//!
//! An app is an async function:
//!
//! ```no_run
//! use vmos::{Kernel, Result, Spawner};
//!
//! #[vmos::main]
//! async fn main(kernel: Kernel, _spawner: Spawner) -> Result<()> {
//!     let disk = kernel.disk(0)?;
//!     let sector = disk.read(0, kernel.buffer(512)?).await?;
//!     vmos::println!("the disk begins with {:02x?}", &sector[..16]);
//!     Ok(())
//! }
//! ```
//!
//! The [`Kernel`] gives access to the devices: disks ([`block`]), the network ([`net`]) and random
//! bytes ([`entropy`]). [`time`] contains the clock and the timers, [`console`] the input and
//! output of text, and [`command_line`] the words that were passed to the machine. [`Statistics`]
//! contains the counts of faults and of ordinary work.
//!
//! # Features
//!
//! None is enabled by default, and an image contains only what its app uses.
//!
//! | feature | what it adds |
//! |---|---|
//! | `edge-nal`, `embedded-nal-async` | the traits of these crates on [`net::Net`] and its sockets |
//! | `picoserve`, `sntpc` | the traits of these crates on TCP streams and UDP sockets |
//! | `embassy-net-driver` | network devices for another stack: `Kernel::interface` |
//! | `block-device-driver` | its trait on [`block::Disk`] |
//! | `embedded-storage-async` | flash memory on a disk: `block::Flash` |
//! | `ekv` | the trait of this store on `block::Flash` |
//! | `rand` | random numbers without waiting: `random` |
//! | `getrandom` | `provide_getrandom!`, for crates that call getrandom |
//! | `networks` | all network devices on the kernel's own stack: `Kernel::networks` |
//! | `raw` | packets of a protocol by its number: `net::Net::raw` |
//! | `virtio-console` | streams of bytes to the host: `serial` |
//! | `tasks` | the polls and the time of each task, by name: `Statistics::tasks` |
//! | `virtio-balloon` | memory for the host while the machine does not need it: `Kernel::balloon` |
//! | `virtio-vsock` | streams to the host by port: `vsock` |
//! | `adapters` | all of the above |
//! | `defmt` | log messages whose texts stay on the host: `defmt_log` |
//! | `max-log-off` to `max-log-trace` | the highest level of the log that is compiled in |

#![no_std]
#![cfg_attr(
    not(target_os = "none"),
    expect(
        dead_code,
        reason = "the code that boots is compiled on a host only for its tests"
    )
)]

extern crate alloc;
#[cfg(not(target_os = "none"))]
extern crate std;

mod app;
pub mod arch;
mod attestation;
pub mod block;
pub mod command_line;
pub mod console;
mod deadline;
#[cfg(feature = "defmt")]
pub mod defmt_log;
mod device_tree;
pub mod devices;
mod driver_cell;
pub mod entropy;
mod error;
mod event_loop;
mod exclusive;
mod executor;
mod firmware;
#[cfg(not(target_os = "none"))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "embedded-io-async-06")]
pub mod io_06;
mod kernel;
mod log;
pub mod memory;
pub mod net;
mod optional;
pub mod part;
#[cfg(feature = "rand")]
pub mod random;
mod secrets;
#[cfg(feature = "virtio-console")]
pub mod serial;
mod start_info;
mod statistics;
mod tags;
#[cfg(feature = "tasks")]
pub mod tasks;
pub mod time;
#[cfg(feature = "virtio-vsock")]
pub mod vsock;

#[cfg(target_os = "none")]
mod boot;
#[cfg(target_os = "none")]
mod debugger;
#[cfg(target_os = "none")]
pub mod image;
#[cfg(target_os = "none")]
mod machine;
#[cfg(not(target_os = "none"))]
#[path = "hosted/machine.rs"]
mod machine;
#[cfg(target_os = "none")]
mod panic;

pub use embassy_executor::{self, Spawner};
pub use vmos_macros::{main, task, test, tests};

pub use error::Error;
pub use event_loop::{LoopCounts, LoopStatistics};
pub use kernel::{Absent, Kernel};
pub use statistics::{Part, Statistics};
pub use vmos_drivers::dma::Buffer;

/// The result of an app's `main`.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// The body of a task with a name in its module, counted; not part of the API.
#[cfg(feature = "tasks")]
#[doc(hidden)]
#[macro_export]
macro_rules! task_body {
    ($name:literal $($body:tt)*) => {{
        static TASK: $crate::attribute::Task =
            $crate::attribute::Task::new(concat!(module_path!(), "::", $name));
        TASK.run(async move { $($body)* }).await
    }};
}

/// The body of a task, as it is; not part of the API.
#[cfg(not(feature = "tasks"))]
#[doc(hidden)]
#[macro_export]
macro_rules! task_body {
    ($name:literal $($body:tt)*) => { $($body)* };
}

/// Used by the attribute macros; not part of the API.
#[doc(hidden)]
pub mod attribute {
    pub use crate::app::finish;
    #[cfg(target_os = "none")]
    pub use crate::boot::start;
    #[cfg(not(target_os = "none"))]
    pub use crate::machine::{ProcessHeap, run, test_alone, test_network};
    #[cfg(feature = "tasks")]
    pub use crate::tasks::Task;
}

/// Kernels on simulated machines, for tests of apps on the host.
#[cfg(not(target_os = "none"))]
pub mod simulation {
    pub use crate::machine::Network;
}

/// The parts of the kernel that a program without the kernel needs; see `apps/floor`.
#[cfg(target_os = "none")]
#[doc(hidden)]
pub mod bare {
    use vmos_drivers::address::Range;

    /// Adds a range of memory to the heap, for drivers that allocate when they start.
    ///
    /// # Safety
    ///
    /// The range must be RAM, and nothing else may ever use it.
    pub unsafe fn add_memory(range: Range) {
        // SAFETY: the caller guarantees the same.
        unsafe { crate::memory::heap::add(range) };
    }
}
