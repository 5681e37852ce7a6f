//! The network device (virtio 1.2, 5.1).
//!
//! [`Net::receive`] gives a frame away as the device wrote it, and [`Net::send`] takes one: neither
//! copies. The frames come from and go back to one pool, which whoever holds a frame returns it to.

use alloc::rc::Rc;

use super::device::{Device, GaveUp};
use super::error::{Failure, SetupError};
use super::pulse::Pulse;
use super::statistics::QueueStatistics;
use super::transport::{Routing, Transport};
use crate::dma::{Frame, FrameList, Frames};

mod config;
mod header;
mod receive;
mod transmit;

pub use config::Features;
use config::{ETHERNET_MTU, LEAST_MTU, MOST_MTU, choose, frame_limit, read_mtu};
use header::Layout;
use receive::Receive;
pub use transmit::PartialChecksum;
use transmit::Transmit;

/// 5.1.2: the queues where there is no multiqueue feature.
const RECEIVE: u16 = 0;
const TRANSMIT: u16 = 1;

/// Frames on the way in each direction at most, where the device has such long queues.
const DEPTH: u16 = 256;

/// Addresses and type in front of the payload.
const ETHERNET_HEADER: usize = 14;
/// What a tag adds to that.
const VLAN_TAG: usize = 4;

/// What has happened to frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// Received: the device claimed fewer bytes than a frame has, or more than there was room for.
    pub dropped_short: u64,
    /// Received: longer than the MTU allows.
    pub dropped_long: u64,
    /// Received: in a number of buffers that cannot be.
    pub dropped_merge: u64,
    /// Received: with a checksum to be made outside the frame.
    pub dropped_checksum: u64,
    /// Received: there was no memory to take the frame's place in the queue.
    pub dropped_memory: u64,
    /// Received in several buffers and put together.
    pub merged: u64,
    /// To be sent and longer than the MTU allows.
    pub unsent_long: u64,
}

crate::counted!(Statistics {
    dropped_short,
    dropped_long,
    dropped_merge,
    dropped_checksum,
    dropped_memory,
    merged,
    unsent_long,
});

/// A network device.
pub struct Net<T: Transport> {
    device: Device<T>,
    receive: Receive,
    transmit: Transmit,
    frames: Rc<Frames>,
    features: Features,
    mac: [u8; 6],
    mtu: u16,
    /// The longest frame that is sent, in bytes.
    limit: usize,
    link_up: bool,
    statistics: Statistics,
}

/// What a network device is made of, beside the device itself.
struct Parts {
    features: Features,
    mac: [u8; 6],
    mtu: u16,
    limit: usize,
    link_up: bool,
    receive: Receive,
    transmit: Transmit,
    frames: Frames,
}

impl<T: Transport> Net<T> {
    /// Starts the device behind `transport` and lends it every receive buffer.
    ///
    /// # Errors
    ///
    /// [`SetupError`]; the device is then left alone.
    #[inline(never)]
    pub fn new(transport: T) -> Result<Self, SetupError> {
        let mut device = Device::new(transport);
        let Ok(Parts {
            features,
            mac,
            mtu,
            limit,
            link_up,
            receive,
            transmit,
            frames,
        }) = Self::parts(&mut device)
        else {
            return Err(device.refusal());
        };
        // From here on `drop` resets the device before the queues' memory goes.
        let mut net = Self {
            receive,
            transmit,
            frames: Rc::new(frames),
            device,
            features,
            mac,
            mtu,
            limit,
            link_up,
            statistics: Statistics::default(),
        };
        match net.start() {
            Ok(()) => Ok(net),
            Err(GaveUp) => Err(net.device.refusal()),
        }
    }

    /// What the driver needs of a device that was not started yet.
    #[inline(never)]
    fn parts(device: &mut Device<T>) -> Result<Parts, GaveUp> {
        let accepted = device.negotiate(choose)?;
        let features = Features::from_bits_truncate(accepted);
        let layout = Layout::new(accepted);
        let mac = config::read_mac(&device.transport, features);
        let mac = device.done(mac)?;
        let mtu = if features.contains(Features::MTU) {
            let mtu = read_mtu(&device.transport);
            device.done(mtu)?.clamp(LEAST_MTU, MOST_MTU)
        } else {
            ETHERNET_MTU
        };
        let link_up = config::read_link(&device.transport, features);
        let link_up = device.done(link_up)?;
        let limit = frame_limit(mtu);
        // A longer frame comes in several buffers where it may.
        let block = if layout.merged {
            limit.min(frame_limit(ETHERNET_MTU))
        } else {
            limit
        };
        let receive = device.queue(RECEIVE, DEPTH, 0)?;
        let transmit = device.queue(TRANSMIT, DEPTH, 0)?;
        let checksums = features.contains(Features::GUEST_CSUM);
        Ok(Parts {
            receive: device.done(Receive::new(receive, layout, checksums, limit))?,
            transmit: device.done(Transmit::new(transmit, layout))?,
            frames: Frames::new(block),
            features,
            mac,
            mtu,
            limit,
            link_up,
        })
    }

