//! Datagrams on their way to the device.

use core::cell::Cell;
use core::net::SocketAddrV4;

use vmos_drivers::dma::{Frame, FrameList, Frames, OutOfMemory};

use super::{Port, UDP_PAYLOAD, copy};
use crate::net::device::Device;
use crate::net::packet::{self, Destination, HEADERS, Mac, Own, Sums};
use crate::net::protocols::cut;
use crate::net::statistics::{Counters, count};

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
    /// The longest frame.
    longest_frame: usize,
    /// Those that wait for the hardware address which they are sent to, in the order in which they were
    /// queued.
    pub(in crate::net) waiting: FrameList,
    /// What tells the fragments of the next datagram from those of others.
    identification: Cell<u16>,
}

impl Outgoing {
    pub(in crate::net) fn new<D: Device>(device: &D, identification: u16) -> Self {
        let sums = if device.finishes_checksums() {
            Sums::Left
        } else {
            Sums::Made
        };
        let longest_frame = device.max_frame();
        Self {
            frames: FrameList::new(),
            answers: Cell::new(0),
            own: Cell::new(None),
            sums,
            longest: longest_frame.saturating_sub(HEADERS).min(UDP_PAYLOAD),
            longest_frame,
            waiting: FrameList::new(),
            identification: Cell::new(identification),
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
        for list in [&self.frames, &self.waiting] {
            list.retain(|_| false, |frame| frames.give(frame));
        }
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

    /// Queues the same for `port` where it takes more than one frame, or where its hardware address was
    /// asked for: then it waits for that.
    ///
    /// # Errors
    ///
    /// There is no memory for all of it; nothing was queued.
    #[cold]
    pub(in crate::net) fn send_otherwise(
        &self,
        port: &Port,
        mut frame: Frame,
        to: Destination,
        frames: &Frames,
    ) -> Result<(), OutOfMemory> {
        let Some(own) = self.own.get() else {
            return Ok(());
        };
        let pieces = FrameList::new();
        if frame.len() <= self.longest_frame {
            own.send(&mut frame, port.number, to, self.sums);
            pieces.push(frame);
            self.queue_all(port, &pieces, to);
            return Ok(());
        }
        // No device makes the checksum of fragments.
        own.send(&mut frame, port.number, to, Sums::Made);
        let pieces = cut(&frame, self.longest_frame, self.identify(), frames)?;
        self.queue_all(port, &pieces, to);
        Ok(())
    }

    fn queue_all(&self, port: &Port, pieces: &FrameList, to: Destination) {
        let list = if to.is_known() {
            &self.frames
        } else {
            &self.waiting
        };
        while let Some(mut frame) = pieces.pop() {
            port.queued(frame.len() - HEADERS);
            frame.set_owner(port.index);
            list.push(frame);
        }
    }

    /// A datagram in a frame from the client port of DHCP, of a machine that perhaps has no address yet.
    /// It lacks the hardware address that it goes to.
    ///
    /// # Errors
    ///
    /// There is no memory for it.
    #[cold]
    pub(in crate::net) fn datagram(
        &self,
        frames: &Frames,
        own: Own,
        port: u16,
        to: SocketAddrV4,
        payload: &[u8],
    ) -> Result<Frame, OutOfMemory> {
        let mut frame = copy(frames, payload)?;
        own.send(&mut frame, port, Destination::new(Mac::NONE, to), self.sums);
        Ok(frame)
    }

    /// The longest frame, in bytes.
    pub(in crate::net) fn longest_frame(&self) -> usize {
        self.longest_frame
    }

    /// A number for the fragments of one datagram.
    pub(in crate::net) fn identify(&self) -> u16 {
        let identification = self.identification.get().wrapping_add(1);
        self.identification.set(identification);
        identification
    }

    /// Has a frame that no port owns wait for the hardware address that it is sent to.
    pub(in crate::net) fn wait(&self, mut frame: Frame) {
        frame.set_owner(NO_PORT);
        self.waiting.push(frame);
    }

    /// Queues a frame that waited. One that no port owns is dropped where too many such are queued.
    pub(in crate::net) fn release(&self, frame: Frame, frames: &Frames, counters: &Counters) {
        if frame.owner() != NO_PORT {
            self.frames.push(frame);
        } else if let Err(frame) = self.answer(frame) {
            count(&counters.answers_full);
            frames.give(frame);
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
        if self.answers.get() >= ANSWERS {
            return Err(frame);
        }
        self.answers.set(self.answers.get() + 1);
        frame.set_owner(NO_PORT);
        self.frames.push(frame);
        Ok(())
    }

    /// Queues a question that others wait for, in front of everything else: there are few, and no stranger
    /// decides how many.
    pub(in crate::net) fn ask(&self, mut question: Frame) {
        self.answers.set(self.answers.get() + 1);
        question.set_owner(NO_PORT);
        self.frames.push_first(question);
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
