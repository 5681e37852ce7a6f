//! Finds a TCP port or a TAP interface that two options of one command line claim: QEMU could open
//! only the first.

use core::fmt;

use crate::failure::Failure;
use crate::forward::{Forward, Protocol};

use super::Arguments;
use super::connection::Connection;

/// What only one part of a machine can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim<'a> {
    /// A port of this host's loopback address.
    Port(Protocol, u16),
    /// A TAP interface of this host.
    Tap(&'a str),
}

impl Arguments {
    /// Rejects an option that claims a port or an interface that an earlier option claims.
    pub(super) fn check_claims(&self) -> Result<(), Failure> {
        let mut earlier = Vec::new();
        for (option, claim) in self.claims() {
            let twice = earlier.iter().find(|(_, other)| *other == claim);
            if let Some((first, _)) = twice {
                return Err(Failure::usage(format!(
                    "{option}: {claim} is claimed by `{first}` already; name another one"
                )));
            }
            earlier.push((option, claim));
        }
        Ok(())
    }

    /// Returns whether an option claims this port.
    pub(super) fn claims_port(&self, protocol: Protocol, port: u16) -> bool {
        let claim = Claim::Port(protocol, port);
        self.claims().any(|(_, other)| other == claim)
    }

    /// Returns the network connections, the first interface first, each with its option.
    pub(super) fn connections(&self) -> impl Iterator<Item = (&'static str, &Connection)> {
        let first = self.net.iter().map(|connection| ("--net", connection));
        let more = self.nic.iter().map(|connection| ("--nic", connection));
        first.chain(more)
    }

    /// Returns everything that the options claim, each with its option as the user wrote it.
    fn claims(&self) -> impl Iterator<Item = (String, Claim<'_>)> {
        let connections = self.connections().filter_map(|(option, connection)| {
            let claim = match connection {
                Connection::Listen(port) => Claim::Port(Protocol::Tcp, *port),
                Connection::Tap(name) => Claim::Tap(name),
                Connection::User | Connection::Connect(_) | Connection::Unconnected => return None,
            };
            Some((format!("{option} {connection}"), claim))
        });
        let forwards = self.forward.iter().map(|forward| {
            let Forward { protocol, host, .. } = *forward;
            (format!("--forward {forward}"), Claim::Port(protocol, host))
        });
        let debugger = self
            .gdb
            .map(|port| (format!("--gdb {port}"), Claim::Port(Protocol::Tcp, port)));
        connections.chain(forwards).chain(debugger)
    }
}

impl fmt::Display for Claim<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(protocol, port) => write!(formatter, "{protocol} port {port}"),
            Self::Tap(name) => write!(formatter, "the TAP interface {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn arguments(options: &str) -> Arguments {
        let words = ["xtask", "board"].into_iter();
        Line::parse_from(words.chain(options.split_whitespace())).arguments
    }

    #[test]
    fn a_port_or_a_tap_interface_is_claimed_once() {
        for (options, claim, first) in [
            (
                "--net socket=listen:9123 --nic socket=listen:9123",
                "--nic socket=listen:9123: tcp port 9123",
                "--net socket=listen:9123",
            ),
            (
                "--gdb 9123 --nic socket=listen:9123",
                "--gdb 9123: tcp port 9123",
                "--nic socket=listen:9123",
            ),
            (
                "--forward tcp:9123:7 --gdb 9123",
                "--gdb 9123: tcp port 9123",
                "--forward tcp:9123:7",
            ),
            (
                "--nic socket=listen:1234 --gdb",
                "--gdb 1234: tcp port 1234",
                "--nic socket=listen:1234",
            ),
            (
                "--net tap=tap7 --nic tap=tap7",
                "--nic tap=tap7: the TAP interface tap7",
                "--net tap=tap7",
            ),
        ] {
            let said = arguments(options).check_claims().unwrap_err().to_string();
            let expected = format!("{claim} is claimed by `{first}` already");
            assert!(said.starts_with(&expected), "{options}: {said}");
        }
    }

    #[test]
    fn different_claims_are_accepted() {
        for options in [
            "--net socket=listen:9123 --nic socket=listen:9124 --gdb 9125",
            "--net socket=listen:9123 --nic socket=connect:9123",
            "--nic socket=connect:9123 --nic socket=connect:9123",
            "--forward udp:9123:7 --forward tcp:9124:7 --gdb 9123",
            "--net tap=tap7 --nic tap=tap8 --nic none --nic none --nic user",
        ] {
            assert!(arguments(options).check_claims().is_ok(), "{options}");
        }
    }

    #[test]
    fn a_claimed_port_is_known_by_its_protocol() {
        let arguments = arguments("--gdb 9123 --forward udp:9124:7");
        assert!(arguments.claims_port(Protocol::Tcp, 9123));
        assert!(!arguments.claims_port(Protocol::Udp, 9123));
        assert!(arguments.claims_port(Protocol::Udp, 9124));
        assert!(!arguments.claims_port(Protocol::Tcp, 9125));
    }
}