    /// Hands fresh queues to the device and lets it run.
    fn start(&mut self) -> Result<(), GaveUp> {
        let Self {
            device,
            receive,
            transmit,
            frames,
            ..
        } = self;
        receive.doorbell = device.enable_queue(RECEIVE, &receive.queue)?;
        transmit.doorbell = device.enable_queue(TRANSMIT, &transmit.queue)?;
        device.done(receive.fill(frames))?;
        transmit.start(frames);
        device.start();
        if self.receive.queue.publish() {
            self.device.transport.ring(self.receive.doorbell);
        }
        Ok(())
    }

    /// The device's address.
    #[must_use]
    pub const fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// The longest payload of a frame in bytes, without the Ethernet header; 1500 where the device
    /// names no other.
    #[must_use]
    pub const fn mtu(&self) -> u16 {
        self.mtu
    }

    /// The longest frame in bytes, with the Ethernet header and without a tag.
    #[must_use]
    pub const fn max_frame(&self) -> usize {
        ETHERNET_HEADER + self.mtu as usize
    }

    /// Whether the link is up, as the device said last; it is where the device never says.
    #[must_use]
    pub const fn link_up(&self) -> bool {
        self.link_up
    }

    /// Whether a frame may be [sent](Self::send) with a checksum that was only begun.
    #[inline]
    #[must_use]
    pub const fn checksum_offload(&self) -> bool {
        self.features.contains(Features::CSUM)
    }

    /// What was agreed on.
    #[must_use]
    pub const fn features(&self) -> Features {
        self.features
    }

    /// The pool that frames are received from, and that all are to be given back to.
    #[inline]
    #[must_use]
    pub const fn frames(&self) -> &Rc<Frames> {
        &self.frames
    }

