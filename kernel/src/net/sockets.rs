//! Assigns ports to sockets.

use core::ops::RangeInclusive;

use super::error::BindError;
use super::stack::{Inner, Stack};

/// The range of ports to choose from (RFC 6335, 6).
const EPHEMERAL: RangeInclusive<u16> = 49152..=65535;

impl Stack {
    /// Checks that the UDP port is free; 0 selects a free one.
    pub(super) fn claim_udp_port(&self, port: u16) -> Result<u16, BindError> {
        self.claim(port, |inner, port| inner.ports.is_taken(port))
    }

    /// Checks that nobody listens on the TCP port; 0 selects one that no connection uses either.
    pub(super) fn claim_tcp_port(&self, port: u16) -> Result<u16, BindError> {
        let any = port == 0;
        self.claim(port, |inner, port| inner.connections.is_taken(port, any))
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
        // Strangers must not know the next port (RFC 6056, 3.3.1).
        let first = ephemeral(self.number());
        let ports = (first..=*EPHEMERAL.end()).chain(*EPHEMERAL.start()..first);
        let mut free = ports.filter(|port| !taken(inner, *port));
        free.next().ok_or(BindError::NoFreePort)
    }
}

/// Returns the ephemeral port with this number.
fn ephemeral(number: u64) -> u16 {
    let ports = EPHEMERAL.end() - EPHEMERAL.start() + 1;
    EPHEMERAL.start() + (number % u64::from(ports)) as u16
}
