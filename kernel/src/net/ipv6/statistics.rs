//! The counts of IPv6.

use core::fmt;

use vmos_drivers::counts::report;
use vmos_drivers::warn;

use crate::net::statistics::Counter;

/// How often an event is logged with the addresses that it is about. Strangers can cause further
/// ones, which are summed up.
const TOLD: u64 = 8;

/// Logs an event that was just counted.
pub(super) fn tell(counter: &Counter, fault: &str, text: fmt::Arguments<'_>) {
    match counter.get() {
        ..=TOLD => warn!("{text}"),
        count => report(fault, count),
    }
}

/// Defines the counts, the types that contain them, and the log messages of counted faults.
macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident $(= $fault:literal)?;)*) => {
        /// The counts of IPv6 since boot. They only increase.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Ipv6Statistics {
            $($(#[$doc])* pub $name: u64,)*
        }

        vmos_drivers::counted!(Ipv6Statistics { $($name),* });

        /// The counts, as the stack updates them.
        pub(super) struct Counters {
            $(pub(super) $name: Counter,)*
        }

        impl Counters {
            pub(super) const fn new() -> Self {
                Self {
                    $($name: Counter::new(concat!($($fault)?)),)*
                }
            }

            pub(super) fn snapshot(&self) -> Ipv6Statistics {
                Ipv6Statistics {
                    $($name: self.$name.get(),)*
                }
            }
        }
    };
}

counts! {
    /// Packets received, including those dropped later.
    received;
    /// Packets dropped because a length, the version, or the number or length of extension headers
    /// was wrong.
    malformed = "IPv6 packets dropped: malformed headers";
    /// Packets for addresses and groups that are not this machine's.
    not_for_us;
    /// Packets dropped because no other machine can have their source address.
    forged_source = "IPv6 packets dropped: invalid source address";
    /// Fragments, which are refused.
    fragments = "IPv6 fragments dropped: they are not reassembled";
    /// Packets that were refused by an error message, or would have been but for their source.
    refused;
    /// Errors not sent because of the rate limit.
    errors_suppressed = "ICMPv6 errors not sent: rate limit";
    /// Payloads dropped because their checksum or length was wrong.
    wrong_checksum = "IPv6 packets dropped: wrong checksum or length of the payload";
    /// Messages of neighbour discovery dropped because their hop limit, code, length or source was
    /// wrong.
    invalid_discovery = "ICMPv6 discovery messages dropped: invalid";
    /// Redirects, which are ignored.
    redirects_ignored;
    /// Addresses that were given up because another machine has them.
    duplicates;
    /// Addresses that were not advertised again before their lifetime ended.
    expired;
    /// Addresses that gave way to others, since their router is not known any more.
    replaced = "IPv6 addresses replaced: their routers do not respond";
    /// Addresses that were checked and are used.
    gained;
    /// Messages in which another machine claimed an address of this one.
    conflicts = "IPv6 address claimed by another machine";
    /// Packets dropped because the hardware address of their destination was not found.
    unreachable = "packets dropped: no neighbour advertisement for their destination";
    /// Packets dropped because too many peers were in use.
    too_many_peers = "IPv6 packets dropped: too many peers";
    /// Packets dropped because there was no memory for them or for their answer.
    out_of_memory = "IPv6 packets dropped: out of memory";
    /// Messages that lowered the size of packets to a peer.
    shortened;
}
