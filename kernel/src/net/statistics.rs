//! The counts of the network.

use core::cell::Cell;

use vmos_drivers::counts::report;

/// Defines the counts, the types that contain them, and the log messages of counted faults.
macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident $(= $fault:literal)?;)*) => {
        /// The counts since boot. They only increase.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Statistics {
            $($(#[$doc])* pub $name: u64,)*
        }

        vmos_drivers::counted!(Statistics { $($name),* });

        /// The counts, as the stack updates them.
        pub(super) struct Counters {
            $(pub(super) $name: Counter,)*
        }

        impl Default for Counters {
            fn default() -> Self {
                // Copied as a whole, instead of written by three instructions for each count.
                const {
                    Self {
                        $($name: Counter::new(concat!($($fault)?)),)*
                    }
                }
            }
        }

        impl Counters {
            pub(super) fn snapshot(&self) -> Statistics {
                Statistics {
                    $($name: self.$name.get(),)*
                }
            }
        }
    };
}

counts! {
    /// Frames taken from the device, including those dropped later.
    frames_received;
    /// Frames passed to the device, without those that its driver dropped because they were too long
    /// or the queue broke.
    frames_sent;
    /// Datagrams dropped because their socket's receive queue was full.
    receive_queue_full =
        "datagrams dropped: the receive queue of their socket was full";
    /// Connection requests dropped because their listener was full. The peer tries again.
    backlog_full =
        "connection requests dropped: listener full";
    /// Datagrams dropped because they were longer than can be received, in fragments.
    too_long =
        "datagrams dropped: longer than can be received";
    /// Fragmented datagrams dropped because they were incomplete after the timeout, displaced by a
    /// newer one, or contradictory.
    fragments_dropped =
        "fragmented datagrams dropped: incomplete";
    /// Segments of TCP dropped because their checksum was wrong.
    wrong_checksum =
        "TCP segments dropped: wrong checksum";
    /// Datagrams dropped because there was no memory for them.
    out_of_memory =
        "datagrams dropped: out of memory";
    /// Turns in which the device had no room for a frame. The frame waits.
    device_full;
    /// Datagrams dropped because the hardware address of their destination was not found.
    unreachable =
        "datagrams dropped: no ARP reply for their destination";
    /// Replies not sent because the datagram had no address to reply to, or this machine has no
    /// address.
    unanswerable =
        "replies not sent: no address to reply to";
    /// Packets dropped because no other machine can have their source address: this machine's own,
    /// a broadcast or multicast address, 0/8 or 127/8 (RFC 1122, 3.2.1.3).
    forged_source =
        "packets dropped: invalid source address";
    /// ARP packets in which another machine claimed this machine's address (RFC 5227, 2.4).
    address_conflicts;
    /// ICMP errors not sent because of the rate limit of one second (RFC 1812, 4.3.2.8).
    icmp_errors_suppressed =
        "ICMP errors not sent: rate limit";
    /// Unusable answers of DHCP servers: refusals, and leases that were not accepted.
    dhcp_refused;
    /// Frames dropped because they were shorter than their headers.
    too_short = "frames dropped: shorter than their headers";
    /// Frames dropped because they were neither IPv4 nor ARP.
    unknown_type;
    /// ARP packets dropped because they were not for Ethernet and IPv4.
    malformed_arp = "ARP packets dropped: not for Ethernet and IPv4";
    /// Packets dropped because their version was not 4, or their header was too short.
    malformed_header = "IPv4 packets dropped: wrong version or header length";
    /// Packets or datagrams dropped because their length did not match the data.
    wrong_length = "IPv4 packets dropped: inconsistent lengths";
    /// Packets dropped because their header checksum was wrong.
    wrong_header_checksum = "IPv4 packets dropped: wrong header checksum";
    /// Datagrams dropped because their checksum was wrong.
    wrong_datagram_checksum = "UDP datagrams dropped: wrong checksum";
    /// ICMP messages dropped because they were too short or their checksum was wrong.
    malformed_message = "ICMP messages dropped: too short, or wrong checksum";
    /// Packets of a protocol other than ICMP, TCP and UDP.
    unknown_protocol;
    /// Received fragments, including those dropped later.
    fragments;
    /// Answers of protocols, such as echo replies, dropped because too many were waiting to be
    /// sent.
    answers_full =
        "answers dropped: too many waiting to be sent";
}

/// A count with its log message.
pub(super) struct Counter {
    count: Cell<u64>,
    /// The log message of a fault; empty for other counts.
    fault: &'static str,
}

impl Counter {
    pub(super) const fn new(fault: &'static str) -> Self {
        Self {
            count: Cell::new(0),
            fault,
        }
    }

    #[inline]
    pub(super) fn get(&self) -> u64 {
        self.count.get()
    }

    #[inline]
    fn add(&self, more: u64) {
        self.count.set(self.count.get() + more);
    }
}

impl Counters {
    /// Counts received frames.
    #[inline]
    pub(super) fn add_received(&self, frames: usize) {
        self.frames_received.add(frames as u64);
    }

    /// Counts sent frames.
    #[inline]
    pub(super) fn add_sent(&self, frames: usize) {
        self.frames_sent.add(frames as u64);
    }

    /// Counts sent frames, of which the device dropped some.
    #[cold]
    pub(super) fn add_sent_except(&self, frames: usize, unsent: usize) {
        self.add_sent(frames.saturating_sub(unsent));
    }
}

/// Counts one event of a rare kind.
#[cold]
#[inline(never)]
pub(super) fn count(counter: &Counter) {
    counter.add(1);
    if !counter.fault.is_empty() {
        report(counter.fault, counter.get());
    }
}
