//! Echoes the streams of a virtio socket device, and greets the host.
//!
//! The host needs a device for it, such as `vhost-vsock` of Linux:
//!
//! `cargo xtask run BOARD --app vsock --qemu-arg=-device --qemu-arg=vhost-vsock-pci,guest-cid=3`

#![cfg_attr(target_os = "none", no_std, no_main)]

use embedded_io_async::{Read, Write};
use vmos::vsock::{Address, HOST, Vsock, VsockError, VsockStream};
use vmos::{Kernel, Result, Spawner, println};

/// The port of the echo service.
const ECHO: u32 = 7;
/// The port of the host that is greeted, if something listens there.
const GREETED: u32 = 1000;

#[vmos::main]
async fn main(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let vsock = kernel.vsock()?;
    let listener = vsock.listen(ECHO)?;
    println!("ready: echo on port {ECHO} of machine {}", vsock.cid());
    if let Err(error) = greet(vsock).await {
        println!("no greeting: {error}");
    }
    loop {
        let (stream, peer) = listener.accept().await;
        println!("machine {} port {} has connected", peer.cid, peer.port);
        spawner.spawn(serve(stream)?);
    }
}

/// Greets the host.
async fn greet(vsock: Vsock) -> Result<(), VsockError> {
    let host = Address {
        cid: HOST,
        port: GREETED,
    };
    let mut stream = vsock.connect(host).await?;
    stream.write_all(b"hello from the machine").await
}

#[vmos::task(pool_size = 8)]
async fn serve(mut stream: VsockStream) {
    if let Err(error) = echo(&mut stream).await {
        println!("the stream ends: {error}");
    }
}

async fn echo(stream: &mut VsockStream) -> Result<(), VsockError> {
    let mut buffer = [0; 2048];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..count]).await?;
    }
}
