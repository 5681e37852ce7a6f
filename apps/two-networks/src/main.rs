//! Echoes datagrams and what connections send on all network devices, and sends the first sector of the
//! disk `data`, or else of the first one, to who asks. Connects to the addresses given by `connect=` on
//! the command line, and says which network leads there.
//!
//! `cargo xtask run BOARD --app two-networks --nic user`

#![cfg_attr(target_os = "none", no_std, no_main)]

use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;

use edge_nal::{TcpAccept as _, TcpBind};
use embedded_io_async::{Read as _, Write as _};
use vmos::block::{BlockingDisk, SECTOR_SIZE};
use vmos::devices::NoSuchDisk;
use vmos::net::{Event, Networks};
use vmos::{Kernel, Result, Spawner, println};

/// The port of the echo service (RFC 862).
const ECHO: u16 = 7;
/// The port that answers with the first sector of the disk.
const SECTOR: u16 = 8;
/// The longest time that a read may take.
const LIMIT: Duration = Duration::from_secs(10);

#[vmos::main]
async fn main(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let networks = kernel.networks();
    let socket = networks.udp(ECHO)?;
    spawner.spawn(tell_changes(networks)?);
    spawner.spawn(echo_streams(networks)?);
    // The board file or the command line gives the name.
    let disk = match kernel.disk_by_name("data").await {
        Err(NoSuchDisk::Unnamed | NoSuchDisk::Absent) => kernel.disk(0),
        Ok(disk) => Ok(disk),
    };
    if let Ok(disk) = disk {
        let disk = kernel.blocking(disk).limit(LIMIT);
        spawner.spawn(serve_sector(networks, disk)?);
    }
    if let Some(addresses) = kernel.command_line().value("connect") {
        spawner.spawn(connect(networks, addresses)?);
    }
    loop {
        // The answer leaves by the network on which the datagram arrived.
        if let Err(error) = socket.send_back(socket.receive().await?).await {
            println!("no reply: {error}");
        }
    }
}

/// Says where the service can be reached.
#[vmos::task]
async fn tell_changes(networks: Networks) {
    let mut events = networks.events();
    loop {
        let (network, event) = events.next().await;
        let name = network.name();
        match event {
            Event::Gained(now) | Event::Changed(now) => {
                println!("{name}: UDP echo on port {ECHO} of {now}");
            }
            Event::LinkUp => println!("{name}: link up"),
            Event::LinkDown => println!("{name}: link down"),
            Event::Lost => println!("{name}: address lost"),
            _ => {}
        }
    }
}

/// Echoes what connections of all networks send.
#[vmos::task]
async fn echo_streams(networks: Networks) {
    if let Err(error) = echo(networks).await {
        println!("no TCP echo: {error}");
    }
}

/// Echoes what one connection after the other sends. This is code for any network that edge-nal knows:
/// [`Networks`], one network of them, or [`Kernel::net`].
async fn echo<N: TcpBind>(network: N) -> core::result::Result<(), N::Error> {
    let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), ECHO);
    let listener = network.bind(any).await?;
    let mut piece = [0; 512];
    loop {
        let (peer, mut stream) = listener.accept().await?;
        println!("{peer}: connected to TCP echo");
        while let Ok(length @ 1..) = stream.read(&mut piece).await {
            if stream.write_all(&piece[..length]).await.is_err() {
                break;
            }
        }
    }
}

/// Reads the sector without awaiting, as a crate for file systems does. Meanwhile no task runs, but the
/// kernel answers for both networks.
#[vmos::task]
async fn serve_sector(networks: Networks, disk: BlockingDisk) {
    let Ok(socket) = networks.udp(SECTOR) else {
        return;
    };
    println!("first sector of the disk on UDP port {SECTOR}");
    let mut sector = [0; SECTOR_SIZE];
    loop {
        let Ok(asked) = socket.receive().await else {
            continue;
        };
        let answer = match disk.read(0, &mut sector) {
            Ok(()) => socket.reply(&asked, &sector).await,
            Err(error) => {
                println!("sector 0: {error}");
                continue;
            }
        };
        if let Err(error) = answer {
            println!("no reply: {error}");
        }
    }
}

/// Connects to the addresses, which commas separate, once all networks have an address.
#[vmos::task]
async fn connect(networks: Networks, addresses: &'static str) {
    for network in networks.iter() {
        network.net().configured().await;
    }
    for text in addresses.split(',') {
        let Ok(address) = text.parse::<SocketAddrV4>() else {
            println!("connect={text}: not of the form 10.0.2.2:80");
            continue;
        };
        match networks.tcp_connect(address).await {
            Ok(stream) => {
                let network = networks.of_stream(&stream);
                let name = network.map_or("no network", |network| network.name());
                println!("{address}: connected over {name}");
            }
            Err(error) => println!("{address}: {error}"),
        }
    }
}
