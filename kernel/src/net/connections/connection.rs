//! The state of one connection, and the operations of its owner.

use core::net::SocketAddrV4;

use super::ranges::Ranges;
use super::ring::Ring;
use super::rtt::RoundTrip;
use super::segment::Options;
use super::sequence::Sequence;
use super::{TCP_KEEP_ALIVE, TCP_TIMEOUT};
use crate::net::buffer::OutOfMemory;
use crate::net::packet::Mac;
use crate::net::sleeper::Sleeper;
use crate::time::NEVER;

/// The number of retransmissions without an answer after which the hardware address is asked for
/// again.
const DOUBTFUL_AFTER: u32 = 3;

/// The shortest keep-alive interval, in nanoseconds: the rate at which peers answer segments
/// without new data.
pub(super) const SHORTEST_KEEP_ALIVE: u64 = 1_000_000_000;

/// The silence of the peer, in nanoseconds, after which a connection without an owner may be
/// evicted.
const SILENT_FOR: u64 = 10_000_000_000;

/// The states of RFC 9293, 3.3.2. LISTEN is missing, since a listener has no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum State {
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
    Closed,
}

/// The owner of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// No task has accepted the connection yet: it waits at its listener.
    Listener,
    Task,
    /// The task has dropped the connection, at this time in nanoseconds.
    Nobody(u64),
}

/// The reason why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Ended {
    /// The peer or this side reset it.
    Reset,
    /// The peer did not answer in time.
    TimedOut,
    /// This machine lost the address that the connection uses.
    AddressLost,
}

/// A TCP connection.
pub(in crate::net) struct Connection {
    pub(super) state: State,
    /// The reason why the connection is over; only valid in the state [`Closed`](State::Closed).
    pub(super) ended: Ended,
    pub(super) owner: Owner,
    /// This machine's port.
    pub(super) port: u16,
    pub(super) peer: SocketAddrV4,
    /// The hardware address of the next hop to the peer, if it is known.
    pub(super) mac: Option<Mac>,
    /// Whether a reset must still be sent to the peer.
    pub(super) reset: bool,
    pub(super) sending: Sending,
    pub(super) receiving: Receiving,
    pub(super) timers: Timers,
    pub(super) reader: Sleeper,
    pub(super) writer: Sleeper,
}

/// The direction to the peer. Names in capital letters are those of RFC 9293, 3.3.1.
pub(super) struct Sending {
    /// Bytes that the peer has not acknowledged yet, followed by bytes not sent yet.
    pub(super) queue: Ring,
    /// The sequence number of the first byte of the queue.
    pub(super) base: Sequence,
    /// SND.UNA: the first unacknowledged byte; one less than `base` until the SYN is acknowledged.
    pub(super) unacknowledged: Sequence,
    /// SND.NXT: the end of everything that was ever sent.
    pub(super) most: Sequence,
    /// The end of the lost data that was sent again.
    pub(super) again: Sequence,
    /// The end of the data that counts as lost, except for ranges in `sacked`.
    pub(super) lost: Sequence,
    /// Whether lost data is being sent again (fast recovery), until the peer has acknowledged
    /// everything before `recover`.
    pub(super) recovers: bool,
    pub(super) recover: Sequence,
    /// The value of [`most`](Self::most) at the last retransmission.
    pub(super) repeated_at: Sequence,
    /// The ranges that the peer acknowledged selectively.
    pub(super) sacked: Ranges,
    /// Whether the peer supports selective acknowledgements (RFC 2018).
    pub(super) sacks: bool,
    /// SND.WND: the number of bytes that the peer accepts, from SND.UNA on.
    pub(super) window: usize,
    /// The number of bits by which the peer's window field is shifted (RFC 7323, 2.2).
    pub(super) shift: u8,
    /// SND.WL1 and SND.WL2: sequence and acknowledgement number of the segment that last set the
    /// window.
    pub(super) window_from: (Sequence, Sequence),
    /// The longest payload of a segment.
    pub(super) longest: usize,
    /// The longest payload that the peer accepts, while a router's MTU makes it shorter.
    pub(super) accepted: u16,
    /// Whether this side was shut down: a FIN follows the queue.
    pub(super) ends: bool,
    /// The number of consecutive duplicate acknowledgements.
    pub(super) repeated: usize,
    /// Whether a lost segment is sent again even if the congestion window is full.
    pub(super) resend: bool,
    /// Whether a partial segment is sent even while data is in flight.
    pub(super) no_delay: bool,
    /// Whether a byte beyond the peer's window was sent to make it report its window.
    pub(super) probing: bool,
    /// The congestion window in bytes (RFC 5681).
    pub(super) congestion: usize,
    /// The slow start threshold in bytes (RFC 5681).
    pub(super) threshold: usize,
    pub(super) trip: RoundTrip,
}

