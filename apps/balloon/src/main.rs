//! Shows how much of its memory the host wants, and has, by a virtio memory balloon. With `fill=40` on the
//! command line, allocates 40 MiB once the host has as much as it can get, which the kernel takes back
//! from it.
//!
//! `cargo xtask run BOARD --app balloon --balloon`; then press Ctrl-A C and enter `balloon 64`, and
//! `balloon 128`.

#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

use alloc::vec::Vec;

use embassy_time::{Duration, Timer};
use vmos::{Kernel, Result, Spawner, println};

const PAGE: u64 = 4096;
const MIB: u64 = 1 << 20;
/// How often the counts are read.
const INTERVAL: Duration = Duration::from_millis(100);
/// For how many intervals the host must have got nothing before memory is allocated.
const SETTLED: u32 = 10;

#[vmos::main]
async fn main(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    let word = kernel.command_line().value("fill");
    let mut fill = word.and_then(|text| text.parse::<u64>().ok());
    let mut kept = Vec::new();
    let mut before = kernel.balloon()?;
    println!("ready: the host can take memory");
    let mut settled = 0;
    loop {
        Timer::after(INTERVAL).await;
        let now = kernel.balloon()?;
        settled = if now == before { settled + 1 } else { 0 };
        if settled == 1 {
            let [wanted, has] = [now.wanted_pages, now.pages].map(|pages| pages * PAGE);
            println!(
                "the host wants {} KiB and has {} KiB; {} KiB are in use",
                wanted / 1024,
                has / 1024,
                kernel.memory().heap_usage().bytes as u64 / 1024
            );
        }
        if settled == SETTLED
            && now.pages > 0
            && let Some(count) = fill.take()
        {
            for _ in 0..count {
                kept.push(kernel.buffer(MIB as usize)?);
            }
            let relieved = kernel.balloon()?.relieved_pages * PAGE / 1024;
            println!(
                "allocated {} MiB; {relieved} KiB were taken back",
                kept.len()
            );
        }
        before = now;
    }
}
