//! The figures that are measured, with their names, units and directions.

use std::collections::BTreeMap;

/// A figure: a measured property of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The figure's name in files and on the command line.
    pub key: &'static str,
    /// The figure's name in tables.
    pub title: &'static str,
    /// How the figure is measured.
    pub kind: Kind,
}

/// How a figure is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An instruction count that repeats within 0.3 % on every host. Lower is better.
    Count,
    /// An instruction count that depends on how many requests arrive together. Lower is better.
    Batch,
    /// A duration measured by a clock. Lower is better.
    Time,
    /// A rate measured by a clock. Higher is better.
    Rate,
}

impl Kind {
    /// Returns whether a higher value is better.
    #[must_use]
    pub fn more_is_better(self) -> bool {
        self == Self::Rate
    }
}

/// Values of figures, by key.
pub type Values = BTreeMap<&'static str, f64>;

const fn count(key: &'static str, title: &'static str) -> Figure {
    let kind = Kind::Count;
    Figure { key, title, kind }
}

const fn batch(key: &'static str, title: &'static str) -> Figure {
    let kind = Kind::Batch;
    Figure { key, title, kind }
}

const fn time(key: &'static str, title: &'static str) -> Figure {
    let kind = Kind::Time;
    Figure { key, title, kind }
}

const fn rate(key: &'static str, title: &'static str) -> Figure {
    let kind = Kind::Rate;
    Figure { key, title, kind }
}

/// All figures, in the order of tables.
pub const FIGURES: [Figure; 47] = [
    count("udp", "UDP 64 B, one in flight: instructions"),
    count("udp.accesses", "  register accesses"),
    count("udp.wakeups", "  wake-ups"),
    batch("udp-32x64", "UDP 64 B, 32 in flight: instructions"),
    batch("udp-32x64.accesses", "  register accesses"),
    batch("udp-32x64.wakeups", "  wake-ups"),
    batch("udp-32x1400", "UDP 1,400 B, 32 in flight: instructions"),
    batch("udp-32x1400.accesses", "  register accesses"),
    batch("udp-32x1400.wakeups", "  wake-ups"),
    count("udp-60-ports", "UDP 64 B, 60 ports open: instructions"),
    count(
        "later-10",
        "UDP 64 B after a timer, 10 pending: instructions",
    ),
    count(
        "later-100000",
        "UDP 64 B after a timer, 100,000 pending: instructions",
    ),
    count("icmp", "ICMP echo 64 B: instructions"),
    count("icmp.accesses", "  register accesses"),
    count("icmp.wakeups", "  wake-ups"),
    count("tcp-echo", "TCP echo 64 B: instructions"),
    count("tcp-echo.accesses", "  register accesses"),
    count("tcp-echo.wakeups", "  wake-ups"),
    count("tcp-echo-64", "TCP echo 64 B, 64 connections: instructions"),
    batch("tcp-sent", "TCP sent, 1 KiB: instructions"),
    batch("tcp-received", "TCP received, 1 KiB: instructions"),
    count("read-1", "4 KiB read, depth 1: instructions"),
    count("read-1.accesses", "  register accesses"),
    count("read-1.wakeups", "  wake-ups"),
    batch("read-32", "4 KiB read, depth 32: instructions"),
    count("write-1", "4 KiB write, depth 1: instructions"),
    batch("write-32", "4 KiB write, depth 32: instructions"),
    count("boot", "first instruction to READY: instructions"),
    count("boot.firmware", "  of firmware"),
    count("idle", "idle, a second: instructions"),
    count("idle.wakeups", "  wake-ups"),
    rate("udp-32x64.rate", "UDP 64 B, 32 in flight: datagrams/s"),
    rate("udp-32x1400.rate", "UDP 1,400 B, 32 in flight: datagrams/s"),
    time("udp.p50", "UDP 64 B round trip: median, us"),
    time("udp.p99", "  99th percentile, us"),
    time("icmp.p50", "ICMP echo: median, us"),
    time("tcp-echo.p50", "TCP echo 64 B through slirp: median, us"),
    rate("tcp-sent.rate", "TCP sent through slirp: MB/s"),
    rate("tcp-received.rate", "TCP received through slirp: MB/s"),
    rate("read-1.rate", "4 KiB reads/s, depth 1"),
    rate("read-32.rate", "4 KiB reads/s, depth 32"),
    rate("write-1.rate", "4 KiB writes/s, depth 1"),
    rate("write-32.rate", "4 KiB writes/s, depth 32"),
    time("timer.p50", "timer lateness: median, us"),
    time("timer.p99", "  99th percentile, us"),
    time("boot.ms", "start of QEMU to READY: ms"),
    count("size", "image: bytes loaded"),
];

/// Returns the figure with this key.
#[must_use]
pub fn find(key: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|figure| figure.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_given_twice() {
        let keys: std::collections::BTreeSet<_> = FIGURES.iter().map(|one| one.key).collect();
        assert_eq!(keys.len(), FIGURES.len());
    }

    #[test]
    fn only_rates_are_better_when_higher() {
        assert!(find("read-1.rate").unwrap().kind.more_is_better());
        assert!(!find("read-1").unwrap().kind.more_is_better());
    }
}
