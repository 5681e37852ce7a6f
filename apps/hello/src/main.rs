//! Prints the machine's state, and stops.

#![cfg_attr(target_os = "none", no_std, no_main)]

use vmos::time::Instant;
use vmos::{Kernel, Result, Spawner, println};

#[vmos::main]
async fn main(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    println!("hello from {}", kernel.board_name());
    println!("{}", kernel.board_title());
    for device in kernel.devices() {
        println!("{}: {device}", device.kind);
    }
    println!("up for {} us: stopping", Instant::now().as_micros());
    Ok(())
}

#[vmos::tests]
mod tests {
    use vmos::Error;
    use vmos::time::{Duration, Timer};

    use super::*;

    #[vmos::test]
    async fn a_timer_is_not_early(_kernel: Kernel, _spawner: Spawner) -> Result<()> {
        let due = Instant::now() + Duration::from_millis(10);
        Timer::at(due).await;
        match Instant::now() < due {
            true => Err(Error::new("the timer is early")),
            false => Ok(()),
        }
    }
}
