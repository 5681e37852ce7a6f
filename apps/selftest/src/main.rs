//! Tests that run inside the machine. On the command line, `check=disk` overwrites and reads the
//! first disk, `check=devices` lists devices, `check=fill` tests `memset`, and `check=serve` (the default) runs services for tests
//! from outside.
//!
//! `fault=` and one of the names in `faults` fails intentionally: the kernel prints a report and the
//! machine powers off with a failing exit status.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
extern crate alloc;
#[cfg(not(target_os = "none"))]
extern crate std as alloc;

use vmos::{Kernel, Result, Spawner};

mod devices;
mod disk;
mod faults;
mod fill;
mod serve;

#[vmos::main]
async fn main(kernel: Kernel, spawner: Spawner) -> Result<()> {
    match kernel.command_line().value("check") {
        Some("devices") => return devices::check(kernel).await,
        Some("disk") => return disk::check(kernel, spawner).await,
        Some("fill") => {
            fill::check();
            return Ok(());
        }
        Some("serve") => return serve::serve(kernel, spawner).await,
        _ => {}
    }
    match kernel.command_line().value("fault") {
        Some(name) => faults::provoke(name),
        None => return serve::serve(kernel, spawner).await,
    }
    Ok(())
}
