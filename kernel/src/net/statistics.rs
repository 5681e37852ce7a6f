//! What went through the network, counted.

use core::cell::Cell;

use vmos_drivers::counts::report;

/// Defines the counts, what holds them, and what is logged where one of them is a fault.
macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident $(= $fault:literal)?;)*) => {
        /// Counts since boot. Every number only grows.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Statistics {
            $($(#[$doc])* pub $name: u64,)*
        }

        vmos_drivers::counted!(Statistics { $($name),* });

        /// The live side of [`Statistics`].
        pub(super) struct Counters {
            $(pub(super) $name: Counter,)*
        }

        impl Default for Counters {
            fn default() -> Self {
                Self {
                    $($name: Counter::new(concat!($($fault)?)),)*
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
    /// Frames taken from the device, whatever became of them.
    frames_received;
    /// Frames handed to the device.
    frames_sent;
    /// Datagrams dropped because their socket's receive queue was full.
    receive_queue_full =
        "datagrams dropped: the receive queue of their socket was full";
    /// Requests for a connection dropped because their listener holds as many as it can. The peer
    /// tries again.
    backlog_full =
        "connections refused: their listener had no place left";
    /// Datagrams dropped because they came in fragments that make more than can be received.
    too_long =
        "datagrams dropped: longer than can be received";
    /// Datagrams in fragments that were dropped because they were not complete in time or because their
    /// place was needed for a later one, and fragments that contradict others.
    fragments_dropped =
        "datagrams in fragments dropped: not complete";
    /// Segments of TCP dropped because their checksum was wrong.
    wrong_checksum =
        "TCP segments dropped: wrong checksum";
    /// Datagrams dropped because there was no memory for them.
    out_of_memory =
        "datagrams dropped: out of memory";
    /// Turns in which the device had no room for a frame that was ready. The frame waits.
    device_full;
    /// Datagrams dropped because nobody on the network answered for their destination.
    unreachable =
        "datagrams dropped: nobody answered for their destination";
    /// Replies left unsent because the datagram named no address to reply to, or this machine has
    /// none to reply from.
    unanswerable =
        "replies not sent: no address to reply to";
    /// Packets dropped because they claim to be from an address that no other machine can have: this
    /// machine's own, a broadcast or multicast address, 0/8 or 127/8 (RFC 1122, 3.2.1.3).
    forged_source =
        "packets dropped: from an address that no other machine can have";
    /// ARP packets in which another machine claimed this machine's address (RFC 5227, 2.4).
    address_conflicts;
    /// ICMP errors left unsent because many were sent within the last second (RFC 1812, 4.3.2.8).
    icmp_errors_suppressed =
        "ICMP errors not sent: too many in a second";
    /// Answers of DHCP servers that were no use: refusals, and leases that cannot be taken.
    dhcp_refused;
    /// Frames dropped because they end before their headers do.
    too_short = "frames dropped: shorter than their headers";
    /// Frames dropped because they carry neither IPv4 nor ARP.
    unknown_type;
    /// ARP packets dropped because they are not about Ethernet and IPv4.
    malformed_arp = "ARP packets dropped: not about Ethernet and IPv4";
    /// Packets dropped because their version is not 4, or their header is too short for IPv4.
    malformed_header = "IPv4 packets dropped: wrong version or header length";
    /// Packets or datagrams dropped because of a length that does not fit what came.
    wrong_length = "IPv4 packets dropped: lengths that do not fit";
    /// Packets dropped because the checksum of their header is wrong.
    wrong_header_checksum = "IPv4 packets dropped: wrong header checksum";
    /// Datagrams dropped because their checksum is wrong.
    wrong_datagram_checksum = "UDP datagrams dropped: wrong checksum";
    /// ICMP messages dropped because they are too short or their checksum is wrong.
    malformed_message = "ICMP messages dropped: too short, or wrong checksum";
    /// Packets of a protocol other than ICMP, TCP and UDP.
    unknown_protocol;
    /// Fragments of packets that came, whatever became of them.
    fragments;
    /// Answers of protocols, such as echo replies, dropped because too many waited to be sent.
    answers_full =
        "answers dropped: too many waited to be sent";
}

/// One count.
pub(super) struct Counter {
    count: Cell<u64>,
    /// What is logged of it; nothing where it counts no faults.
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
}

/// Counts one more, of what is rare.
#[cold]
#[inline(never)]
pub(super) fn count(counter: &Counter) {
    counter.add(1);
    if !counter.fault.is_empty() {
        report(counter.fault, counter.get());
    }
}
