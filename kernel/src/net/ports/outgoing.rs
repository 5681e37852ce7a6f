//! Datagrams that wait to be sent.

use core::cell::Cell;
use core::net::SocketAddrV4;

use vmos_drivers::dma::{Frame, FrameList, Frames, OutOfMemory};

use super::{Port, UDP_PAYLOAD, copy, counted};
use crate::net::device::Device;
use crate::net::packet::{self, Destination, HEADERS, Mac, Own, Sums};
use crate::net::protocols::cut;
use crate::net::statistics::{Counters, count};

/// The owner of frames that belong to no port.
const NO_PORT: u16 = u16::MAX;

/// The largest number of waiting answers: as many as a device has room for. Answers are dropped
/// only if they wait behind the frames of ports.
const ANSWERS: usize = 256;

/// The longest frame whose packet no link in use fragments: every machine accepts packets of 576
/// bytes (RFC 791, 3.1).
const ALWAYS_PASSED: usize = 14 + 576;

/// The queued datagrams of all ports, and the answers of protocols, in the order in which they were
/// queued.
pub(in crate::net) struct Outgoing {
    /// The queued frames. Each is owned by the port with that index, or by [`NO_PORT`].
    pub(super) frames: FrameList,
    /// The number of frames owned by no port.
    answers: Cell<usize>,
    /// The machine's address; [`Own::NONE`] if it has none.
    own: Cell<Own>,
    /// Whether the stack or the device computes checksums.
    sums: Sums,
    /// The longest payload that fits in a frame, in bytes.
    longest: usize,
    /// The length of the longest frame, in bytes.
    longest_frame: usize,
    /// Frames that wait for their destination hardware address, in the order in which they were
    /// queued.
    pub(in crate::net) waiting: FrameList,
    /// The identification of the next fragmented datagram.
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
            own: Cell::new(Own::NONE),
            sums,
            longest: longest_frame.saturating_sub(HEADERS).min(UDP_PAYLOAD),
            longest_frame,
            waiting: FrameList::new(),
            identification: Cell::new(identification),
        }
    }

    /// Returns the machine's address, if it has one.
    #[inline]
    pub(in crate::net) fn own(&self) -> Option<Own> {
        Some(self.own.get()).filter(|own| !own.is_none())
    }

    /// Returns the machine's address to [receive](Own::receive) with: with [`Own::NONE`], nothing is
    /// received.
    #[inline]
    pub(in crate::net) fn receiver(&self) -> Own {
        self.own.get()
    }

    /// Sets the machine's address. Queued datagrams with another source address are dropped.
    pub(super) fn set_own(&self, own: Option<Own>, frames: &Frames) {
        self.own.set(own.unwrap_or(Own::NONE));
        #[cfg(feature = "ipv6")]
        return self.keep_ipv6(frames);
        #[cfg(not(feature = "ipv6"))]
        self.answers.set(0);
        #[cfg(not(feature = "ipv6"))]
        for list in [&self.frames, &self.waiting] {
            list.retain(|_| false, |frame| frames.give(frame));
        }
    }

    /// Drops all frames but the answers over IPv6, whose addresses are others.
    #[cfg(feature = "ipv6")]
    fn keep_ipv6(&self, frames: &Frames) {
        use crate::net::ipv6::ETHERTYPE;
        let is_kept =
            |frame: &Frame| frame.owner() == NO_PORT && packet::ethertype(frame) == ETHERTYPE;
        self.waiting.retain(is_kept, |frame| frames.give(frame));
        let mut kept = 0;
        let keep = |frame: &Frame| {
            kept += usize::from(is_kept(frame));
            is_kept(frame)
        };
        self.frames.retain(keep, |frame| frames.give(frame));
        self.answers.set(kept);
    }

    /// Returns the longest payload that fits in a frame, in bytes.
    pub(super) const fn longest(&self) -> usize {
        self.longest
    }

    /// Returns whether a payload fits in one frame.
    #[inline]
    pub(in crate::net) fn fits(&self, length: usize) -> bool {
        length <= self.longest
    }

    /// Returns whether nothing is queued.
    #[inline]
    pub(in crate::net) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Queues the datagram with the payload in `frame` for `port`, which must have
    /// [room](Port::can_send).
    #[inline]
    pub(in crate::net) fn send(&self, port: &Port, mut frame: Frame, to: Destination) {
        if let Some(own) = self.own() {
            own.send(&mut frame, port.number, to, self.sums);
            port.queued(counted(&frame));
            self.queue(port, frame);
        }
    }

    /// Queues a datagram that takes more than one frame, goes to more than one machine, has a time to
    /// live of its own, or must wait for its hardware address, which has been requested.
    ///
    /// # Errors
    ///
    /// If there is no memory for all of it; nothing is queued.
    #[cold]
    pub(in crate::net) fn send_otherwise(
        &self,
        port: &Port,
        mut frame: Frame,
        to: Destination,
        frames: &Frames,
    ) -> Result<(), OutOfMemory> {
        let Some(own) = self.own() else {
            return Ok(());
        };
        let fits = frame.len() <= self.longest_frame;
        // No device computes the checksum of fragments.
        let sums = if fits { self.sums } else { Sums::Made };
        own.send(&mut frame, port.number, to, sums);
        let hops = if to.is_group() {
            Some(port.group_hops.get())
        } else {
            port.hops()
        };
        if let Some(hops) = hops {
            packet::set_time_to_live(&mut frame, hops);
        }
        let pieces = if fits {
            self.allow_fragments(&mut frame);
            let whole = FrameList::new();
            whole.push(frame);
            whole
        } else {
            cut(&frame, self.longest_frame, self.identify(), frames)?
        };
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
            port.queued(counted(&frame));
            frame.set_owner(port.index);
            list.push(frame);
        }
    }

    /// Returns a frame with a datagram from the DHCP client's port; the machine need not have an
    /// address. The destination hardware address is missing.
    ///
    /// # Errors
    ///
    /// If there is no memory for it.
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

    /// Queues the frame with a datagram of `port` over IPv6; it may have to wait for its hardware
    /// address.
    #[cfg(feature = "ipv6")]
    pub(in crate::net) fn push(&self, port: &Port, mut frame: Frame, waits: bool) {
        port.queued(counted(&frame));
        frame.set_owner(port.index);
        if waits {
            self.waiting.push(frame);
        } else {
            self.frames.push(frame);
        }
    }

    /// Returns the length of the longest frame, in bytes.
    pub(in crate::net) fn longest_frame(&self) -> usize {
        self.longest_frame
    }

    /// Returns an identification for the fragments of a datagram.
    pub(in crate::net) fn identify(&self) -> u16 {
        let identification = self.identification.get().wrapping_add(1);
        self.identification.set(identification);
        identification
    }

    /// Makes a frame that no port owns wait for its destination hardware address.
    pub(in crate::net) fn wait(&self, mut frame: Frame) {
        frame.set_owner(NO_PORT);
        self.waiting.push(frame);
    }

    /// Queues a frame that waited. A frame that no port owns is dropped if too many are queued.
    pub(in crate::net) fn release(&self, frame: Frame, frames: &Frames, counters: &Counters) {
        if frame.owner() != NO_PORT {
            self.frames.push(frame);
        } else if let Err(frame) = self.answer(frame) {
            count(&counters.answers_full);
            frames.give(frame);
        }
    }

    /// Queues a datagram that `port` received to be sent back to its sender.
    ///
    /// # Errors
    ///
    /// Returns the unchanged frame if it has no source to reply to or an unknown one, if it is
    /// longer than a frame, if the port has a time to live of its own, if this machine has no address,
    /// or if there is no room.
    #[inline(always)]
    pub(in crate::net) fn send_back(&self, port: &Port, mut frame: Frame) -> Result<(), Frame> {
        let length = frame.len() - HEADERS;
        let Some(own) = self.own() else {
            return Err(frame);
        };
        if !port.is_usual(length) || !packet::is_answerable(&frame) || !port.reserve(length) {
            return Err(frame);
        }
        own.send_back(&mut frame, port.number, self.sums);
        self.queue(port, frame);
        Ok(())
    }

    /// Queues a protocol's answer to a received frame.
    ///
    /// # Errors
    ///
    /// Returns the frame if too many answers are waiting.
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

    /// Returns whether this many answers can be queued.
    #[inline]
    pub(in crate::net) fn has_room_for_answers(&self, number: usize) -> bool {
        self.answers.get() + number <= ANSWERS
    }

    /// Returns how many answers can be queued.
    pub(in crate::net) fn answerable(&self) -> usize {
        ANSWERS.saturating_sub(self.answers.get())
    }

    /// Queues an ARP request before all other frames, because frames wait for its answer. Other
    /// machines cannot cause many requests.
    pub(in crate::net) fn ask(&self, mut question: Frame) {
        self.answers.set(self.answers.get() + 1);
        question.set_owner(NO_PORT);
        self.frames.push_first(question);
    }

    /// Records that an answer was sent.
    #[inline]
    pub(super) fn answered(&self) {
        self.answers.set(self.answers.get() - 1);
    }

    /// Lets routers fragment a long packet: datagrams and echo replies have no path MTU discovery,
    /// so this machine does not learn that a packet is too long (RFC 1191, 3; RFC 6864, 4.3).
    #[inline]
    pub(in crate::net) fn allow_fragments(&self, frame: &mut Frame) {
        if frame.len() > ALWAYS_PASSED {
            packet::set_fragment(frame, self.identify(), 0, false);
        }
    }

    /// Queues a frame of `port`, which was counted there.
    #[inline]
    fn queue(&self, port: &Port, mut frame: Frame) {
        self.allow_fragments(&mut frame);
        frame.set_owner(port.index);
        self.frames.push(frame);
    }
}
