//! Something to measure: the machine serves while somebody outside counts, or it counts itself and
//! prints what came of it.
//!
//! The word `bench=` on the command line says what: `net` (without the word, too), `blk`, `timer`,
//! or several with commas. `READY` says that the services answer; every result is one line of JSON,
//! and `BENCH_DONE` follows the last. With `net` among the words the machine then goes on serving,
//! without it stops.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
extern crate alloc;
#[cfg(not(target_os = "none"))]
extern crate std as alloc;

use vmos::{Kernel, Result, Spawner, println};

mod blk;
mod net;
mod timer;

#[vmos::main]
async fn main(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let words = kernel.command_line().value("bench").unwrap_or_default();
    let asked = |what| words.split(',').any(|word| word == what);
    let (blk, timer) = (asked("blk"), asked("timer"));
    let net = asked("net") || !(blk || timer);

    if net {
        net::serve(kernel, spawner).await?;
    }
    println!("READY");
    if blk {
        blk::measure(kernel).await?;
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
