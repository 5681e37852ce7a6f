//! Writes the segments of connections into frames.

use vmos_drivers::dma::Frames;

use super::connection::{Owner, State};
use super::segment::{self, ALL_HEADERS, OPTIONS, Route};
use super::{ConnectionId, Connections};
use crate::net::device::Device;
#[cfg(feature = "ipv6")]
use crate::net::ipv6;
use crate::net::protocols::TRANSMIT_RETRY;
use crate::net::statistics::{Counters, count};

/// The progress of one connection in sending its segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Everything,
    /// The device had no more room.
    NoRoom,
    OutOfMemory,
}

impl Connections {
    /// Sends at most `budget` frames of the connections, and performs the actions that are due.
    /// Returns whether frames are left because the budget ended.
    pub(in crate::net) fn egress<D: Device>(
        &mut self,
        device: &mut D,
        frames: &Frames,
        now: u64,
        budget: usize,
        counters: &Counters,
    ) -> bool {
        self.retry = 0;
        while let Some(index) = self.deadlines.take_expired(now) {
            if let Some(connection) = self.slots.get_mut(index).and_then(Option::as_mut) {
                connection.expire(now, &mut self.statistics);
            }
            self.touch(ConnectionId(index));
        }
        if self.touched.is_empty() {
            return false;
        }
        let free = device.room();
        let allowed = free.min(budget);
        let (mut room, mut more) = (allowed, false);
        while let Some(index) = self.touched.pop_front() {
            self.is_touched[index] = false;
            let sent = self.send(index, device, frames, now, &mut room, counters);
            if sent == Sent::Everything {
                continue;
            }
            // Others go first next time.
            self.touch(ConnectionId(index));
            if sent == Sent::NoRoom {
                if free > budget {
                    more = true;
                    break;
                }
                count(&counters.device_full);
            }
            self.retry = now.saturating_add(TRANSMIT_RETRY);
            break;
        }
        counters.add_sent((allowed - room).saturating_sub(device.take_unsent()));
        more
    }

    #[inline]
    fn send<D: Device>(
        &mut self,
        index: usize,
        device: &mut D,
        frames: &Frames,
        now: u64,
        room: &mut usize,
        counters: &Counters,
    ) -> Sent {
        let longest = self.longest;
        let Some(connection) = self.slots.get_mut(index).and_then(Option::as_mut) else {
            return Sent::Everything;
        };
        while let Some(departure) = connection.departure(longest, now) {
            #[cfg(feature = "ipv6")]
            let stand_in = Some(*connection.peer.ip()).filter(|ip| ipv6::is_stand_in(*ip));
            #[cfg(feature = "ipv6")]
            let own = match stand_in {
                Some(_) => Some(super::ipv6::own(self.mac)),
                None => self.own,
            };
            #[cfg(not(feature = "ipv6"))]
            let own = self.own;
            let (Some(own), Some(mac)) = (own, connection.mac) else {
                // A peer without a known hardware address gets no reset.
                connection.reset = false;
                break;
            };
            if *room == 0 {
                return Sent::NoRoom;
            }
            let route = Route {
                mac,
                port: connection.port,
                to: connection.peer,
            };
            let payload = connection.payload(&departure);
            // Options go with segments that have no payload.
            let size = ALL_HEADERS + OPTIONS.max(payload[0].len() + payload[1].len());
            // An IPv6 header is longer.
            #[cfg(feature = "ipv6")]
            let size = size + if stand_in.is_some() { 20 } else { 0 };
            let Ok(mut frame) = frames.take_for(size) else {
                count(&counters.out_of_memory);
                return Sent::OutOfMemory;
            };
            segment::write(
                &mut frame,
                &own,
                self.sums,
                &route,
                &departure.segment,
                payload,
                connection.ranges(&departure),
            );
            #[cfg(feature = "ipv6")]
            if let Some(stand_in) = stand_in
                && !self.neighbours.ipv6.translate(&mut frame, stand_in, mac)
            {
                // The address is lost, which ends the connection.
                connection.reset = false;
                frames.give(frame);
                break;
            }
            device.send(frame);
            *room -= 1;
            connection.departed(&departure, now, &mut self.statistics);
        }
        if connection.lacks_address() {
            self.ask_for_address(index, now);
        }
        self.settle(index, now);
        Sent::Everything
    }

    /// Removes a connection that is over and has no owner, or updates its deadline.
    #[inline]
    fn settle(&mut self, index: usize, now: u64) {
        let Some(connection) = self.slots.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        connection.watch(now);
        if connection.state == State::Closed
            && connection.owner != Owner::Task
            && connection.is_over()
        {
            self.remove(index);
        } else {
            let deadline = connection.deadline();
            self.deadlines.set(index, deadline);
        }
    }
}
