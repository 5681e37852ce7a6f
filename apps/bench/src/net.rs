//! The network services whose rate another machine measures: echo, discard and character generator.

use core::net::Ipv4Addr;

use embassy_futures::poll_once;
use embedded_io_async::{Read as _, Write as _};
use vmos::net::{Ip, Ipv4Cidr, Net, TcpError, TcpListener, TcpStream, UdpSocket};
use vmos::{Kernel, Result, Spawner};

mod crowd;

/// The address if the command line has no `ip=`.
const ADDRESS: Ip = Ip::Static {
    address: Ipv4Cidr::new(Ipv4Addr::new(10, 0, 2, 15), 24),
    gateway: None,
    dns: [None; 3],
};

/// The UDP and TCP port of echo (RFC 862).
const ECHO: u16 = 7;
/// The UDP and TCP port of discard (RFC 863).
const DISCARD: u16 = 9;
/// The TCP port of the character generator (RFC 864).
const CHARGEN: u16 = 19;

/// The largest number of TCP connections; further ones are closed immediately.
const CONNECTIONS: usize = 64;
/// The size of a read or write of a connection, in bytes.
const PIECE: usize = 2048;

/// Starts every service. When this returns, every service accepts requests.
pub(crate) async fn serve(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let net = kernel.net()?;
    if kernel.command_line().value("ip").is_none() {
        net.configure(ADDRESS);
    }
    spawner.spawn(echo_datagrams(net.udp(ECHO)?)?);
    spawner.spawn(discard_datagrams(net.udp(DISCARD)?)?);
    crowd::open(kernel, spawner, net)?;
    for service in [Service::Echo, Service::Discard, Service::Chargen] {
        spawner.spawn(accept(spawner, service.listen(net)?, service)?);
    }
    net.configured().await;
    Ok(())
}

/// Echoes each datagram in the buffer that it arrived in. A reply that cannot be sent is dropped,
/// as the network may drop any datagram.
#[vmos::task]
async fn echo_datagrams(socket: UdpSocket) {
    loop {
        if let Ok(datagram) = socket.receive().await {
            let _ = socket.send_back(datagram).await;
        }
    }
}

#[vmos::task]
async fn discard_datagrams(socket: UdpSocket) {
    loop {
        let _ = socket.receive().await;
    }
}

/// The service that a TCP port provides to each connection.
#[derive(Clone, Copy)]
enum Service {
    Echo,
    Discard,
    Chargen,
}

impl Service {
    fn listen(self, net: Net) -> Result<TcpListener> {
        let port = match self {
            Self::Echo => ECHO,
            Self::Discard => DISCARD,
            Self::Chargen => CHARGEN,
        };
        Ok(net.tcp_listen(port)?)
    }
}

/// Accepts connections on a port, each served by its own task.
#[vmos::task(pool_size = 3)]
async fn accept(spawner: Spawner, listener: TcpListener, service: Service) {
    loop {
        // If there are no more sockets or tasks, wait until connections end.
        match listener.accept().await {
            Ok(stream) => {
                if let Ok(task) = connection(stream, service) {
                    spawner.spawn(task);
                }
            }
            Err(_) => vmos::time::Timer::after_millis(10).await,
        }
    }
}

#[vmos::task(pool_size = CONNECTIONS)]
async fn connection(mut stream: TcpStream, service: Service) {
    // A connection that the peer resets has ended, like one that it closes.
    let _ = match service {
        Service::Echo => echo(&mut stream).await,
        Service::Discard => discard(&mut stream).await,
        Service::Chargen => chargen(&mut stream).await,
    };
}

/// Echoes what the peer sends, until the peer closes its side.
async fn echo(stream: &mut TcpStream) -> Result<(), TcpError> {
    let mut piece = [0; PIECE];
    loop {
        match stream.read(&mut piece).await? {
            0 => return Ok(()),
            length => stream.write_all(&piece[..length]).await?,
        }
    }
}

/// Discards what the peer sends, until the peer closes its side.
async fn discard(stream: &mut TcpStream) -> Result<(), TcpError> {
    while stream.read_with(|bytes| (bytes.len(), bytes.len())).await? > 0 {}
    Ok(())
}

/// Sends the pattern until the peer closes its side; discards what the peer sends.
async fn chargen(stream: &mut TcpStream) -> Result<(), TcpError> {
    let mut position = 0;
    loop {
        // A cancelled read has consumed nothing, so it can be retried each time.
        let read = stream.read_with(|bytes| (bytes.len(), bytes.len()));
        if let core::task::Poll::Ready(read) = poll_once(read)
            && read? == 0
        {
            return Ok(());
        }
        position += stream.write(&PATTERN[position..]).await?;
        if position == PATTERN.len() {
            position = 0;
        }
    }
}

/// The number of printing characters of ASCII.
const PRINTING: usize = 95;
/// The number of characters in a line of the pattern, without the line end.
const CHARACTERS: usize = 72;
/// The number of bytes in a line of the pattern, with carriage return and line feed.
const LINE: usize = CHARACTERS + 2;

/// The pattern of RFC 864, repeated without end: lines of 72 printing characters, each starting one
/// character later than the previous one.
static PATTERN: [u8; PRINTING * LINE] = pattern();

const fn pattern() -> [u8; PRINTING * LINE] {
    let mut pattern = [0; PRINTING * LINE];
    let mut position = 0;
    while position < pattern.len() {
        let (line, column) = (position / LINE, position % LINE);
        pattern[position] = match column {
            CHARACTERS => b'\r',
            column if column > CHARACTERS => b'\n',
            column => b' ' + ((line + column) % PRINTING) as u8,
        };
        position += 1;
    }
    pattern
}
