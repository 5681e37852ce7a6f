//! The open UDP ports: the path of ordinary datagrams between the device and the sockets.
//!
//! A received frame is queued at its port without a copy, and the task gets the frame. Tasks also
//! send frames; those of all ports are sent in the order in which they were queued.

mod outgoing;
mod port;
mod table;

use alloc::rc::Rc;
use alloc::vec::Vec;

use vmos_drivers::dma::{Frame, Frames};

use self::table::Table;
use super::buffer::{OutOfMemory, Queue};
use super::cidr::Ipv4Cidr;
use super::device::Device;
use super::packet::{self, HEADERS, Mac, Own};
use super::statistics::{Counters, count};

pub(super) use self::outgoing::Outgoing;
pub(super) use self::port::Port;

/// The longest payload that can be sent or received, in bytes. A datagram longer than a frame is
/// sent in fragments. A fragmented datagram with a longer payload is dropped on receipt, so that
/// every received datagram can get a reply of the same length.
pub const UDP_PAYLOAD: usize = LONGEST_PACKET - 20 - 8;

/// The longest fragmented packet, in bytes.
pub(super) const LONGEST_PACKET: usize = 4096;

/// The table of open UDP ports.
pub(super) struct Ports {
    /// The ports, each at its index.
    ports: Vec<Option<Rc<Port>>>,
    /// Maps port numbers to indices.
    table: Table,
    mac: Mac,
}

impl Ports {
    pub(super) fn new<D: Device>(device: &D) -> Self {
        Self {
            ports: Vec::new(),
            table: Table::new(),
            mac: Mac::new(device.mac()),
        }
    }

    /// Sets the machine's address. Queued datagrams with another source address are dropped.
    pub(super) fn set_address(
        &self,
        address: Option<Ipv4Cidr>,
        outgoing: &Outgoing,
        frames: &Frames,
    ) {
        outgoing.set_own(address.map(|address| Own::new(self.mac, address)), frames);
        for port in self.ports.iter().flatten() {
            port.forget_queued();
        }
    }

    /// Returns whether the port is open.
    pub(super) fn is_taken(&self, number: u16) -> bool {
        self.find(number).is_some()
    }

    #[inline]
    fn find(&self, number: u16) -> Option<&Port> {
        self.table.find(number, |index| {
            let port = self.get(index)?;
            (port.number == number).then_some(port)
        })
    }

    /// Opens a port.
    pub(super) fn add(
        &mut self,
        number: u16,
        receive: Queue,
        send: Queue,
        outgoing: &Outgoing,
    ) -> Result<Rc<Port>, OutOfMemory> {
        let index = match self.ports.iter().position(Option::is_none) {
            Some(index) => index,
            None => {
                self.ports.try_reserve(1).map_err(|_| OutOfMemory)?;
                self.ports.push(None);
                self.ports.len() - 1
            }
        };
        let longest = outgoing.longest();
        let port = Rc::new(Port::new(number, index as u16, receive, send, longest));
        self.ports[index] = Some(Rc::clone(&port));
        self.fill_table();
        Ok(port)
    }

    /// Closes a port. Its queued datagrams are dropped.
    pub(super) fn remove(&mut self, port: &Port, outgoing: &Outgoing, frames: &Frames) {
        let is_of_others = |frame: &Frame| frame.owner() != port.index;
        for list in [&outgoing.frames, &outgoing.waiting] {
            list.retain(is_of_others, |frame| frames.give(frame));
        }
        port.forget_received(frames);
        if let Some(place) = self.ports.get_mut(usize::from(port.index)) {
            *place = None;
        }
        self.fill_table();
    }

    fn fill_table(&mut self) {
        let ports = self.ports.iter().enumerate();
        let numbers = ports.filter_map(|(index, port)| Some((port.as_ref()?.number, index)));
        self.table = Table::of(numbers);
    }

    #[inline]
    fn get(&self, index: usize) -> Option<&Port> {
        self.ports.get(index)?.as_deref()
    }

    /// Queues a datagram at its port, if that is open, and wakes the task that waits there.
    /// `behind` bytes follow the IPv4 header.
    #[inline]
    pub(super) fn accept(
        &self,
        frame: Frame,
        behind: usize,
        outgoing: &Outgoing,
        counters: &Counters,
    ) -> Accepted {
        let length = behind - 8;
        let port = packet::datagram_port(&frame, behind)
            .filter(|_| outgoing.fits(length))
            .and_then(|number| self.find(number));
        let Some(port) = port else {
            return Accepted::Left(frame);
        };
        if !port.has_room(length) {
            count(&counters.receive_queue_full);
            return Accepted::Dropped(frame);
        }
        if !frame.is_verified() && !packet::is_datagram_right(&frame) {
            return Accepted::Left(frame);
        }
        port.take_in(frame, length);
        Accepted::Queued
    }

    /// Queues a valid datagram from a packet that was not ordinary, like [`accept`](Self::accept).
    /// Returns the frame if its port is closed.
    #[cold]
    pub(super) fn accept_other(
        &self,
        frame: Frame,
        behind: usize,
        frames: &Frames,
        counters: &Counters,
    ) -> Option<Frame> {
        let length = behind - 8;
        let Some(port) = packet::datagram_port(&frame, behind).and_then(|port| self.find(port))
        else {
            return Some(frame);
        };
        if length > UDP_PAYLOAD {
            count(&counters.too_long);
        } else if !port.has_room(length) {
            count(&counters.receive_queue_full);
        } else {
            port.take_in(frame, length);
            return None;
        }
        frames.give(frame);
        None
    }

    /// Records that a queued frame was dropped.
    pub(super) fn gave_up(&self, frame: &Frame) {
        if let Some(port) = self.get(usize::from(frame.owner())) {
            port.sent(counted(frame));
        }
    }

    /// Returns the number of open ports.
    pub(super) fn count(&self) -> usize {
        self.ports.iter().flatten().count()
    }

    /// Sends queued frames, at most `budget`. Returns the number.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    pub(super) fn flush<D: Device>(
        &self,
        outgoing: &Outgoing,
        device: &mut D,
        budget: usize,
        counters: &Counters,
    ) -> usize {
        let sent = device.send_all(&outgoing.frames, budget, |frame| {
            if let Some(port) = self.get(usize::from(frame.owner())) {
                port.sent(counted(frame));
            } else {
                outgoing.answered();
            }
        });
        match device.take_unsent() {
            0 => counters.add_sent(sent),
            unsent => counters.add_sent_except(sent, unsent),
        }
        sent
    }
}

/// Returns the number of bytes for which a frame counts in the queue of its port. The last fragment
/// of a datagram may be shorter than all headers.
#[inline]
fn counted(frame: &Frame) -> usize {
    frame.len().saturating_sub(HEADERS)
}

/// Returns a frame with a copy of the payload.
#[inline]
pub(super) fn copy(
    frames: &Frames,
    payload: &[u8],
) -> Result<Frame, vmos_drivers::dma::OutOfMemory> {
    let mut frame = frames.take_for(HEADERS + payload.len())?;
    frame.set_len(HEADERS + payload.len());
    if let Some(place) = frame.bytes_mut().get_mut(HEADERS..) {
        place.copy_from_slice(payload);
    }
    Ok(frame)
}

/// The result of handling a datagram.
pub(super) enum Accepted {
    /// The datagram was queued at its port.
    Queued,
    /// The datagram was rejected.
    Dropped(Frame),
    /// The datagram is for another protocol.
    Left(Frame),
}
