//! Echoes UDP datagrams.

#![cfg_attr(target_os = "none", no_std, no_main)]

use vmos::{Kernel, Result, Spawner, println};

/// The port of the echo service (RFC 862).
const ECHO: u16 = 7;

#[vmos::main]
async fn main(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    let net = kernel.net()?;
    let socket = net.udp(ECHO)?;
    let address = net.configured().await.address.address();
    println!("ready: UDP echo on {address} port {ECHO}");
    loop {
        let datagram = socket.receive().await?;
        // A reply that cannot be sent is lost, as any datagram may be.
        if let Err(error) = socket.send_back(datagram).await {
            println!("no reply: {error}");
        }
    }
}
