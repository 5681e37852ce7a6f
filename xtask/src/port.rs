//! The ports of this host's loopback address.

use core::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// The files in which Linux lists its TCP sockets.
const SOCKETS: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// A protocol with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

/// Why this program cannot open a port.
#[derive(Debug)]
pub enum Refusal {
    /// Another program uses it.
    Used,
    /// This user may not open it: on Linux, the ports below 1024 are root's.
    Forbidden,
    /// The system gives another reason.
    Other(io::Error),
}

/// Returns why this program cannot open a port of the loopback address; `None` if it can.
#[must_use]
pub fn why_not_free(protocol: Protocol, port: u16) -> Option<Refusal> {
    let address = (Ipv4Addr::LOCALHOST, port);
    let opened = match protocol {
        Protocol::Udp => UdpSocket::bind(address).map(drop),
        Protocol::Tcp => TcpListener::bind(address).map(drop),
    };
    opened.err().map(Refusal::from)
}

/// Returns whether a program waits on this TCP port of the loopback address. Opens no connection:
/// the program may accept only one.
#[must_use]
pub fn is_listened_on(port: u16) -> bool {
    match why_not_free(Protocol::Tcp, port) {
        None => false,
        Some(Refusal::Used) => true,
        Some(Refusal::Forbidden | Refusal::Other(_)) => SOCKETS.iter().any(|file| {
            let sockets = fs::read_to_string(file).unwrap_or_default();
            sockets.lines().any(|line| is_listener(line, port))
        }),
    }
}

/// Returns whether a line of [`SOCKETS`] is a socket that waits on this port of the loopback
/// address or of every address.
fn is_listener(line: &str, port: u16) -> bool {
    // 0: 0100007F:23A3 00000000:0000 0A ..; 0A is `TCP_LISTEN` in `net/tcp_states.h`.
    let mut words = line.split_whitespace();
    let (local, state) = (words.nth(1), words.nth(1));
    let Some((address, number)) = local.and_then(|local| local.rsplit_once(':')) else {
        return false;
    };
    // 127.0.0.1 is written in the order of bytes of this host.
    let is_reached = address.bytes().all(|digit| digit == b'0')
        || address.ends_with("0100007F")
        || address.ends_with("7F000001");
    state == Some("0A") && is_reached && u16::from_str_radix(number, 16) == Ok(port)
}

impl fmt::Display for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        })
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::AddrInUse => Self::Used,
            ErrorKind::PermissionDenied => Self::Forbidden,
            _ => Self::Other(error),
        }
    }
}

impl fmt::Display for Refusal {
    /// Completes a sentence that starts with the port.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Used => formatter.write_str("is used by another program"),
            Self::Forbidden => formatter.write_str("can be opened only by root"),
            Self::Other(error) => write!(formatter, "cannot be opened: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_port_is_told_from_a_forbidden_one() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let refusal = why_not_free(Protocol::Tcp, port);
        assert!(matches!(refusal, Some(Refusal::Used)), "{refusal:?}");
        assert!(is_listened_on(port));
        drop(taken);
        assert!(why_not_free(Protocol::Tcp, port).is_none());
        assert!(!is_listened_on(port));
        let forbidden = Refusal::from(io::Error::from(ErrorKind::PermissionDenied));
        assert!(forbidden.to_string().contains("only by root"));
    }

    #[test]
    fn a_listener_is_found_in_the_list_of_sockets() {
        for line in [
            "   0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0",
            "   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0",
            "   2: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0",
        ] {
            assert!(is_listener(line, 80), "{line}");
            assert!(!is_listener(line, 81), "{line}");
        }
        for line in [
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt",
            "   3: 0100007F:0050 0100007F:B99E 01 00000000:00000000 00:00000000 00000000 0",
            "   4: 0200A8C0:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0",
            "",
        ] {
            assert!(!is_listener(line, 80), "{line}");
        }
    }
}
