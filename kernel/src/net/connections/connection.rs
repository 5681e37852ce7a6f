//! One connection: its state, and what its owner does with it.

use core::net::SocketAddrV4;

use super::TCP_TIMEOUT;
use super::ranges::Ranges;
use super::ring::Ring;
use super::rtt::RoundTrip;
use super::segment::Options;
use super::sequence::Sequence;
use crate::net::buffer::OutOfMemory;
use crate::net::packet::Mac;
use crate::net::sleeper::Sleeper;
use crate::time::NEVER;

/// After so many repetitions without an answer a hardware address is doubtful.
const DOUBTFUL_AFTER: u32 = 3;

/// The shortest silence after which a peer is asked for a sign of life, in nanoseconds: as often as a
/// peer answers what brings nothing new.
const SHORTEST_KEEP_ALIVE: u64 = 1_000_000_000;

/// After so long a silence of its peer, in nanoseconds, a connection that nobody owns makes way for
/// another.
const SILENT_FOR: u64 = 10_000_000_000;

/// The states of RFC 9293, 3.3.2. Whoever listens has no connection yet.
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

/// Who reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Nobody yet: it waits to be accepted on its port.
    Listener,
    Task,
    /// Nobody any more, since this time in nanoseconds.
    Nobody(u64),
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Ended {
    /// The peer or this side ended it.
    Reset,
    /// The peer did not answer in time.
    TimedOut,
    /// This machine lost the address of its end.
    AddressLost,
}

/// A connection.
pub(in crate::net) struct Connection {
    pub(super) state: State,
    /// Why, where the state is [`Closed`](State::Closed).
    pub(super) ended: Ended,
    pub(super) owner: Owner,
    /// This machine's port, and the other end.
    pub(super) port: u16,
    pub(super) peer: SocketAddrV4,
    /// The hardware address of the peer or of the router to it, where it is known.
    pub(super) mac: Option<Mac>,
    /// What is left to be told to a peer whose connection ends at once.
    pub(super) reset: bool,
    pub(super) sending: Sending,
    pub(super) receiving: Receiving,
    pub(super) timers: Timers,
    pub(super) reader: Sleeper,
    pub(super) writer: Sleeper,
}

/// One direction: from here to the peer. Names as in RFC 9293, 3.3.1.
pub(super) struct Sending {
    /// What was not acknowledged yet, and what was not sent yet.
    pub(super) queue: Ring,
    /// Where the first byte of the queue stands.
    pub(super) base: Sequence,
    /// SND.UNA: the first that was not acknowledged. One in front of the base while the SYN was not.
    pub(super) unacknowledged: Sequence,
    /// SND.NXT: behind the last that was ever sent.
    pub(super) most: Sequence,
    /// Up to where the lost was sent again.
    pub(super) again: Sequence,
    /// Up to where all is lost that did not arrive.
    pub(super) lost: Sequence,
    /// What was lost is being sent again, until all in front of [`recover`](Self::recover) arrived.
    pub(super) recovers: bool,
    pub(super) recover: Sequence,
    /// What [`most`](Self::most) was when something was last sent again.
    pub(super) repeated_at: Sequence,
    /// What the peer acknowledged selectively.
    pub(super) sacked: Ranges,
    /// It does that (RFC 2018).
    pub(super) sacks: bool,
    /// SND.WND: how much the peer takes from SND.UNA on.
    pub(super) window: usize,
    /// By how much the peer shifts its windows.
    pub(super) shift: u8,
    /// SND.WL1 and SND.WL2: the segment that the window is from.
    pub(super) window_from: (Sequence, Sequence),
    /// The longest payload.
    pub(super) longest: usize,
    /// Nothing more will be written: a FIN follows the queue.
    pub(super) ends: bool,
    /// Acknowledgements in a row that acknowledge nothing new.
    pub(super) repeated: usize,
    /// A segment that was lost is to be sent again, however much is under way.
    pub(super) resend: bool,
    /// Less than a whole segment does not wait until nothing is under way.
    pub(super) no_delay: bool,
    /// A byte that the peer has no room for was sent, to hear of its window.
    pub(super) probing: bool,
    /// How much may be under way as far as the network is concerned (RFC 5681).
    pub(super) congestion: usize,
    /// Where the congestion window begins to grow slowly.
    pub(super) threshold: usize,
    pub(super) trip: RoundTrip,
}

