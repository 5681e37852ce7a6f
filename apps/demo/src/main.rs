//! Says what the machine is made of, uses each device once, then echoes datagrams.

#![cfg_attr(target_os = "none", no_std, no_main)]

use vmos::{Kernel, Result, Spawner, println};

mod boot_count;
mod report;

/// The port of the echo service (RFC 862).
const ECHO: u16 = 7;

#[vmos::main]
async fn main(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    println!();
    println!("  VMOS on {}", kernel.board_title());
    println!();
    report::memory(kernel);
    report::date();
    report::random_bytes(kernel).await;
    boot_count::count(kernel).await;
    let Ok(net) = kernel.net() else {
        println!("  network: none, so there is nothing to serve: stopping");
        return Ok(());
    };
    report::network(kernel, net).await;

    let socket = net.udp(ECHO)?;
    let address = net.configured().await.address.address();
    println!();
    println!("ready: UDP echo on {address} port {ECHO}");
    loop {
        // The datagram goes back in the buffer it came in. A reply that cannot be sent is the
        // peer's to miss, as a datagram always is.
        if let Ok(datagram) = socket.receive().await {
            let _ = socket.send_back(datagram).await;
        }
    }
}
