//! Connections (RFC 9293).

mod listener;
mod stream;

use core::time::Duration;

use smoltcp::socket::tcp;

use super::buffer::{self, OutOfMemory};

pub use listener::TcpListener;
pub use stream::{ConnectError, TcpError, TcpStream};

/// Bytes in each of a connection's two queues; the receive queue is the window offered to the peer.
pub const TCP_QUEUE: usize = 16 * 1024;

/// Connections that a listener holds until they are accepted, unless another number is asked for.
pub const TCP_BACKLOG: usize = 4;

/// How long a connection may take to come about, in either direction.
pub const TCP_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a peer that owes an acknowledgement may be silent before the connection is given up. A
/// connection with nothing under way lives for ever. RFC 9293, 3.8.3 wants at least 100 seconds; and it
/// must be longer than the longest time between two looks at a peer that takes no more (60 seconds).
pub const TCP_TIMEOUT: Duration = Duration::from_secs(180);

fn socket() -> Result<tcp::Socket<'static>, OutOfMemory> {
    let receive = tcp::SocketBuffer::new(buffer::bytes(TCP_QUEUE)?);
    let send = tcp::SocketBuffer::new(buffer::bytes(TCP_QUEUE)?);
    let mut socket = tcp::Socket::new(receive, send);
    socket.set_timeout(Some(TCP_CONNECT_TIMEOUT.into()));
    Ok(socket)
}