/// The direction from the peer.
pub(super) struct Receiving {
    /// Bytes received and not read yet.
    pub(super) queue: Ring,
    /// RCV.NXT: the end of the queue, plus one once the peer's FIN has arrived.
    pub(super) next: Sequence,
    /// The end of the window that was announced to the peer.
    pub(super) edge: Sequence,
    /// The ranges that arrived after missing data.
    pub(super) gaps: Ranges,
    /// The last acknowledgement number that was sent.
    pub(super) acknowledged: Sequence,
    /// Whether an acknowledgement must be sent at once.
    pub(super) acknowledge: bool,
    /// Whether the peer's FIN has arrived.
    pub(super) ended: bool,
    /// The number of a FIN that arrived behind a gap.
    pub(super) end: Option<Sequence>,
    /// Whether the window scale option must be sent, with shift 0, so that the peer may use its
    /// own.
    pub(super) shifts: bool,
}

/// The times at which actions are due, in nanoseconds; [`NEVER`] for none.
pub(super) struct Timers {
    /// When to retransmit, or to probe a closed window.
    pub(super) resend: u64,
    /// The number of consecutive retransmissions.
    pub(super) resent: u32,
    /// When to send a delayed acknowledgement.
    pub(super) acknowledge: u64,
    /// When TIME-WAIT ends.
    pub(super) close: u64,
    /// When to try longer segments than a router's MTU allowed.
    pub(super) lengthen: u64,
    /// The time since which the peer owes an answer.
    pub(super) waiting_since: u64,
    /// The longest time that the peer may owe an answer, in nanoseconds.
    pub(super) patience: u64,
    /// The keep-alive interval, in nanoseconds.
    pub(super) keep_alive: u64,
    /// When to send the next keep-alive segment.
    pub(super) ask: u64,
    /// The earliest time of the next ARP request for the hardware address.
    pub(super) address: u64,
    /// When the period for `challenges` ends.
    pub(super) challenge: u64,
    /// The number of answers to unacceptable segments in the current period.
    pub(super) challenges: u8,
}

/// The result of an attempt to read or to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Progress {
    /// This many bytes were read or written.
    Bytes(usize),
    /// Nothing is possible now; wait.
    Wait,
    /// The direction was shut down, by the peer or by this side.
    Ended,
    /// The connection is over.
    Broken,
}

impl Connection {
    /// Creates a connection with the initial sequence number `first` and queues of `capacity`
    /// bytes.
    pub(super) fn new(
        state: State,
        (port, peer): (u16, SocketAddrV4),
        first: Sequence,
        capacity: usize,
    ) -> Self {
        Self {
            state,
            ended: Ended::Reset,
            owner: Owner::Listener,
            port,
            peer,
            mac: None,
            reset: false,
            sending: Sending {
                queue: Ring::new(capacity),
                base: first.plus(1),
                unacknowledged: first,
                most: first,
                again: first,
                lost: first,
                recovers: false,
                recover: first,
                repeated_at: first,
                sacked: Ranges::default(),
                sacks: false,
                window: 0,
                shift: 0,
                window_from: (Sequence(0), Sequence(0)),
                longest: Options::LONGEST_BY_DEFAULT,
                accepted: 0,
                ends: false,
                repeated: 0,
                resend: false,
                no_delay: false,
                probing: false,
                congestion: 0,
                threshold: usize::MAX,
                trip: RoundTrip::default(),
            },
            receiving: Receiving {
                queue: Ring::new(capacity),
                next: Sequence(0),
                edge: Sequence(0),
                gaps: Ranges::default(),
                acknowledged: Sequence(0),
                acknowledge: false,
                ended: false,
                end: None,
                shifts: true,
            },
            timers: Timers {
                resend: NEVER,
                resent: 0,
                acknowledge: NEVER,
                close: NEVER,
                lengthen: NEVER,
                waiting_since: NEVER,
                patience: TCP_TIMEOUT.as_nanos() as u64,
                keep_alive: TCP_KEEP_ALIVE.as_nanos() as u64,
                ask: NEVER,
                address: 0,
                challenge: 0,
                challenges: 0,
            },
            reader: Sleeper::default(),
            writer: Sleeper::default(),
        }
    }

    /// Allocates both queues, unless they are allocated already.
    pub(super) fn allocate(&mut self) -> Result<(), OutOfMemory> {
        self.sending.queue.allocate()?;
        self.receiving.queue.allocate()
    }

