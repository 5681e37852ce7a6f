//! Passes frames from the device to sockets and protocols.

use vmos_drivers::dma::Frame;

use super::device::Device;
use super::packet::{self, ICMP, Own, TCP, UDP};
use super::ports::Accepted;
use super::stack::{Inner, Stack};
use super::statistics::count;
use crate::time::NEVER;

/// How long frames stay in the device's queue while there is no room to answer them, in
/// nanoseconds.
const PATIENCE: u64 = 10_000_000;

impl Stack {
    /// Takes at most `budget` frames from the device, answers those that protocols handle (ARP,
    /// echo requests, TCP), and wakes the tasks that wait for the others. Called once a turn,
    /// before the tasks; `now` is the start of the turn, in nanoseconds.
    ///
    /// Returns whether frames are left because the budget ended: then the loop must not sleep.
    #[inline]
    pub fn ingress<D: Device>(&self, device: &mut D, now: u64, budget: usize) -> bool {
        if self.alarm.get() <= now {
            self.expire_alarms(now);
        }
        let inner = &mut *self.inner.borrow();
        let mut arrived = device.arrived();
        if !self.outgoing.has_room_for_answers(arrived) {
            // The device still has the others, so the loop does not sleep.
            arrived = arrived.min(self.unhurried(now));
        }
        let mut left = arrived.min(budget);
        while left > 0
            && let Some(frame) = device.take()
        {
            left -= 1;
            if let Some(frame) = self.take_ordinary(inner, frame, now) {
                self.due.set(0);
                self.take_other(inner, frame, now);
            }
        }
        self.counters.add_received(arrived.min(budget) - left);
        arrived >= budget
    }

    /// Handles an ordinary packet. Returns any other frame.
    #[inline]
    fn take_ordinary(&self, inner: &mut Inner, mut frame: Frame, now: u64) -> Option<Frame> {
        let own = self.outgoing.receiver();
        let Some((protocol, behind)) = own.receive(&mut frame) else {
            return Some(frame);
        };
        if protocol == UDP {
            let Self {
                outgoing, counters, ..
            } = self;
            return match inner.ports.accept(frame, behind, outgoing, counters) {
                Accepted::Queued => None,
                Accepted::Dropped(dropped) => {
                    self.frames.give(dropped);
                    None
                }
                Accepted::Left(frame) => Some(frame),
            };
        }
        self.take_stream_or_echo(inner, frame, protocol, &own, now)
    }

    /// Handles an ordinary packet that is no datagram. Returns a frame that is for the protocols.
    // Not inlined, so that the compiler does not put datagrams last when it compares the protocol.
    #[inline(never)]
    fn take_stream_or_echo(
        &self,
        inner: &mut Inner,
        mut frame: Frame,
        protocol: u8,
        own: &Own,
        now: u64,
    ) -> Option<Frame> {
        match protocol {
            TCP => self.hear(inner, frame, now),
            ICMP if packet::answer_echo(&mut frame, own) => {
                self.outgoing.allow_fragments(&mut frame);
                self.answer(frame);
            }
            _ => return Some(frame),
        }
        None
    }

    /// Handles a TCP segment.
    #[inline]
    pub(super) fn hear(&self, inner: &mut Inner, mut frame: Frame, now: u64) {
        self.due.set(0);
        if inner.connections.hear(&mut frame, now, &self.counters) {
            self.answer(frame);
        } else {
            self.frames.give(frame);
        }
    }

    /// Queues a protocol's answer.
    #[inline]
    pub(super) fn answer(&self, answer: Frame) {
        if let Err(answer) = self.outgoing.answer(answer) {
            count(&self.counters.answers_full);
            self.frames.give(answer);
        }
    }

    /// Returns how many frames to take while there is no room for an answer to each. Frames that
    /// stay in the device's queue slow their senders down, instead of being dropped. If the network
    /// accepts no frames, input must not stop: after each [`PATIENCE`] the waiting frames are
    /// taken, and their answers dropped.
    #[cold]
    fn unhurried(&self, now: u64) -> usize {
        let answerable = self.outgoing.answerable();
        if answerable > 0 {
            self.patience.set(NEVER);
            return answerable;
        }
        if self.patience.get() == NEVER {
            self.patience.set(now.saturating_add(PATIENCE));
        }
        if now < self.patience.get() {
            return 0;
        }
        self.patience.set(now.saturating_add(PATIENCE));
        usize::MAX
    }

    #[cold]
    fn expire_alarms(&self, now: u64) {
        let mut alarms = self.alarms.borrow_mut();
        alarms.expire(now);
        self.set_alarm(alarms.next());
    }
}
