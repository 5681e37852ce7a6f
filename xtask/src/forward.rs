//! Port forwards from the host to the machine.

use core::error::Error;
use core::fmt;
use core::str::FromStr;

use crate::port::{self, Refusal};

pub use crate::port::Protocol;

/// The port of telnet (RFC 854).
const TELNET: u16 = 23;
/// The port of HTTP (RFC 9110, 4.2.1).
const HTTP: u16 = 80;

/// A port of the machine, and the port of the host's loopback address that is forwarded to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The protocol of the forward.
    pub protocol: Protocol,
    /// The port on the host's loopback address.
    pub host: u16,
    /// The port on the machine.
    pub guest: u16,
}

impl Forward {
    /// Returns whether the host port is free now.
    #[must_use]
    pub fn is_free(&self) -> bool {
        port::why_not_free(self.protocol, self.host).is_none()
    }

    /// Returns the same forward with the first of its [free ports](Self::free_ports).
    #[must_use]
    pub fn at_a_free_port(self) -> Option<Self> {
        self.free_ports().next()
    }

    /// Returns the same forward with each host port that is free, of this one and the next 99. If
    /// only root may open its port, the ports 8000 higher are tried.
    pub fn free_ports(self) -> impl Iterator<Item = Self> {
        let first = match port::why_not_free(self.protocol, self.host) {
            Some(Refusal::Forbidden) => self.host.saturating_add(8000),
            _ => self.host,
        };
        (first..=first.saturating_add(99))
            .map(move |host| Self { host, ..self })
            .filter(Self::is_free)
    }

    /// Returns whether both need the same port of the host.
    #[must_use]
    pub fn is_at_the_port_of(&self, other: &Self) -> bool {
        (self.protocol, self.host) == (other.protocol, other.host)
    }

    /// Returns a shell command that tries the forward, with a client of what is usually served at the
    /// machine's port.
    #[must_use]
    pub fn line_to_try(&self) -> String {
        let Self { host, guest, .. } = self;
        match (self.protocol, *guest) {
            (Protocol::Udp, _) => format!("echo hello | nc -u -w1 127.0.0.1 {host}"),
            (Protocol::Tcp, TELNET) => format!("telnet 127.0.0.1 {host}"),
            (Protocol::Tcp, HTTP) => format!("curl http://127.0.0.1:{host}/"),
            (Protocol::Tcp, _) => format!("nc 127.0.0.1 {host}"),
        }
    }
}

impl fmt::Display for Forward {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.protocol, self.host, self.guest)
    }
}

impl FromStr for Forward {
    type Err = NotAForward;

    /// Parses `udp:8007:7`: protocol, host port, machine port.
    fn from_str(text: &str) -> Result<Self, NotAForward> {
        let parts: Vec<_> = text.split(':').collect();
        let &[protocol, host, guest] = parts.as_slice() else {
            return Err(NotAForward);
        };
        let protocol = match protocol {
            "udp" => Protocol::Udp,
            "tcp" => Protocol::Tcp,
            _ => return Err(NotAForward),
        };
        let port = |text: &str| {
            text.parse()
                .ok()
                .filter(|&port| port != 0)
                .ok_or(NotAForward)
        };
        Ok(Self {
            protocol,
            host: port(host)?,
            guest: port(guest)?,
        })
    }
}

/// The error for text that is not a forward.
#[derive(Debug, PartialEq, Eq)]
pub struct NotAForward;

impl fmt::Display for NotAForward {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "expected protocol, host port and machine port, such as `udp:8007:7` or \
             `tcp:8080:80`; ports are 1 to 65535",
        )
    }
}

impl Error for NotAForward {}

/// The error for a host port that cannot be opened.
#[derive(Debug, PartialEq, Eq)]
pub struct PortTaken(pub Forward);

impl fmt::Display for PortTaken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Forward {
            protocol,
            host,
            guest,
        } = self.0;
        // The other program may have ended meanwhile.
        let why = port::why_not_free(protocol, host).unwrap_or(Refusal::Used);
        write!(formatter, "{protocol} port {host} of 127.0.0.1 {why}")?;
        match self.0.at_a_free_port() {
            Some(Forward { host, .. }) => write!(
                formatter,
                "\n  this port is free: `--forward {protocol}:{host}:{guest}`"
            ),
            None => write!(
                formatter,
                "\n  the next hundred ports are not free either; choose another one"
            ),
        }
    }
}

impl Error for PortTaken {}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};

    use super::*;

    #[test]
    fn a_forward_reads_back_as_written() {
        assert_eq!(
            "udp:8007:7".parse::<Forward>().unwrap().to_string(),
            "udp:8007:7"
        );
    }

    #[test]
    fn a_forward_is_tried_with_a_client_of_what_is_served() {
        let line = |text: &str| text.parse::<Forward>().unwrap().line_to_try();
        assert_eq!(line("udp:8007:7"), "echo hello | nc -u -w1 127.0.0.1 8007");
        assert_eq!(line("tcp:8007:7"), "nc 127.0.0.1 8007");
        assert_eq!(line("tcp:8023:23"), "telnet 127.0.0.1 8023");
        assert_eq!(line("tcp:8081:80"), "curl http://127.0.0.1:8081/");
    }

    #[test]
    fn port_zero_is_rejected() {
        assert_eq!("udp:0:7".parse::<Forward>(), Err(NotAForward));
    }

    #[test]
    fn a_port_too_large_is_rejected() {
        assert_eq!("tcp:65536:7".parse::<Forward>(), Err(NotAForward));
    }

    #[test]
    fn a_used_port_is_skipped() {
        let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let host = taken.local_addr().unwrap().port();
        let forward = Forward {
            protocol: Protocol::Udp,
            host,
            guest: 7,
        };
        let free = forward.at_a_free_port();
        assert!(
            free.is_none_or(|free| free.host > host && free.guest == 7),
            "{free:?}"
        );
    }
}
