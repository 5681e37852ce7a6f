//! Shows the machine's devices, uses each of them once, then echoes UDP datagrams and TCP streams.

#![cfg_attr(target_os = "none", no_std, no_main)]

use core::time::Duration;

use embedded_io_async::{Read as _, Write as _};
use vmos::net::TcpListener;
use vmos::time::Timer;
use vmos::{Kernel, Result, Spawner, println};

mod boot_count;
mod report;

/// The port of the echo service (RFC 862).
const ECHO: u16 = 7;

#[vmos::main]
async fn main(kernel: Kernel, spawner: Spawner) -> Result<()> {
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
    spawner.spawn(echo_streams(net.tcp_listen(ECHO)?)?);
    let address = net.configured().await.address.address();
    println!();
    println!("ready: UDP echo on {address} port {ECHO}, and TCP");
    loop {
        // The datagram is sent back in its buffer. A reply that cannot be sent is lost, as any
        // datagram may be.
        if let Ok(datagram) = socket.receive().await {
            let _ = socket.send_back(datagram).await;
        }
    }
}

/// Echoes TCP streams, one connection after the other.
#[vmos::task]
async fn echo_streams(listener: TcpListener) {
    let mut piece = [0; 512];
    loop {
        let Ok(mut stream) = listener.accept().await else {
            // No port or memory is left for another connection; wait until some ends.
            Timer::after_millis(10).await;
            continue;
        };
        // One task serves all connections: a client that vanished occupies it for a minute at most.
        stream.set_keep_alive(Some(Duration::from_secs(10)));
        stream.set_timeout(Duration::from_secs(60));
        // Ends when the peer closes its side or resets the connection.
        while let Ok(length) = stream.read(&mut piece).await
            && length > 0
            && stream.write_all(&piece[..length]).await.is_ok()
        {}
    }
}
