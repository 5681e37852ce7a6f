//! Datagrams on their way to the device.

use core::cell::Cell;

use vmos_drivers::dma::{Frame, FrameList, Frames};

use super::{Port, UDP_PAYLOAD};
use crate::net::device::Device;
use crate::net::packet::{self, Destination, HEADERS, Own, Sums};

/// Owns what no port does.
const NO_PORT: u16 = u16::MAX;

/// The most answers that wait to be sent: as many as a device has room for, so that only those are
/// dropped which pile up behind what the ports send.
const ANSWERS: usize = 256;

/// The datagrams of all ports that are to be sent, and the answers that no port gave, in the order in
/// which they were queued.
pub(in crate::net) struct Outgoing {
    /// Each is owned by the port of that index, or by [`NO_PORT`].
    pub(super) frames: FrameList,
    /// How many of those no port owns.
    answers: Cell<usize>,
    own: Cell<Option<Own>>,
    /// Who makes the checksum of what leaves.
    sums: Sums,
    /// The longest payload that fits a frame.
    longest: usize,
}

impl Outgoing {
    pub(in crate::net) fn new<D: Device>(device: &D) -> Self {
        let sums = if device.finishes_checksums() {
            Sums::Left
        } else {
            Sums::Made
        };
        let mtu = device.capabilities().max_transmission_unit;
        Self {
            frames: FrameList::new(),
            answers: Cell::new(0),
            own: Cell::new(None),
            sums,
            longest: mtu.saturating_sub(HEADERS).min(UDP_PAYLOAD),
        }
    }

    /// The machine's address, where it has one.
    #[inline]
    pub(in crate::net) fn own(&self) -> Option<Own> {
        self.own.get()
    }

    /// Sets the machine's address. What is queued under another one is dropped.
    pub(super) fn set_own(&self, own: Option<Own>, frames: &Frames) {
        self.own.set(own);
        self.answers.set(0);
        self.frames.retain(|_| false, |frame| frames.give(frame));
    }

    /// Whether a payload fits a frame.
    #[inline]
    pub(in crate::net) fn fits(&self, length: usize) -> bool {
        length <= self.longest
    }

    /// Whether anything is queued.
    #[inline]
    pub(in crate::net) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Queues the datagram around the payload in `frame` for `port`, which must have
    /// [room](Port::can_send).
    #[inline]
    pub(in crate::net) fn send(&self, port: &Port, mut frame: Frame, to: Destination) {
        if let Some(own) = self.own.get() {
            own.send(&mut frame, port.number, to, self.sums);
            self.queue(port, frame);
        }
    }

    /// Queues a datagram that `port` received to be sent back.
    ///
    /// # Errors
    ///
    /// The frame as it was, where it names nobody to reply to or nobody known, or is longer than a
    /// frame, and where there is no address to reply from or no room.
    #[inline]
    pub(in crate::net) fn send_back(&self, port: &Port, mut frame: Frame) -> Result<(), Frame> {
        let length = frame.len() - HEADERS;
        let Some(own) = self.own.get() else {
            return Err(frame);
        };
        if !self.fits(length) || !port.can_send(length) || !packet::is_answerable(&frame) {
            return Err(frame);
        }
        own.send_back(&mut frame, port.number, self.sums);
        self.queue(port, frame);
        Ok(())
    }

    /// Queues an answer that no port gives, to a frame that was received.
    ///
    /// # Errors
    ///
    /// The frame, where too many wait.
    #[inline]
    pub(in crate::net) fn answer(&self, mut frame: Frame) -> Result<(), Frame> {
        if self.answers.get() == ANSWERS {
            return Err(frame);
        }
        self.answers.set(self.answers.get() + 1);
        frame.set_owner(NO_PORT);
        self.frames.push(frame);
        Ok(())
    }

    /// An answer has left.
    #[inline]
    pub(super) fn answered(&self) {
        self.answers.set(self.answers.get() - 1);
    }

    #[inline]
    fn queue(&self, port: &Port, mut frame: Frame) {
        port.queued(frame.len() - HEADERS);
        frame.set_owner(port.index);
        self.frames.push(frame);
    }
}
