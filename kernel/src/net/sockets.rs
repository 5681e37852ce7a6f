//! Making sockets: how many there may be, and which port is free.

use core::ops::RangeInclusive;

use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::State;
use smoltcp::socket::{AnySocket, Socket};

use super::error::BindError;
use super::stack::{Inner, Stack};

/// The most sockets at a time, those included that a listener keeps for connections to come. Every
/// frame is held against each of them.
pub const SOCKETS: usize = 64;

/// The ports for whoever does not care which (RFC 6335, 6).
const EPHEMERAL: RangeInclusive<u16> = 49152..=65535;

impl Stack {
    /// Puts a socket into the set.
    pub(super) fn add<S: AnySocket<'static>>(&self, socket: S) -> Result<SocketHandle, BindError> {
        let inner = &mut *self.inner.borrow_mut();
        inner.closing.reap(&mut inner.sockets);
        if inner.sockets.iter().count() >= SOCKETS {
            inner.closing.hurry(&mut inner.sockets);
        }
        if inner.sockets.iter().count() >= SOCKETS {
            return Err(BindError::TooManySockets);
        }
        Ok(inner.sockets.add(socket))
    }

    /// Checks that the UDP port is free; 0 asks for any.
    pub(super) fn claim_udp_port(&self, port: u16) -> Result<u16, BindError> {
        self.claim(port, |inner, port| inner.ports.is_taken(port))
    }

    /// Checks that no one listens on the TCP port; 0 asks for one that has no connection either.
    pub(super) fn claim_tcp_port(&self, port: u16) -> Result<u16, BindError> {
        let any = port == 0;
        self.claim(port, |inner, port| {
            inner.sockets.iter().any(|(_, socket)| match socket {
                Socket::Tcp(tcp) => {
                    let listens = matches!(tcp.state(), State::Listen | State::SynReceived);
                    listens && tcp.listen_endpoint().port == port
                        || any && tcp.local_endpoint().is_some_and(|local| local.port == port)
                }
                _ => false,
            })
        })
    }

    fn claim(&self, port: u16, taken: impl Fn(&Inner, u16) -> bool) -> Result<u16, BindError> {
        let inner = &*self.inner.borrow();
        if port != 0 {
            return if taken(inner, port) {
                Err(BindError::PortTaken(port))
            } else {
                Ok(port)
            };
        }
        for _ in EPHEMERAL {
            let port = self.ephemeral.get();
            let next = if port == *EPHEMERAL.end() {
                *EPHEMERAL.start()
            } else {
                port + 1
            };
            self.ephemeral.set(next);
            if !taken(inner, port) {
                return Ok(port);
            }
        }
        Err(BindError::NoFreePort)
    }
}

/// The first port to give out, so that each boot begins elsewhere.
pub(super) fn first_port(seed: u64) -> u16 {
    let ports = EPHEMERAL.end() - EPHEMERAL.start() + 1;
    EPHEMERAL.start() + (seed % u64::from(ports)) as u16
}
