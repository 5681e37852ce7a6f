//! In: from the device to whoever a frame is for.

use vmos_drivers::dma::Frame;

use super::device::Device;
use super::malformed;
use super::packet::{self, ICMP, Own, TCP, UDP};
use super::ports::Accepted;
use super::protocols::instant;
use super::stack::{Inner, Stack};
use super::statistics::count;

impl Stack {
    /// Takes at most `budget` frames from the device, answers those that are for a protocol (ARP,
    /// echo requests, TCP), and wakes the tasks that wait for the rest. Called once a turn, before
    /// the tasks run; `now` is when the turn began, in nanoseconds.
    ///
    /// Returns whether the budget ended before the frames did: then the loop must not sleep.
    #[inline]
    pub fn ingress<D: Device>(&self, device: &mut D, now: u64, budget: usize) -> bool {
        if self.alarm.get() <= now {
            self.expire_alarms(now);
        }
        let inner = &mut *self.inner.borrow_mut();
        let arrived = device.arrived();
        let mut left = arrived.min(budget);
        let mut own = self.outgoing.own();
        // An answer could need the buffer that holds the unsent fragments.
        let mut ready = inner.protocols.send_fragments(device, now, &self.counters);
        while left > 0
            && ready
            && let Some(frame) = device.take()
        {
            left -= 1;
            if let Some(frame) = self.take_ordinary(inner, own, frame, now) {
                self.hand_over(inner, device, frame, now);
                own = self.outgoing.own();
                ready = inner.protocols.send_fragments(device, now, &self.counters);
            }
        }
        self.counters.add_received(arrived.min(budget) - left);
        arrived >= budget
    }

    /// Takes an ordinary packet. Returns any other frame.
    #[inline]
    fn take_ordinary(
        &self,
        inner: &mut Inner,
        own: Option<Own>,
        mut frame: Frame,
        now: u64,
    ) -> Option<Frame> {
        let Some(own) = own else {
            return Some(frame);
        };
        match own.receive(&mut frame) {
            Some((UDP, behind)) => {
                let Self {
                    outgoing, counters, ..
                } = self;
                match inner.ports.accept(frame, behind, now, outgoing, counters) {
                    Accepted::Queued => return None,
                    Accepted::Dropped(dropped) => self.frames.give(dropped),
                    Accepted::Left(frame) => return Some(frame),
                }
            }
            Some((TCP, _)) => self.hear(inner, frame, now),
            Some((ICMP, _)) if packet::answer_echo(&mut frame, &own) => {
                self.answer(frame);
            }
            _ => return Some(frame),
        }
        None
    }

    /// Takes a segment.
    #[inline]
    fn hear(&self, inner: &mut Inner, mut frame: Frame, now: u64) {
        if inner.connections.hear(&mut frame, now, &self.counters) {
            self.answer(frame);
        } else {
            self.frames.give(frame);
        }
    }

    /// Has an answer sent that no port gives.
    #[inline]
    fn answer(&self, answer: Frame) {
        if let Err(answer) = self.outgoing.answer(answer) {
            count(&self.counters.answers_full);
            self.frames.give(answer);
        }
    }

    /// Gives a frame to the other protocols.
    #[inline(never)]
    fn hand_over<D: Device>(&self, inner: &mut Inner, device: &mut D, frame: Frame, now: u64) {
        malformed::examine(frame.bytes(), &self.counters);
        let Some(room) = device.transmit(instant(now)) else {
            count(&self.counters.out_of_memory);
            return self.frames.give(frame);
        };
        let segment = inner
            .protocols
            .ingress(frame.bytes(), room, now, &self.counters);
        if let Some(segment) = segment {
            self.hear_again(inner, &segment, now);
        }
        inner.connections.hear_of_neighbor(frame.bytes());
        if packet::may_be_udp(&frame) {
            let Inner {
                ports, protocols, ..
            } = inner;
            ports.take_others(protocols, &self.frames, &self.counters);
        }
        self.frames.give(frame);
        self.adopt_change(inner);
    }

    /// Takes a segment that came in a packet which was not ordinary, in a frame as if it had been.
    #[cold]
    fn hear_again(&self, inner: &mut Inner, segment: &[u8], now: u64) {
        let Ok(mut frame) = self.frames.take_for(segment.len()) else {
            count(&self.counters.out_of_memory);
            return;
        };
        frame.set_len(segment.len());
        frame.set_verified(false);
        frame.bytes_mut().copy_from_slice(segment);
        let own = self.outgoing.own();
        if own.and_then(|own| own.receive(&mut frame)).is_none() {
            return self.frames.give(frame);
        }
        self.hear(inner, frame, now);
    }

    #[cold]
    fn expire_alarms(&self, now: u64) {
        let mut alarms = self.alarms.borrow_mut();
        alarms.expire(now);
        self.alarm.set(alarms.next());
    }
}
