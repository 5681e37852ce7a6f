//! The open UDP ports: where ordinary datagrams pass between the device and the sockets.
//!
//! A received frame goes into the queue of its port as it is, and the task is handed the frame. What
//! a task sends is a frame too; frames of all ports leave in the order in which they were queued.

mod others;
mod port;
mod table;

use alloc::vec::Vec;

use smoltcp::wire::Ipv4Cidr;
use vmos_drivers::dma::{Frame, FrameList, Frames};

use self::table::Table;
use super::buffer::OutOfMemory;
use super::device::Device;
use super::packet::{self, Destination, HEADERS, Mac, Own, Sums};
use super::statistics::{Counters, count};

pub(super) use self::others::copy;
pub(super) use self::port::Port;

/// The longest payload that is sent or received, in bytes. What is longer than a frame leaves in
/// fragments; what arrives in fragments and is longer than this is dropped, so that everything
/// received can be replied to with as much.
pub const UDP_PAYLOAD: usize = smoltcp::config::FRAGMENTATION_BUFFER_SIZE - 20 - 8;

/// The open UDP ports, and what they have to send.
pub(super) struct Ports {
    ports: Vec<Option<Port>>,
    /// Which port has which number.
    table: Table,
    /// Frames to be sent. Each is owned by the port of that index.
    outgoing: FrameList,
    mac: Mac,
    own: Option<Own>,
    /// Who makes the checksum of what leaves.
    sums: Sums,
    /// The longest payload that fits a frame.
    longest: usize,
}

impl Ports {
    pub(super) fn new<D: Device>(device: &D) -> Self {
        let sums = if device.finishes_checksums() {
            Sums::Left
        } else {
            Sums::Made
        };
        Self {
            ports: Vec::new(),
            table: Table::new(),
            outgoing: FrameList::new(),
            mac: Mac::new(device.mac()),
            own: None,
            sums,
            longest: device
                .capabilities()
                .max_transmission_unit
                .saturating_sub(HEADERS)
                .min(UDP_PAYLOAD),
        }
    }

    /// Sets the machine's address. What is queued under another one is dropped.
    pub(super) fn set_address(&mut self, address: Option<Ipv4Cidr>) {
        self.own = address.map(|address| Own::new(self.mac, address));
        self.outgoing = FrameList::new();
        for port in self.ports.iter_mut().flatten() {
            port.forget_peers();
        }
    }

    /// The machine's address, where it has one.
    #[inline]
    pub(super) fn own(&self) -> Option<Own> {
        self.own
    }

    /// Whether a payload fits a frame.
    #[inline]
    pub(super) fn fits(&self, length: usize) -> bool {
        length <= self.longest
    }

    /// Whether somebody has the port.
    pub(super) fn is_taken(&self, number: u16) -> bool {
        self.find(number).is_some()
    }

    #[inline]
    fn find(&self, number: u16) -> Option<usize> {
        self.table.find(number, |index| {
            let port = self.ports.get(index)?.as_ref()?;
            Some(port.number)
        })
    }

    /// Opens a port, and returns its index.
    pub(super) fn add(&mut self, port: Port) -> Result<usize, OutOfMemory> {
        let index = match self.ports.iter().position(Option::is_none) {
            Some(index) => index,
            None => {
                self.ports.try_reserve(1).map_err(|_| OutOfMemory)?;
                self.ports.push(None);
                self.ports.len() - 1
            }
        };
        self.ports[index] = Some(port);
        self.fill_table();
        Ok(index)
    }

    /// Closes a port. What it has queued is dropped.
    pub(super) fn remove(&mut self, index: usize, frames: &Frames) -> Option<Port> {
        let mut port = self.ports.get_mut(index)?.take();
        let is_of_others = |frame: &Frame| usize::from(frame.owner()) != index;
        self.outgoing
            .retain(is_of_others, |frame| frames.give(frame));
        if let Some(port) = &mut port {
            while let Some(frame) = port.receive.pop() {
                frames.give(frame);
            }
        }
        self.fill_table();
        port
    }

