//! The app to measure: it serves requests that are counted from outside, or measures itself and
//! prints the results.
//!
//! The word `bench=` on the command line selects `net` (the default), `blk`, `timer`, or several,
//! separated by commas. `READY` means that the services run. Every result is one line of JSON, and
//! `BENCH_DONE` follows the last one. With `net` the machine then keeps serving, otherwise it
//! powers off.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
extern crate alloc;
#[cfg(not(target_os = "none"))]
extern crate std as alloc;

use embassy_futures::yield_now;
use vmos::{Kernel, Result, Spawner, println};

mod blk;
mod net;
mod timer;

#[vmos::main]
async fn main(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let words = kernel.command_line().value("bench").unwrap_or_default();
    let [mut net, mut blk, mut timer] = [false; 3];
    for word in words.split(',') {
        match word {
            "net" => net = true,
            "blk" => blk = true,
            "timer" => timer = true,
            _ => {}
        }
    }
    net |= !(blk || timer);

    if net {
        net::serve(kernel, spawner).await?;
    } else {
        // What the kernel compares after the tasks have run once is not part of what is measured here.
        yield_now().await;
    }
    println!("READY");
    if blk {
        blk::measure(kernel, spawner).await?;
    }
    if timer {
        timer::measure().await?;
    }
    if blk || timer {
        println!("BENCH_DONE");
    }
    if net {
        core::future::pending::<()>().await;
    }
    Ok(())
}