/// The other direction.
pub(super) struct Receiving {
    /// What was not read yet.
    pub(super) queue: Ring,
    /// RCV.NXT: behind the last byte of the queue, and behind the peer's FIN once it came.
    pub(super) next: Sequence,
    /// The end of the window that the peer was told of.
    pub(super) edge: Sequence,
    /// What arrived behind a gap.
    pub(super) gaps: Ranges,
    /// The last acknowledgement that was sent.
    pub(super) acknowledged: Sequence,
    /// It is to be acknowledged at once.
    pub(super) acknowledge: bool,
    /// The peer's FIN came: nothing more will.
    pub(super) ended: bool,
    /// This machine announces windows without a shift, but must say so for the peer to shift.
    pub(super) shifts: bool,
}

/// When something is to be done, in nanoseconds; [`NEVER`] for what is not.
pub(super) struct Timers {
    /// To send again, or to ask a peer without room.
    pub(super) resend: u64,
    /// How often in a row that was.
    pub(super) resent: u32,
    /// To acknowledge what arrived.
    pub(super) acknowledge: u64,
    /// To end TIME-WAIT.
    pub(super) close: u64,
    /// Since when the peer has owed an answer.
    pub(super) waiting_since: u64,
    /// For how long it may, in nanoseconds.
    pub(super) patience: u64,
    /// After how much silence the peer is asked for a sign of life.
    pub(super) keep_alive: u64,
    /// When it next is.
    pub(super) ask: u64,
    /// When the hardware address may be asked for again.
    pub(super) address: u64,
    /// When what makes no sense may be answered as often as at first again.
    pub(super) challenge: u64,
    /// How often it was answered.
    pub(super) challenges: u8,
}

/// What became of an attempt to read or to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Progress {
    /// So many bytes.
    Bytes(usize),
    /// Not now.
    Wait,
    /// The peer, or this side, said that there will be no more.
    Ended,
    /// The connection is over.
    Broken,
}

