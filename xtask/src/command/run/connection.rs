//! The connection of a network interface, as in `--net` and `--nic`.

use core::error::Error;
use core::fmt;
use core::str::FromStr;

use crate::forward::Forward;
use crate::qemu::{GUEST_ADDRESS, Network};

/// The connection of a network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Connection {
    /// QEMU's user network, with forwarded ports.
    User,
    /// A TAP interface of the host.
    Tap(String),
    /// A TCP port on which QEMU waits for another machine.
    Listen(u16),
    /// A TCP port on which another machine waits.
    Connect(u16),
    /// The interface is not connected.
    Unconnected,
}

impl Connection {
    /// Returns the connection for QEMU, with ports forwarded to a machine with this address.
    pub(super) fn network(&self, address: &str, forwards: Vec<Forward>) -> Network {
        match self {
            Self::User => Network::User {
                ipv6: true,
                address: address.to_owned(),
                forwards,
            },
            Self::Tap(name) => Network::Tap(name.clone()),
            Self::Listen(port) => Network::Listen(*port),
            Self::Connect(port) => Network::Connect(*port),
            Self::Unconnected => Network::Unconnected,
        }
    }

    /// Returns the connection for QEMU, without forwarded ports.
    pub(super) fn further_network(&self) -> Network {
        self.network(GUEST_ADDRESS, Vec::new())
    }
}

impl fmt::Display for Connection {
    /// Writes the text that is parsed as this connection.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User => formatter.write_str("user"),
            Self::Tap(name) => write!(formatter, "tap={name}"),
            Self::Listen(port) => write!(formatter, "socket=listen:{port}"),
            Self::Connect(port) => write!(formatter, "socket=connect:{port}"),
            Self::Unconnected => formatter.write_str("none"),
        }
    }
}

impl FromStr for Connection {
    type Err = NotAConnection;

    fn from_str(text: &str) -> Result<Self, NotAConnection> {
        let port = |text: &str| text.parse().ok().filter(|&port| port != 0);
        match text.split_once('=') {
            None if text == "user" => Some(Self::User),
            None if text == "none" => Some(Self::Unconnected),
            Some(("tap", name)) if !name.is_empty() => Some(Self::Tap(name.to_owned())),
            Some(("socket", end)) => match end.split_once(':') {
                Some(("listen", number)) => port(number).map(Self::Listen),
                Some(("connect", number)) => port(number).map(Self::Connect),
                _ => None,
            },
            _ => None,
        }
        .ok_or(NotAConnection)
    }
}

/// The text is not a valid connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAConnection;

impl fmt::Display for NotAConnection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "expected `user` for QEMU's own network, `tap=NAME` for a TAP interface of this host, \
             `socket=listen:PORT` or `socket=connect:PORT` for another machine, or `none`",
        )
    }
}

impl Error for NotAConnection {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_is_parsed() {
        for (text, expected) in [
            ("user", Connection::User),
            ("none", Connection::Unconnected),
            ("tap=tap0", Connection::Tap("tap0".to_owned())),
            ("socket=listen:9000", Connection::Listen(9000)),
            ("socket=connect:9000", Connection::Connect(9000)),
        ] {
            assert_eq!(expected.to_string(), text);
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn any_other_text_is_rejected() {
        for text in [
            "",
            "tap",
            "tap=",
            "usr",
            "socket=9000",
            "socket=listen:0",
            "user=1",
        ] {
            assert_eq!(text.parse::<Connection>(), Err(NotAConnection), "{text}");
        }
    }
}
