//! Runs embassy-net on a second network device, and echoes datagrams there. The first device
//! remains the kernel's.
//!
//! `cargo xtask run BOARD --app own-stack --nic user`

#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

use alloc::boxed::Box;

use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_net::{Config, Runner, Stack, StackResources};
use vmos::net::Interface;
use vmos::time::Instant;
use vmos::{Error, Kernel, Result, Spawner, println};

/// The port of the echo service (RFC 862).
const ECHO: u16 = 7;
/// The largest number of waiting datagrams in each direction.
const WAITING: usize = 8;
/// The largest number of bytes of waiting datagrams in each direction.
const BYTES: usize = 16 << 10;

#[vmos::main]
async fn main(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let mut interfaces = kernel.interfaces();
    let address = interfaces.next().ok_or(Error::new(
        "no second network device: add one with `--nic user`",
    ))?;
    let interface = kernel.interface(address)?;
    let resources = Box::leak(Box::new(StackResources::<4>::new()));
    // Only ports and transaction numbers depend on it.
    let seed = Instant::now().as_ticks();
    let config = Config::dhcpv4(embassy_net::DhcpConfig::default());
    let (stack, runner) = embassy_net::new(interface, config, resources, seed);
    spawner.spawn(run(runner)?);
    stack.wait_config_up().await;
    if let Some(config) = stack.config_v4() {
        println!("ready: embassy-net on {address}, {}", config.address);
    }
    echo(stack).await
}

#[vmos::task]
async fn run(mut runner: Runner<'static, Interface>) {
    runner.run().await;
}

async fn echo(stack: Stack<'static>) -> Result<()> {
    let (mut in_metadata, mut out_metadata) = (
        [PacketMetadata::EMPTY; WAITING],
        [PacketMetadata::EMPTY; WAITING],
    );
    let (mut input, mut output) = (Box::new([0; BYTES]), Box::new([0; BYTES]));
    let mut socket = UdpSocket::new(
        stack,
        &mut in_metadata,
        &mut *input,
        &mut out_metadata,
        &mut *output,
    );
    socket
        .bind(ECHO)
        .map_err(|error| Error::new(alloc::format!("port {ECHO}: {error:?}")))?;
    let mut datagram = [0; 1472];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut datagram).await else {
            continue;
        };
        if let Err(error) = socket.send_to(&datagram[..length], from).await {
            println!("no reply: {error:?}");
        }
    }
}
