//! Logs by defmt: the machine sends numbers, and `cargo xtask run` adds the texts.
//!
//! `cargo xtask run BOARD --app defmt-log`

#![cfg_attr(target_os = "none", no_std, no_main)]

use vmos::time::{Duration, Ticker};
use vmos::{Kernel, Result, Spawner, defmt_log};

/// What is logged besides numbers.
#[derive(defmt::Format)]
struct Reading {
    celsius: i16,
    is_valid: bool,
}

#[vmos::main]
async fn main(kernel: Kernel, spawner: Spawner) -> Result<()> {
    defmt_log::start(kernel, spawner).await?;
    defmt::info!("{=str} logs by defmt", kernel.board_name());
    let mut ticker = Ticker::every(Duration::from_millis(100));
    for celsius in 18..=20 {
        ticker.next().await;
        let is_valid = celsius != 19;
        defmt::info!("read {}", Reading { celsius, is_valid });
    }
    defmt::warn!("{=u64} messages were dropped", defmt_log::dropped());
    // The last messages reach the host before the machine stops.
    ticker.next().await;
    Ok(())
}
