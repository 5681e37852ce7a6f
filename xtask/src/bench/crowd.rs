//! Measures how the cost of an operation depends on the number of open ports, connections and
//! pending timers.

use super::counting::{self, Costs};
use super::operation::Service;
use super::running::Start;
use super::watch::Watch;
use crate::guest::outcome::Outcome;

/// A load on the machine, and the operations to count under it, with the keys of their figures.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// The words for the command line.
    pub words: &'static str,
    /// The operations, with the keys of their figures.
    pub services: &'static [(&'static str, Service)],
}

/// Many sockets: the echo port is one of 60 (the most besides listeners), and the measured
/// connection one of 64.
pub const SOCKETS: [Crowd; 2] = [
    Crowd {
        words: "ports=58",
        services: &[("udp-60-ports", Service::Datagram)],
    },
    Crowd {
        words: "",
        services: &[("tcp-echo-64", Service::TcpEchoAmong(63))],
    },
];

/// Timers, few and many.
pub const TIMERS: [Crowd; 2] = [
    Crowd {
        words: "pending=10",
        services: &[("later-10", Service::DatagramLater)],
    },
    Crowd {
        words: "pending=100000",
        services: &[("later-100000", Service::DatagramLater)],
    },
];

impl Crowd {
    /// Starts a machine with this load, and counts the operations.
    ///
    /// # Errors
    /// The machine does not start, or does not answer.
    pub fn count(&self, start: &Start<'_>) -> Outcome<Costs> {
        let append = format!("{} {}", self.words, start.append);
        let start = Start {
            append: append.trim(),
            ..*start
        };
        let mut running = start.wired()?;
        running.ready()?;
        counting::warm_up(&mut running)?;
        let (counter, link) = running.parts()?;
        let mut watch = Watch::new(counter, false);
        let mut costs = Costs::new();
        for (key, service) in self.services {
            costs.push((key, service.cost(&mut watch, link)?));
        }
        Ok(costs)
    }
}