    /// Returns the size of both queues' memory in bytes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.sending.queue.memory() + self.receiving.queue.memory()
    }

    pub(in crate::net) fn state(&self) -> State {
        self.state
    }

    /// Returns why the connection is over.
    pub(in crate::net) fn ended(&self) -> Ended {
        self.ended
    }

    /// Returns the peer; `None` once the connection is over.
    pub(in crate::net) fn peer(&self) -> Option<SocketAddrV4> {
        (self.state != State::Closed).then_some(self.peer)
    }

    /// Returns the waker of the task that waits to read or to connect.
    pub(in crate::net) fn reader(&mut self) -> &mut Sleeper {
        &mut self.reader
    }

    /// Returns the waker of the task that waits to write.
    pub(in crate::net) fn writer(&mut self) -> &mut Sleeper {
        &mut self.writer
    }

    /// Returns this machine's port.
    pub(in crate::net) fn local_port(&self) -> u16 {
        self.port
    }

    /// Returns the number of bytes that can be written now.
    pub(in crate::net) fn room(&self) -> usize {
        self.sending.queue.free()
    }

    /// Sets whether a partial segment is sent even while data is in flight.
    pub(in crate::net) fn set_no_delay(&mut self, no_delay: bool) {
        self.sending.no_delay = no_delay;
    }

    /// Sets how long the peer may owe an acknowledgement, in nanoseconds.
    pub(in crate::net) fn set_patience(&mut self, patience: u64) {
        self.timers.patience = patience;
    }

    /// Returns the number of bytes that the peer has not acknowledged yet.
    pub(in crate::net) fn unacknowledged(&self) -> usize {
        self.sending.queue.len()
    }

    /// Releases the connection from its owner.
    pub(super) fn leave(&mut self, now: u64) {
        self.shut_down();
        self.owner = Owner::Nobody(now);
        self.timers.keep_alive = NEVER;
        self.timers.ask = NEVER;
        if !matches!(self.state, State::TimeWait | State::Closed) {
            // From now on, only the timers end it.
            self.timers.wait(now);
        }
        self.free();
    }

    /// Frees the queues of a connection that is only kept for late segments.
    pub(super) fn free(&mut self) {
        if self.is_orphan() && self.state == State::TimeWait {
            self.sending.queue = Ring::default();
            self.receiving.queue = Ring::default();
        }
    }

    /// Ends the connection; `told` means that the peer must still be sent a reset.
    pub(super) fn end(&mut self, told: bool) {
        self.state = State::Closed;
        self.reset = told;
        self.timers.stop();
        self.reader.wake();
        self.writer.wake();
    }

    /// Returns whether more data may come from the peer.
    #[inline]
    pub(super) fn may_receive(&self) -> bool {
        matches!(
            self.state,
            State::SynSent
                | State::SynReceived
                | State::Established
                | State::FinWait1
                | State::FinWait2
        )
    }

    pub(super) fn is_orphan(&self) -> bool {
        matches!(self.owner, Owner::Nobody(_))
    }

    /// Returns the connection's rank for eviction, the smallest first; `None` if it must be kept.
    pub(super) fn dispensable(&self, now: u64) -> Option<u64> {
        /// A time in nanoseconds that is longer than any machine runs.
        const EVER: u64 = 1 << 62;
        let since = self.timers.waiting_since;
        match (self.owner, self.state) {
            (Owner::Nobody(_), State::TimeWait | State::Closed) => Some(0),
            (Owner::Listener, State::SynReceived) => Some(EVER.saturating_add(since.min(EVER))),
            (Owner::Nobody(_), _) if since.saturating_add(SILENT_FOR) <= now => {
                Some((2 * EVER).saturating_add(since))
            }
            _ => None,
        }
    }

    /// Returns whether the hardware address must be requested: it is unknown, or the peer has not
    /// answered for some time.
    pub(super) fn lacks_address(&self) -> bool {
        self.mac.is_none() || self.timers.resent >= DOUBTFUL_AFTER
    }

    /// Returns whether neither an owner nor the peer needs the connection any more.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Closed && !self.reset
    }
}

impl Timers {
    /// Records that the peer owes an answer.
    #[inline]
    pub(super) fn wait(&mut self, now: u64) {
        self.waiting_since = self.waiting_since.min(now);
    }

    /// Stops all timers.
    pub(super) fn stop(&mut self) {
        self.resend = NEVER;
        self.acknowledge = NEVER;
        self.close = NEVER;
        self.lengthen = NEVER;
        self.waiting_since = NEVER;
        self.keep_alive = NEVER;
        self.ask = NEVER;
    }
}