impl Connection {
    /// A connection that begins with the sequence number `first`, and queues of `capacity` bytes.
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
                shifts: true,
            },
            timers: Timers {
                resend: NEVER,
                resent: 0,
                acknowledge: NEVER,
                close: NEVER,
                waiting_since: NEVER,
                patience: TCP_TIMEOUT.as_nanos() as u64,
                keep_alive: NEVER,
                ask: NEVER,
                address: 0,
                challenge: 0,
                challenges: 0,
            },
            reader: Sleeper::default(),
            writer: Sleeper::default(),
        }
    }

    /// Allocates both queues, if they are not.
    pub(super) fn allocate(&mut self) -> Result<(), OutOfMemory> {
        self.sending.queue.allocate()?;
        self.receiving.queue.allocate()
    }

    /// Bytes that both queues take.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.sending.queue.memory() + self.receiving.queue.memory()
    }

    pub(in crate::net) fn state(&self) -> State {
        self.state
    }

    /// Why the connection is over.
    pub(in crate::net) fn ended(&self) -> Ended {
        self.ended
    }

    /// The other end, while there is a connection to it.
    pub(in crate::net) fn peer(&self) -> Option<SocketAddrV4> {
        (self.state != State::Closed).then_some(self.peer)
    }

    /// Whoever waits to read is woken when there is something, and whoever waits for the connection.
    pub(in crate::net) fn reader(&mut self) -> &mut Sleeper {
        &mut self.reader
    }

    /// Whoever waits to write is woken when something was acknowledged.
    pub(in crate::net) fn writer(&mut self) -> &mut Sleeper {
        &mut self.writer
    }

    /// This machine's port.
    pub(in crate::net) fn local_port(&self) -> u16 {
        self.port
    }

    /// Bytes that can be written now.
    pub(in crate::net) fn room(&self) -> usize {
        self.sending.queue.free()
    }

    /// Whether less than a whole segment is sent though something is under way.
    pub(in crate::net) fn set_no_delay(&mut self, no_delay: bool) {
        self.sending.no_delay = no_delay;
    }

    /// How long the peer may owe an acknowledgement, in nanoseconds.
    pub(in crate::net) fn set_patience(&mut self, patience: u64) {
        self.timers.patience = patience;
    }

    /// Bytes that the peer did not acknowledge yet.
    pub(in crate::net) fn unacknowledged(&self) -> usize {
        self.sending.queue.len()
    }

    /// Moves out what arrived, as much as `room` holds.
    #[inline]
    pub(in crate::net) fn read(&mut self, room: &mut [u8]) -> Progress {
        match self.receiving.queue.pop(room) {
            0 => self.why_nothing(),
            count => Progress::Bytes(count),
        }
    }

    /// The first of what arrived, as much as lies in one piece, or why there is nothing.
    #[inline]
    pub(in crate::net) fn first(&self) -> Result<&[u8], Progress> {
        let queue = &self.receiving.queue;
        match queue.get(0, queue.len()) {
            [[], _] => Err(self.why_nothing()),
            [bytes, _] => Ok(bytes),
        }
    }

    /// Counts as read the first `count` bytes of what arrived.
    #[inline]
    pub(in crate::net) fn skip(&mut self, count: usize) {
        self.receiving.queue.skip(count);
    }

    /// Why there is nothing to read.
    #[inline]
    fn why_nothing(&self) -> Progress {
        if self.receiving.ended {
            Progress::Ended
        } else if self.may_receive() {
            Progress::Wait
        } else {
            Progress::Broken
        }
    }

    /// Queues bytes to be sent, as many as fit.
    #[inline]
    pub(in crate::net) fn write(&mut self, bytes: &[u8]) -> Progress {
        match self.state {
            State::Established | State::CloseWait if !self.sending.ends => {
                match self.sending.queue.push(bytes) {
                    0 => Progress::Wait,
                    count => Progress::Bytes(count),
                }
            }
            State::Closed => Progress::Broken,
            _ => Progress::Ended,
        }
    }

    /// Says that nothing more will be written.
    pub(in crate::net) fn shut_down(&mut self) {
        match self.state {
            State::SynSent => self.end(false),
            State::SynReceived => self.sending.ends = true,
            State::Established => {
                self.sending.ends = true;
                self.state = State::FinWait1;
            }
            State::CloseWait => {
                self.sending.ends = true;
                self.state = State::LastAck;
            }
            _ => {}
        }
        self.writer.wake();
    }

    /// Ends the connection at once; the peer is told.
    pub(in crate::net) fn abort(&mut self) {
        let told = !matches!(self.state, State::SynSent | State::TimeWait | State::Closed);
        self.end(told);
    }

    /// Asks the peer for a sign of life after each `interval` of silence, in nanoseconds, and no more
    /// often than once a second. Does nothing once the connection is over.
    pub(in crate::net) fn set_keep_alive(&mut self, interval: Option<u64>, now: u64) {
        if self.state == State::Closed {
            return;
        }
        let interval = interval.map_or(NEVER, |interval| interval.max(SHORTEST_KEEP_ALIVE));
        self.timers.keep_alive = interval;
        self.timers.ask = now.saturating_add(interval);
    }

    /// Gives the connection up.
    pub(super) fn leave(&mut self, now: u64) {
        self.shut_down();
        self.owner = Owner::Nobody(now);
        self.timers.keep_alive = NEVER;
        self.timers.ask = NEVER;
        if !matches!(self.state, State::TimeWait | State::Closed) {
            // From here on nobody else would end it.
            self.timers.wait(now);
        }
        self.free();
    }

    /// Frees the queues of a connection that is only remembered.
    pub(super) fn free(&mut self) {
        if self.is_orphan() && self.state == State::TimeWait {
            self.sending.queue = Ring::default();
            self.receiving.queue = Ring::default();
        }
    }

    /// The connection is over; where `told`, the peer is still to hear of it.
    pub(super) fn end(&mut self, told: bool) {
        self.state = State::Closed;
        self.reset = told;
        self.timers.stop();
        self.reader.wake();
        self.writer.wake();
    }

    /// Whether more may come from the peer.
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

    /// Whether the connection can make way for another: those with the smallest number first.
    pub(super) fn dispensable(&self, now: u64) -> Option<u64> {
        /// Longer than a machine runs, in nanoseconds.
        const EVER: u64 = 1 << 62;
        let since = self.timers.waiting_since;
        match (self.owner, self.state) {
            (Owner::Nobody(_), State::TimeWait | State::Closed) => Some(0),
            (Owner::Listener, State::SynReceived) => Some(EVER + since),
            (Owner::Nobody(_), _) if since.saturating_add(SILENT_FOR) <= now => {
                Some(2 * EVER + since)
            }
            _ => None,
        }
    }

    /// Whether the hardware address is to be asked for: it is not known, or nobody has answered there
    /// for long.
    pub(super) fn lacks_address(&self) -> bool {
        self.mac.is_none() || self.timers.resent >= DOUBTFUL_AFTER
    }

    /// Whether nothing is left to be done, for an owner or for a peer.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Closed && !self.reset
    }
}

impl Timers {
    /// Notes that the peer owes an answer.
    #[inline]
    pub(super) fn wait(&mut self, now: u64) {
        self.waiting_since = self.waiting_since.min(now);
    }

    /// Nothing is to be done any more.
    pub(super) fn stop(&mut self) {
        self.resend = NEVER;
        self.acknowledge = NEVER;
        self.close = NEVER;
        self.waiting_since = NEVER;
        self.keep_alive = NEVER;
        self.ask = NEVER;
    }
}
