//! Which port a socket gets.

use core::ops::RangeInclusive;

use super::error::BindError;
use super::stack::{Inner, Stack};

/// The ports for whoever does not care which (RFC 6335, 6).
const EPHEMERAL: RangeInclusive<u16> = 49152..=65535;

impl Stack {
    /// Checks that the UDP port is free; 0 asks for any.
    pub(super) fn claim_udp_port(&self, port: u16) -> Result<u16, BindError> {
        self.claim(port, |inner, port| inner.ports.is_taken(port))
    }

    /// Checks that no one listens on the TCP port; 0 asks for one that has no connection either.
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
