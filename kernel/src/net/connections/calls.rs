//! What tasks do with a connection: read, write, shut down, abort (the user calls of RFC 9293, 3.9.1).

use super::connection::{Connection, Progress, SHORTEST_KEEP_ALIVE, State};
use crate::time::NEVER;

impl Connection {
    /// Moves received bytes to `room`, as many as fit.
    #[inline]
    pub(in crate::net) fn read(&mut self, room: &mut [u8]) -> Progress {
        match self.receiving.queue.pop(room) {
            0 => self.why_nothing(),
            count => Progress::Bytes(count),
        }
    }

    /// Returns the start of the received bytes, up to the end of the ring, or why there are none.
    #[inline]
    pub(in crate::net) fn first(&self) -> Result<&[u8], Progress> {
        let queue = &self.receiving.queue;
        match queue.get(0, queue.len()) {
            [[], _] => Err(self.why_nothing()),
            [bytes, _] => Ok(bytes),
        }
    }

    /// Removes the first `count` received bytes.
    #[inline]
    pub(in crate::net) fn skip(&mut self, count: usize) {
        self.receiving.queue.skip(count);
    }

    /// Returns why there is nothing to read.
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
            State::Closed if !self.sending.ends => Progress::Broken,
            _ => Progress::Ended,
        }
    }

    /// Shuts down the direction to the peer.
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

    /// Ends the connection at once and resets the peer.
    pub(in crate::net) fn abort(&mut self) {
        let told = !matches!(self.state, State::SynSent | State::TimeWait | State::Closed);
        self.end(told);
    }

    /// Sends an empty segment after each `interval` of silence, in nanoseconds, but at most once a
    /// second. Does nothing once the connection is over.
    pub(in crate::net) fn set_keep_alive(&mut self, interval: Option<u64>, now: u64) {
        if self.state == State::Closed {
            return;
        }
        let interval = interval.map_or(NEVER, |interval| interval.max(SHORTEST_KEEP_ALIVE));
        self.timers.keep_alive = interval;
        self.timers.ask = now.saturating_add(interval);
    }
}
