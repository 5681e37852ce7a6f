//! Processes the data and the FIN of a segment.

use super::arrival::{Answer, TIME_WAIT};
use super::connection::{Connection, State};
use super::segment::Segment;
use crate::time::NEVER;

/// How long an acknowledgement waits for data to be sent with it, in nanoseconds.
const ACKNOWLEDGE_AFTER: u64 = 10_000_000;

impl Connection {
    /// Processes the data of a segment that starts this far after the next expected byte.
    #[inline]
    pub(super) fn take_text(
        &mut self,
        segment: &Segment<'_>,
        begins: isize,
        window: usize,
        now: u64,
    ) -> Answer {
        if !self.may_receive() {
            return Answer::Nothing;
        }
        if self.is_orphan() && self.state == State::FinWait2 {
            // No task will read it (RFC 1122, 4.2.2.13).
            self.end(true);
            return Answer::Nothing;
        }
        let offset = usize::try_from(begins).unwrap_or(0);
        let had = usize::try_from(-begins).unwrap_or(0);
        let text = segment.payload.get(had..).unwrap_or_default();
        let text = text.get(..window - offset).unwrap_or(text);
        if text.is_empty() {
            self.receiving.acknowledge |= had > 0;
            return Answer::Nothing;
        }
        let orphan = self.is_orphan();
        let receiving = &mut self.receiving;
        let mut answer = Answer::Nothing;
        if offset == 0 && receiving.gaps.is_empty() {
            if !orphan {
                receiving.queue.push(text);
            }
            receiving.next = receiving.next.plus(text.len());
        } else {
            // A gap, and a segment that fills one, is acknowledged at once (RFC 5681, 4.2).
            answer = Answer::Acknowledgement;
            let start = receiving.next.plus(offset);
            let end = start.plus(text.len());
            if offset > 0 && !receiving.gaps.add(start, end) {
                return answer;
            }
            if !orphan {
                receiving.queue.put(offset, text);
            }
            if offset > 0 {
                return answer;
            }
            let end = receiving.gaps.absorb(end);
            let filled = end.ahead_of(receiving.next);
            if !orphan {
                receiving.queue.extend(filled);
            }
            receiving.next = end;
            if receiving.end == Some(end) {
                self.take_end(now);
                return answer;
            }
        }
        if receiving.next.ahead_of(receiving.acknowledged) >= 2 * self.sending.longest {
            receiving.acknowledge = true;
        } else if self.timers.acknowledge == NEVER {
            self.timers.acknowledge = now.saturating_add(ACKNOWLEDGE_AFTER);
        }
        self.reader.wake();
        answer
    }

    /// Processes the peer's FIN.
    pub(super) fn take_end(&mut self, now: u64) {
        if self.receiving.ended {
            return;
        }
        self.receiving.ended = true;
        self.receiving.next = self.receiving.next.plus(1);
        self.receiving.acknowledge = true;
        match self.state {
            State::Established => self.state = State::CloseWait,
            State::FinWait1 => self.state = State::Closing,
            State::FinWait2 => self.wait(now),
            _ => {}
        }
        self.reader.wake();
    }

    /// Processes the FIN of a segment: now, or once the data before it has arrived.
    #[cold]
    pub(super) fn take_fin(&mut self, segment: &Segment<'_>, now: u64) {
        let place = segment.end().plus(usize::MAX);
        if place == self.receiving.next {
            self.take_end(now);
        } else if place.is_after(self.receiving.next) {
            self.receiving.end = Some(place);
        }
    }

    /// Enters TIME-WAIT, because both directions are finished.
    pub(super) fn wait(&mut self, now: u64) {
        self.state = State::TimeWait;
        self.timers.stop();
        self.timers.close = now.saturating_add(TIME_WAIT);
        self.writer.wake();
        self.free();
    }
}
