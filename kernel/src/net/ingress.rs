//! In: from the device to whoever a frame is for.

use vmos_drivers::dma::Frame;

use super::device::Device;
use super::packet::{self, ICMP, UDP};
use super::protocols::instant;
use super::stack::{Inner, Stack};
use super::statistics::count;

impl Stack {
    /// Takes at most `budget` frames from the device, answers those that are for a protocol (ARP,
    /// echo requests, TCP), and wakes the tasks that wait for the rest. Called once a turn, before
    /// the tasks run; `now` is when the turn began, in nanoseconds.
    ///
    /// Returns whether the budget ended before the frames did: then the loop must not sleep.
    pub fn ingress<D: Device>(&self, device: &mut D, now: u64, budget: usize) -> bool {
        self.now.set(now);
        if self.alarm.get() <= now {
            self.expire_alarms(now);
        }
        let inner = &mut *self.inner.borrow_mut();
        let mut others = false;
        let mut taken = 0;
        // An answer could need the buffer that holds the unsent fragments.
        while taken < budget
            && inner.protocols.send_fragments(device, now, &self.counters)
            && let Some(mut frame) = device.take()
        {
            taken += 1;
            let packet = inner.ports.own().and_then(|own| {
                let (protocol, behind) = own.receive(&mut frame)?;
                Some((own, protocol, behind))
            });
            let left = match packet {
                Some((_, UDP, behind)) => {
                    match inner.ports.accept(frame, behind, now, &self.counters) {
                        Ok(None) => continue,
                        Ok(Some(dropped)) => {
                            self.frames.give(dropped);
                            continue;
                        }
                        Err(left) => left,
                    }
                }
                Some((own, ICMP, _)) if packet::answer_echo(&mut frame, &own) => {
                    count(&self.counters.frames_sent);
                    // There is room for an answer to each frame that is taken.
                    if let Err(frame) = device.send(frame) {
                        self.frames.give(frame);
                    }
                    continue;
                }
                _ => frame,
            };
            others = true;
            self.hand_over(inner, device, left, now);
        }
        self.counters.add_received(taken);
        if others {
            self.adopt_change(inner);
        }
        taken == budget
    }

    /// Gives a frame to the other protocols.
    #[inline(never)]
    fn hand_over<D: Device>(&self, inner: &mut Inner, device: &mut D, frame: Frame, now: u64) {
        if let Some(room) = device.transmit(instant(now)) {
            inner
                .protocols
                .ingress(frame.bytes(), room, now, &self.counters);
            if packet::may_be_udp(&frame) {
                let Inner { ports, protocols } = inner;
                ports.take_others(protocols, &self.frames, &self.counters);
            }
        } else {
            count(&self.counters.out_of_memory);
        }
        self.frames.give(frame);
    }

    #[cold]
    fn expire_alarms(&self, now: u64) {
        let mut alarms = self.alarms.borrow_mut();
        alarms.expire(now);
        self.alarm.set(alarms.next());
    }
}
