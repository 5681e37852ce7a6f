//! VMOS: a portable async runtime on bare metal.
//!
//! The kernel knows no board and, outside [`arch`], no processor: what a machine is comes from its
//! description through the generated board crate, what its devices do from `vmos-drivers`. It has
//! one loop (`event_loop`), which sleeps until something happens; tasks are futures on top of it.
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

#![no_std]
#![cfg_attr(
    not(target_os = "none"),
    expect(
        dead_code,
        reason = "on a host nothing boots: what boots is compiled for its tests"
    )
)]

extern crate alloc;
#[cfg(not(target_os = "none"))]
extern crate std;

pub mod arch;
mod attestation;
pub mod block;
pub mod command_line;
pub mod console;
mod device_tree;
pub mod devices;
mod driver_cell;
pub mod entropy;
mod error;
mod event_loop;
mod executor;
mod firmware;
#[cfg(not(target_os = "none"))]
#[doc(hidden)]
pub mod fuzzing;
mod kernel;
mod log;
pub mod memory;
pub mod net;
#[cfg(feature = "rand")]
pub mod random;
mod start_info;
mod statistics;
pub mod time;

#[cfg(target_os = "none")]
mod boot;
#[cfg(target_os = "none")]
mod debugger;
#[cfg(target_os = "none")]
pub mod image;
#[cfg(target_os = "none")]
mod machine;
#[cfg(not(target_os = "none"))]
#[path = "hosted.rs"]
mod machine;
#[cfg(target_os = "none")]
mod panic;

pub use embassy_executor::{self, Spawner};
pub use vmos_macros::{main, task};

pub use error::Error;
pub use event_loop::{LoopCounts, LoopStatistics};
pub use kernel::{Absent, Kernel};
pub use statistics::{Part, Statistics};
pub use vmos_drivers::dma::Buffer;

/// What an app's `main` returns.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// What the attribute macros expand to; not for use by hand.
#[doc(hidden)]
pub mod attribute {
    #[cfg(target_os = "none")]
    pub use crate::boot::{finish, start};
}

/// What a program without a kernel needs besides a processor: see `apps/floor`.
#[cfg(target_os = "none")]
#[doc(hidden)]
pub mod bare {
    use vmos_drivers::address::Range;

    /// Gives the heap a range of memory, for the few drivers that allocate as they start.
    ///
    /// # Safety
    ///
    /// The range must be RAM that is nobody else's, for good.
    pub unsafe fn add_memory(range: Range) {
        // SAFETY: passed on to the caller.
        unsafe { crate::memory::heap::add(range) };
    }
}
