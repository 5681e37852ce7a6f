//! Echoes bytes on the port `echo` of a virtio console device.
//!
//! `cargo xtask run BOARD --app serial --serial echo=echo.sock`, and in another terminal
//! `nc -U echo.sock`.

#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

use alloc::format;
use alloc::vec::Vec;

use embedded_io_async::{Read, Write};
use vmos::time::{Duration, with_timeout};
use vmos::{Error, Kernel, Result, Spawner, println};

/// The name of the port.
const NAME: &str = "echo";
/// The time within which the machine must report the port.
const LIMIT: Duration = Duration::from_secs(5);

#[vmos::main]
async fn main(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    let port = with_timeout(LIMIT, kernel.serial_port(NAME)).await;
    let mut port = port.map_err(|_| {
        let there: Vec<_> = kernel.serial_ports().map(|port| port.name).collect();
        Error::new(format!("no port `{NAME}` among {there:?}"))
    })??;
    println!("ready: echo on the port `{NAME}`");
    for number in 1_u32.. {
        port.connected().await?;
        println!("connection {number}: opened by the host");
        let mut buffer = [0; 512];
        loop {
            let count = port.read(&mut buffer).await?;
            if count == 0 {
                break;
            }
            port.write_all(&buffer[..count]).await?;
        }
        println!("connection {number}: closed by the host");
    }
    Ok(())
}
