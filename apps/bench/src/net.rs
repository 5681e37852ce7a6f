//! The services that somebody outside measures: echo, discard and character generator.

use embassy_futures::poll_once;
use embedded_io_async::{Read as _, Write as _};
use vmos::net::{Ip, Net, TcpError, TcpListener, TcpStream, UdpSocket};
use vmos::{Kernel, Result, Spawner};

mod crowd;

/// The address where the command line has no `ip=`.
const ADDRESS: &str = "10.0.2.15/24";

/// RFC 862.
const ECHO: u16 = 7;
/// RFC 863.
const DISCARD: u16 = 9;
/// RFC 864.
const CHARGEN: u16 = 19;

/// The most TCP connections at a time; one more is closed as soon as it is made.
const CONNECTIONS: usize = 64;
/// How much is read from or written to a connection in one go, in bytes.
const PIECE: usize = 2048;

/// Starts every service. Each answers when this returns.
pub(crate) async fn serve(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let net = kernel.net()?;
    if kernel.command_line().value("ip").is_none() {
        net.configure(ADDRESS.parse::<Ip>()?);
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

/// Sends every datagram back in the buffer that it came in. A reply that cannot be sent is the
/// peer's to miss, as a datagram always is.
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

/// What is done with a connection.
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

/// Gives every connection a task of its own.
#[vmos::task(pool_size = 3)]
async fn accept(spawner: Spawner, listener: TcpListener, service: Service) {
    loop {
        // Where sockets or tasks are short, the connections that there are go first.
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
    // A peer that breaks its connection has ended it, like one that closes it.
    let _ = match service {
        Service::Echo => echo(&mut stream).await,
        Service::Discard => discard(&mut stream).await,
        Service::Chargen => chargen(&mut stream).await,
    };
}

/// Until the peer writes no more.
async fn echo(stream: &mut TcpStream) -> Result<(), TcpError> {
    let mut piece = [0; PIECE];
    loop {
        match stream.read(&mut piece).await? {
            0 => return Ok(()),
            length => stream.write_all(&piece[..length]).await?,
        }
    }
}

/// Until the peer writes no more.
async fn discard(stream: &mut TcpStream) -> Result<(), TcpError> {
    while stream.read_with(|bytes| (bytes.len(), bytes.len())).await? > 0 {}
    Ok(())
}

/// Until the peer closes. What it writes meanwhile is thrown away.
async fn chargen(stream: &mut TcpStream) -> Result<(), TcpError> {
    let mut position = 0;
    loop {
        // A read that is given up took nothing, so there is no harm in trying each time.
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

/// The printing characters of ASCII.
const PRINTING: usize = 95;
/// Characters in a line of the pattern, and bytes with the end of the line.
const CHARACTERS: usize = 72;
const LINE: usize = CHARACTERS + 2;

/// The pattern of RFC 864, which repeats after this: lines of 72 printing characters, each begun one
/// character further on than the one before.
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