    /// Whether the device has put something into a queue that was not seen yet: a frame, or room to
    /// send where that was missing.
    #[inline]
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.receive.queue.has_used() || self.transmit.starved && self.transmit.queue.has_used()
    }

    /// How many frames have arrived and may be [received](Self::receive) now, whether or not there is
    /// room to send: a peer that does not read holds up only what is sent.
    #[inline]
    pub fn arrived(&mut self) -> u16 {
        let arrived = self.receive.queue.look();
        if arrived == 0 {
            self.refuse_broken();
            return 0;
        }
        self.device.found();
        arrived
    }

    /// The next frame of those that had [arrived](Self::arrived) when that was last asked.
    #[inline]
    pub fn receive(&mut self) -> Option<Frame> {
        let frame = self.receive.next(&self.frames, &mut self.statistics);
        if frame.is_none() {
            self.refuse_broken();
        }
        frame
    }

    /// How many frames would be taken to be [sent](Self::send) now.
    #[inline]
    pub fn room(&mut self) -> u16 {
        if self.device.failure().is_some() {
            return 0;
        }
        let room = self.transmit.room(&self.frames);
        if room == 0 {
            self.refuse_broken();
        }
        room
    }

    /// Queues a frame; the device sees it at the next [`publish`](Self::publish), and finishes the
    /// checksum that was only begun, which is for devices with
    /// [`checksum_offload`](Self::checksum_offload) only. A frame longer than
    /// [`max_frame`](Self::max_frame) is counted, and not sent.
    ///
    /// # Errors
    ///
    /// The frame, where there is no [room](Self::room).
    #[inline]
    pub fn send(&mut self, frame: Frame, checksum: Option<PartialChecksum>) -> Result<(), Frame> {
        if self.room() == 0 {
            return Err(frame);
        }
        self.lend(frame, checksum);
        self.check_transmit();
        Ok(())
    }

    /// Queues the frames in `waiting` as [`send`](Self::send) does, at most `most` of them and as many as
    /// there is room for. Each is given to `prepare` before, which says what of its checksum is left to
    /// the device. Returns how many those were.
    #[inline]
    pub fn send_all(
        &mut self,
        waiting: &FrameList,
        most: usize,
        mut prepare: impl FnMut(&mut Frame) -> Option<PartialChecksum>,
    ) -> usize {
        let mut sent = 0;
        let mut room = self.room();
        while sent < most
            && room > 0
            && let Some(mut frame) = waiting.pop()
        {
            let checksum = prepare(&mut frame);
            self.lend(frame, checksum);
            sent += 1;
            room -= 1;
            if room == 0 {
                room = self.room();
            }
        }
        self.check_transmit();
        sent
    }

    #[inline]
    fn check_transmit(&mut self) {
        if self.transmit.queue.broken().is_some() {
            self.refuse_broken();
        }
    }

    /// Lends a frame, for which there is room.
    #[inline(always)]
    fn lend(&mut self, frame: Frame, checksum: Option<PartialChecksum>) {
        let too_long = frame.len() > self.limit;
        let done = if too_long {
            self.statistics.unsent_long += 1;
            Some(frame)
        } else {
            self.transmit.lend(frame, checksum)
        };
        if let Some(done) = done {
            self.frames.give(done);
        }
    }

    /// Makes what was queued, and the frames that took the places of received ones, visible to the
    /// device: at most one kick for each queue.
    #[inline]
    pub fn publish(&mut self) {
        if self.device.failure().is_none() {
            self.publish_running();
        }
    }

    #[inline]
    fn publish_running(&mut self) {
        if self.receive.is_worth_publishing() && self.receive.queue.publish() {
            self.device.transport.ring(self.receive.doorbell);
        }
        if self.transmit.queue.publish() {
            self.device.transport.ring(self.transmit.doorbell);
        }
    }

    /// Notes that a queue is broken, if one is.
    #[cold]
    #[inline(never)]
    fn refuse_broken(&mut self) {
        let queues = [
            (RECEIVE, &self.receive.queue),
            (TRANSMIT, &self.transmit.queue),
        ];
        let broken = queues
            .into_iter()
            .find_map(|(queue, q)| q.broken().map(|refusal| Failure::Queue { queue, refusal }));
        if let Some(failure) = broken {
            self.device.fail(failure);
        }
    }

    /// Asks for an interrupt at the next frame, and at room to send where that was missing. Returns
    /// whether there is one already: then do not sleep.
    #[inline]
    pub fn rearm(&mut self) -> bool {
        if self.device.failure().is_some() {
            return false;
        }
        self.rearm_running()
    }

    #[inline]
    fn rearm_running(&mut self) -> bool {
        let received = self.receive.queue.arm(0);
        received | (self.transmit.starved && self.transmit.rearm())
    }

    /// Acknowledges the device's interrupt; call before [`receive`](Self::receive).
    #[inline]
    pub fn acknowledge_interrupt(&mut self) {
        self.receive.queue.hold();
        if self.device.acknowledge() {
            self.configuration_changed();
        }
    }

    /// Looks at what the device has to say beside its queues, the state of the link for one: for
    /// the interrupt number that [`Routing`] gives for the configuration.
    #[cold]
    pub fn configuration_changed(&mut self) {
        if self.device.failure().is_some() {
            return;
        }
        if self.device.needs_reset() {
            self.device.fail(Failure::NeedsReset);
            return;
        }
        match config::read_link(&self.device.transport, self.features) {
            Ok(link_up) => self.link_up = link_up,
            Err(_error) => {
                self.device.fail(Failure::Configuration);
            }
        }
    }

    /// How far the device has come with what is sent; frames that it is done with go back to the pool.
    #[cold]
    #[must_use]
    pub fn pulse(&mut self) -> Pulse {
        let has_news = self.has_news();
        if !has_news {
            self.transmit.settle(&self.frames);
            self.check_transmit();
        }
        Pulse {
            has_news,
            taken: self.receive.queue.pulse().taken,
            is_unread: self.device.is_unread(),
            listens: true,
            ..self.transmit.queue.pulse()
        }
    }

    /// Reads the device's status, and acknowledges its interrupt whether it came or not: call
    /// [`arrived`](Self::arrived) afterwards.
    #[cold]
    pub fn inspect(&mut self) {
        self.device.read();
        self.configuration_changed();
    }

    /// Kicks both queues though the device has not asked for it.
    #[cold]
    pub fn kick(&self) {
        self.device.kick(self.receive.doorbell);
        self.device.kick(self.transmit.doorbell);
    }

    /// Gives up waiting for the device and resets it. Frames on the way are lost.
    #[cold]
    pub fn give_up(&mut self) {
        self.device.fail(Failure::Silent);
    }

    /// How the device's interrupts arrive.
    #[must_use]
    pub fn routing(&self) -> Routing {
        self.device.transport.routing()
    }

    /// Why the device neither receives nor sends, if it does not.
    #[must_use]
    pub const fn failure(&self) -> Option<Failure> {
        self.device.failure()
    }

    /// What has happened to frames.
    #[must_use]
    pub const fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// What has happened on the receive queue.
    #[must_use]
    pub const fn receive_statistics(&self) -> QueueStatistics {
        self.receive.queue.statistics()
    }

    /// What has happened on the transmit queue.
    #[must_use]
    pub const fn transmit_statistics(&self) -> QueueStatistics {
        self.transmit.queue.statistics()
    }

    /// Resets the device and starts it again. Frames on the way are lost.
    ///
    /// # Errors
    ///
    /// [`SetupError`]; the device then stays failed.
    pub fn reinitialize(&mut self) -> Result<(), SetupError> {
        self.device.fail(Failure::Restarted);
        self.restart().map_err(|GaveUp| {
            let error = self.device.refusal();
            self.device.fail(Failure::Setup(error));
            error
        })
    }

    fn restart(&mut self) -> Result<(), GaveUp> {
        self.device.negotiate_again(choose)?;
        let link_up = config::read_link(&self.device.transport, self.features);
        self.link_up = self.device.done(link_up)?;
        self.device
            .restart_queue(RECEIVE, &mut self.receive.queue)?;
        self.device
            .restart_queue(TRANSMIT, &mut self.transmit.queue)?;
        self.start()
    }
}

impl<T: Transport> Drop for Net<T> {
    fn drop(&mut self) {
        if self.device.transport.reset().is_err() {
            self.receive.leak();
            self.transmit.leak();
        }
    }
}

#[cfg(test)]
mod tests;