    fn fill_table(&mut self) {
        let ports = self.ports.iter().enumerate();
        let numbers = ports.filter_map(|(index, port)| Some((port.as_ref()?.number, index)));
        self.table = Table::of(numbers);
    }

    #[inline]
    pub(super) fn get(&mut self, index: usize) -> Option<&mut Port> {
        self.ports.get_mut(index)?.as_mut()
    }

    /// Puts a datagram, of which `behind` bytes follow the IPv4 header, into the queue of the open port
    /// that it is for, and wakes who waits there.
    #[inline]
    pub(super) fn accept(
        &mut self,
        frame: Frame,
        behind: usize,
        now: u64,
        counters: &Counters,
    ) -> Accepted {
        let length = behind - 8;
        let index = packet::datagram_port(&frame, behind)
            .filter(|_| length <= self.longest)
            .and_then(|number| self.find(number));
        let Some(port) = index.and_then(|index| self.get(index)) else {
            return Accepted::Left(frame);
        };
        if !port.receive.has_room(length) {
            count(&counters.receive_queue_full);
            return Accepted::Dropped(frame);
        }
        if !frame.is_verified() && !packet::is_datagram_right(&frame) {
            return Accepted::Left(frame);
        }
        port.hear(&frame, now);
        port.receive.push(frame, length);
        port.receiver.wake();
        Accepted::Queued
    }

    /// Queues the datagram around the payload in `frame` on the port `index`, which must have
    /// [room](Port::can_send).
    #[inline]
    pub(super) fn send(&mut self, index: usize, mut frame: Frame, to: Destination) {
        if let (Some(own), Some(Some(port))) = (self.own, self.ports.get_mut(index)) {
            own.send(&mut frame, port.number, to, self.sums);
            port.queued(frame.len() - HEADERS);
            frame.set_owner(index as u16);
            self.outgoing.push(frame);
        }
    }

    /// Queues a received datagram on the port `index` to be sent back.
    ///
    /// # Errors
    ///
    /// The frame as it was, where it names nobody to reply to or nobody known, or is longer than a
    /// frame, and where there is no address to reply from or no room.
    #[inline]
    pub(super) fn send_back(&mut self, index: usize, mut frame: Frame) -> Result<(), Frame> {
        let length = frame.len().saturating_sub(HEADERS);
        let (Some(own), Some(Some(port))) = (self.own, self.ports.get_mut(index)) else {
            return Err(frame);
        };
        if length > self.longest || !port.can_send(length) || !packet::is_answerable(&frame) {
            return Err(frame);
        }
        own.send_back(&mut frame, port.number, self.sums);
        port.queued(length);
        frame.set_owner(index as u16);
        self.outgoing.push(frame);
        Ok(())
    }

    /// Whether anything is queued to be sent.
    #[inline]
    pub(super) fn has_outgoing(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Sends what is queued, at most `budget` frames.
    #[inline]
    pub(super) fn flush<D: Device>(
        &mut self,
        device: &mut D,
        budget: usize,
        counters: &Counters,
    ) -> Flushed {
        let room = device.room();
        for _ in 0..budget.min(room) {
            let Some(frame) = self.outgoing.pop() else {
                break;
            };
            let (index, length) = (usize::from(frame.owner()), frame.len() - HEADERS);
            device.send(frame);
            count(&counters.frames_sent);
            if let Some(port) = self.get(index) {
                port.sent(length);
            }
        }
        if self.outgoing.is_empty() {
            Flushed::Everything
        } else if room < budget {
            Flushed::DeviceFull
        } else {
            Flushed::OutOfBudget
        }
    }
}

/// What became of a datagram.
pub(super) enum Accepted {
    /// It is in the queue of its port.
    Queued,
    /// It is not wanted.
    Dropped(Frame),
    /// It is for the other protocols.
    Left(Frame),
}

/// How far [`Ports::flush`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    Everything,
    OutOfBudget,
    DeviceFull,
}
