//! Resolves names by the Domain Name System (RFC 1035).

#[cfg(feature = "ipv6")]
mod both;
pub(super) mod message;

#[cfg(feature = "ipv6")]
pub use self::both::Addresses;

use core::fmt;
use core::future::{Future, poll_fn};
use core::net::{Ipv4Addr, SocketAddrV4};
use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;

use self::message::{Answer, Found, MESSAGE, Version};
use super::configuration::NAME_SERVERS;
use super::stack::Stack;
use super::udp::UdpSocket;
use super::{BindError, Net, Queue, SendError};

/// The port of a name server.
const PORT: u16 = 53;
/// The number of unanswered requests after which a server counts as silent.
const TRIES: usize = 2;
/// The time to wait for each answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The queue sizes of the socket for a request and its answers.
const QUEUE: Queue = Queue {
    datagrams: 4,
    bytes: 4 * MESSAGE,
};

/// The reason why a name was not resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// The name is not valid: a label is empty or longer than 63 bytes, or the name is longer than
    /// 253 bytes.
    NotAName,
    /// The name does not exist or has no address of the requested version.
    Unknown,
    /// The configuration has no name server.
    NoServer,
    /// No server answered.
    NoAnswer,
    /// All servers that answered reported a failure.
    ServerFailed,
    /// No socket could be opened.
    Socket(BindError),
    /// The request could not be sent.
    Send(SendError),
}

impl fmt::Display for ResolveError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAName => {
                "not a name: it is empty, too long, or a part of it is empty or over 63 bytes"
            }
            Self::Unknown => "there is no address by this name",
            Self::NoServer => {
                "no name server is known: DHCP names them, or ip=ADDRESS/PREFIX,GATEWAY,SERVER on the \
                 command line"
            }
            Self::NoAnswer => "no name server answered",
            Self::ServerFailed => "all name servers reported a failure",
            Self::Socket(error) => return write!(f, "asking a name server: {error}"),
            Self::Send(error) => return write!(f, "asking a name server: {error}"),
        })
    }
}

impl core::error::Error for ResolveError {}

impl Net {
    /// Returns the first IPv4 address of a name. Asks the name servers of the configuration in
    /// turn; with the feature `ipv6`, those of IPv6 after those of IPv4. An address in place of a
    /// name is returned as it is. Results are not cached.
    ///
    /// # Errors
    ///
    /// If the name has no address, or no server could be asked.
    ///
    /// ```no_run
    /// # use vmos::{Kernel, Result};
    /// # async fn example(kernel: Kernel) -> Result<()> {
    /// let net = kernel.net()?;
    /// net.configured().await;
    /// let address = net.resolve("example.org").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn resolve(&self, name: &str) -> Result<Ipv4Addr, ResolveError> {
        if let Ok(address) = name.parse() {
            return Ok(address);
        }
        let found = self.look_up(name).await?;
        let mut found = found.into_iter().flatten();
        found.next().ok_or(ResolveError::Unknown)
    }

    /// Asks the name servers in turn for the addresses of one version.
    async fn look_up<V: Version>(&self, name: &str) -> Result<Found<V>, ResolveError> {
        let mut outcome = ResolveError::NoServer;
        for server in self.name_servers() {
            let server = SocketAddrV4::new(server, PORT);
            for _ in 0..TRIES {
                match ask(self.stack, server, name).await {
                    Err(ResolveError::NoAnswer) => outcome = ResolveError::NoAnswer,
                    Err(ResolveError::ServerFailed) => {
                        outcome = ResolveError::ServerFailed;
                        break;
                    }
                    Err(ResolveError::Send(error)) => {
                        outcome = ResolveError::Send(error);
                        break;
                    }
                    known => return known,
                }
            }
        }
        Err(outcome)
    }

    /// Returns the name servers in order of preference: those of IPv4, then those of IPv6.
    fn name_servers(&self) -> impl Iterator<Item = Ipv4Addr> + use<> {
        let servers = self
            .configuration()
            .map_or([None; NAME_SERVERS], |it| it.dns);
        let servers = servers.into_iter().flatten();
        #[cfg(feature = "ipv6")]
        let servers = servers.chain(self.ipv6_name_servers());
        servers
    }
}

/// Asks one server once. The port and the number of the request are unpredictable, so that nobody
/// can forge the server's answer (RFC 5452).
async fn ask<V: Version>(
    stack: &'static Stack,
    server: SocketAddrV4,
    name: &str,
) -> Result<Found<V>, ResolveError> {
    let id = stack.number() as u16;
    let mut question = [0; MESSAGE];
    let question = message::question::<V>(&mut question, id, name).ok_or(ResolveError::NotAName)?;
    let asking = Asking {
        stack,
        socket: UdpSocket::bind(stack, 0, QUEUE, QUEUE).map_err(ResolveError::Socket)?,
        deadline: stack.time().saturating_add(PATIENCE.as_nanos() as u64),
    };
    let sent = asking.socket.send_to(question, server).await;
    sent.map_err(ResolveError::Send)?;
    poll_fn(|context| asking.poll(context, server, question)).await
}

/// A request without an answer. Dropping it cancels its alarm.
struct Asking {
    stack: &'static Stack,
    socket: UdpSocket,
    /// The deadline of the request, in nanoseconds.
    deadline: u64,
}

impl Asking {
    fn poll<V: Version>(
        &self,
        context: &mut Context<'_>,
        server: SocketAddrV4,
        question: &[u8],
    ) -> Poll<Result<Found<V>, ResolveError>> {
        while let Poll::Ready(received) = pin!(self.socket.receive()).poll(context) {
            let Ok(datagram) = received else { continue };
            if datagram.source() != server {
                continue;
            }
            match message::answer(datagram.payload(), question) {
                Some(Answer::Found(found)) => return Poll::Ready(Ok(found)),
                Some(Answer::Unknown) => return Poll::Ready(Err(ResolveError::Unknown)),
                Some(Answer::Failure) => return Poll::Ready(Err(ResolveError::ServerFailed)),
                None => {}
            }
        }
        if self.stack.time() >= self.deadline {
            return Poll::Ready(Err(ResolveError::NoAnswer));
        }
        let mut alarms = self.stack.alarms.borrow_mut();
        if !alarms.set(self.socket.id(), self.deadline, context.waker()) {
            return Poll::Ready(Err(ResolveError::Socket(BindError::OutOfMemory)));
        }
        self.stack.set_alarm(alarms.next());
        Poll::Pending
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut alarms = self.stack.alarms.borrow_mut();
        alarms.cancel(self.socket.id());
        self.stack.set_alarm(alarms.next());
    }
}
