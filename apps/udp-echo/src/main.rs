//! Echoes UDP datagrams over IPv4 and IPv6.

#![cfg_attr(target_os = "none", no_std, no_main)]

use vmos::net::{Event, Net};
use vmos::{Kernel, Result, Spawner, println};

#[cfg(test)]
mod tests;

/// The port of the echo service (RFC 862).
const ECHO: u16 = 7;

#[vmos::main]
async fn main(kernel: Kernel, spawner: Spawner) -> Result<()> {
    serve(kernel, spawner).await
}

/// Echoes datagrams for ever.
async fn serve(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let net = kernel.net()?;
    let socket = net.udp(ECHO)?;
    spawner.spawn(tell_addresses(net)?);
    loop {
        let datagram = socket.receive().await?;
        // A reply that cannot be sent is lost, as any datagram may be.
        if let Err(error) = socket.send_back(datagram).await {
            println!("no reply: {error}");
        }
    }
}

/// Says where the service can be reached.
#[vmos::task]
async fn tell_addresses(net: Net) {
    let mut events = net.events();
    loop {
        match events.next().await {
            Event::Gained(now) | Event::Changed(now) => {
                let address = now.address.address();
                println!("ready: UDP echo on {address} port {ECHO}");
            }
            #[cfg(not(all(target_arch = "arm", not(target_has_atomic = "64"))))]
            Event::Ipv6(now) => {
                for (address, _) in now.addresses() {
                    println!("ready: UDP echo on {address} port {ECHO}");
                }
            }
            _ => {}
        }
    }
}
