//! The network device (virtio 1.2, 5.1).
//!
//! [`Net::receive`] returns the frame that the device wrote, and [`Net::send`] takes one; neither
//! copies. All frames belong to one pool; the owner of a frame returns it there.

use alloc::rc::Rc;
use core::mem;

use super::device::{Device, GaveUp};
use super::driver::Driver;
use super::error::{Failure, SetupError};
use super::transport::Transport;
use crate::dma::{Frame, FrameList, Frames};

mod config;
mod header;
mod health;
mod receive;
mod transmit;

pub use config::Features;
use config::{ETHERNET_MTU, LEAST_MTU, MOST_MTU, choose, frame_limit, read_mtu};
use header::Layout;
use receive::Receive;
pub use transmit::PartialChecksum;
use transmit::Transmit;

/// 5.1.2: the queues, without the multiqueue feature.
const RECEIVE: u16 = 0;
const TRANSMIT: u16 = 1;

/// The wanted number of queue entries: the largest number of frames in flight in each direction.
const DEPTH: u16 = 256;

/// The length of the addresses and the type before the payload, in bytes.
const ETHERNET_HEADER: usize = 14;
/// The length of a VLAN tag in bytes.
const VLAN_TAG: usize = 4;

/// The counts of frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// Received frames dropped because the device reported fewer bytes than a header, or more than
    /// the buffer.
    pub dropped_short: u64,
    /// Received frames dropped because they were longer than the MTU allows.
    pub dropped_long: u64,
    /// Received frames dropped because their number of buffers was invalid.
    pub dropped_merge: u64,
    /// Received frames dropped because their checksum field was outside the frame.
    pub dropped_checksum: u64,
    /// Received frames dropped because there was no memory for a replacement in the queue.
    pub dropped_memory: u64,
    /// Received frames in several buffers that were merged.
    pub merged: u64,
    /// Frames not sent because they were longer than the MTU allows.
    pub unsent_long: u64,
    /// Frames not sent because the device had just violated the protocol of the transmit queue.
    pub unsent_broken: u64,
}

crate::counted!(Statistics {
    dropped_short,
    dropped_long,
    dropped_merge,
    dropped_checksum,
    dropped_memory,
    merged,
    unsent_long,
    unsent_broken,
});

/// The driver for a network device.
pub struct Net<T: Transport> {
    device: Device<T>,
    receive: Receive,
    transmit: Transmit,
    frames: Rc<Frames>,
    features: Features,
    mac: [u8; 6],
    mtu: u16,
    /// The longest frame that can be sent, in bytes.
    limit: usize,
    link_up: bool,
    statistics: Statistics,
    /// The number of frames that were queued to be sent and dropped instead.
    unsent: usize,
}

/// The parts of a network device, besides the virtio device.
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
    /// Starts the device at `transport` and lends it all receive buffers.
    ///
    /// # Errors
    ///
    /// Returns [`SetupError`]; the device is then not used.
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
        // From here on, `drop` resets the device before the queues' memory is freed.
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
            unsent: 0,
        };
        match net.start() {
            Ok(()) => Ok(net),
            Err(GaveUp) => Err(net.device.refusal()),
        }
    }

    /// Prepares what the driver needs before the device is started.
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
        // Longer frames arrive in several buffers, if the device supports that.
        let block = if layout.merged {
            limit.min(frame_limit(ETHERNET_MTU))
        } else {
            limit
        };
        let receive = device.queue(RECEIVE, DEPTH, 0)?;
        let transmit = device.queue(TRANSMIT, DEPTH, 0)?;
        let checksums = features.contains(Features::GUEST_CSUM);
        Ok(Parts {
            receive: Receive::new(receive, layout, checksums, limit),
            transmit: Transmit::new(transmit, layout),
            frames: Frames::new(block),
            features,
            mac,
            mtu,
            limit,
            link_up,
        })
    }

    /// Passes empty queues to the device and starts it.
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

    /// Does nothing: see [`Transport::exists`].
    #[inline(always)]
    pub(crate) fn exists(&self) {
        self.device.transport.exists();
    }

    /// Returns the hardware address.
    #[must_use]
    pub const fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// Returns the longest payload of a frame in bytes, without the Ethernet header; 1500 if the
    /// device does not state it.
    #[must_use]
    pub const fn mtu(&self) -> u16 {
        self.mtu
    }

    /// Returns the longest frame in bytes, with the Ethernet header and without a VLAN tag.
    #[must_use]
    pub const fn max_frame(&self) -> usize {
        ETHERNET_HEADER + self.mtu as usize
    }

    /// Returns whether the link is up, as last reported; true if the device does not report it.
    #[must_use]
    pub const fn link_up(&self) -> bool {
        self.link_up
    }

    /// Returns whether frames may be [sent](Self::send) with a partial checksum.
    #[inline]
    #[must_use]
    pub const fn checksum_offload(&self) -> bool {
        self.features.contains(Features::CSUM)
    }

    /// Returns the features in use.
    #[must_use]
    pub const fn features(&self) -> Features {
        self.features
    }

    /// Returns the pool of all frames, received and sent.
    #[inline]
    #[must_use]
    pub const fn frames(&self) -> &Rc<Frames> {
        &self.frames
    }

    /// Returns whether the device has put something into a queue that was not processed yet: a
    /// frame, or room to send after there was none.
    #[inline]
    #[must_use]
    pub fn has_news(&mut self) -> bool {
        self.receive.queue.look() > 0 || self.transmit.starved && self.transmit.queue.has_used()
    }

    /// Returns how many frames have arrived and can be [received](Self::receive) now. This does not
    /// depend on room to send, so a peer that does not read only blocks sending.
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

    /// Returns the next frame of those counted by the last call of [`arrived`](Self::arrived).
    #[inline]
    pub fn receive(&mut self) -> Option<Frame> {
        let frame = self.receive.next(&self.frames, &mut self.statistics);
        if frame.is_none() {
            self.refuse_broken();
        }
        frame
    }

    /// Returns how many frames can be [sent](Self::send) now.
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

    #[inline(never)]
    fn find_room(&mut self) -> bool {
        self.room() > 0
    }

    /// Queues a frame. The device sees it after the next [`publish`](Self::publish), and completes
    /// its partial checksum; only devices with [`checksum_offload`](Self::checksum_offload) support
    /// that. A frame longer than [`max_frame`](Self::max_frame) is counted and not sent.
    ///
    /// # Errors
    ///
    /// Returns the frame if there is no [room](Self::room).
    #[inline]
    pub fn send(&mut self, frame: Frame, checksum: Option<PartialChecksum>) -> Result<(), Frame> {
        if self.room() == 0 {
            return Err(frame);
        }
        self.lend(frame, checksum, self.transmit.queue.found() > 0);
        self.check_transmit();
        Ok(())
    }

    /// Queues frames of `waiting` like [`send`](Self::send): at most `most`, and as many as there
    /// is room for. Each is first passed to `prepare`, which returns its partial checksum, if any.
    /// Returns the number.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    pub fn send_all(
        &mut self,
        waiting: &FrameList,
        most: usize,
        mut prepare: impl FnMut(&mut Frame) -> Option<PartialChecksum>,
    ) -> usize {
        if self.device.failure().is_some() {
            return 0;
        }
        let mut left = most;
        while left > 0 && !waiting.is_empty() {
            let mut sent_before = self.transmit.queue.found();
            if sent_before == 0 {
                if !self.find_room() {
                    break;
                }
                sent_before = self.transmit.queue.found();
            }
            let Some(mut frame) = waiting.pop() else {
                break;
            };
            let checksum = prepare(&mut frame);
            self.lend(frame, checksum, sent_before > 0);
            left -= 1;
        }
        self.check_transmit();
        most - left
    }

    /// Returns how many frames given to [`send`](Self::send) or [`send_all`](Self::send_all) were
    /// dropped since the last call, because they were too long or the queue broke.
    #[inline]
    pub fn take_unsent(&mut self) -> usize {
        match self.unsent {
            0 => 0,
            _ => mem::take(&mut self.unsent),
        }
    }

    #[inline]
    fn check_transmit(&mut self) {
        if self.transmit.queue.broken().is_some() {
            self.refuse_broken();
        }
    }

    /// Lends a frame, for which there must be room: in place of a sent one that was found, if there is
    /// one.
    #[inline(always)]
    fn lend(&mut self, frame: Frame, checksum: Option<PartialChecksum>, any_found: bool) {
        let too_long = frame.len() > self.limit;
        let done = if too_long {
            self.statistics.unsent_long += 1;
            self.unsent += 1;
            Some(frame)
        } else {
            self.transmit.lend(frame, checksum, any_found)
        };
        if let Some(done) = done {
            self.frames.give(done);
        }
    }

    /// Makes queued frames, and the replacements of received ones, visible to the device, with at
    /// most one notification per queue.
    #[inline]
    pub fn publish(&mut self) {
        if self.device.failure().is_none() {
            self.publish_running();
        }
    }

    /// Publishes like [`publish`](Self::publish); then, if `rearm` is set, requests interrupts and
    /// returns the same as [`rearm`](Self::rearm). Returns `None` if the device does not work.
    #[inline]
    pub fn dispatch(&mut self, rearm: bool) -> Option<bool> {
        if self.device.failure().is_some() {
            return None;
        }
        self.publish_running();
        Some(rearm && self.rearm_running())
    }

    #[inline]
    fn publish_running(&mut self) {
        if self.receive.is_worth_publishing() && self.receive.queue.publish() {
            self.device.transport.ring(self.receive.doorbell);
        }
        if self.transmit.publish() {
            self.device.transport.ring(self.transmit.doorbell);
        }
    }

    /// Records a failure if a queue is broken.
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
        let unlent = mem::take(&mut self.transmit.unlent);
        self.unsent += unlent;
        self.statistics.unsent_broken += unlent as u64;
        if let Some(failure) = broken {
            self.device.fail(failure);
        }
    }

    /// Requests an interrupt at the next frame, and at room to send if there is none. Returns
    /// whether there is one already; the caller must not sleep then.
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
}

impl<T: Transport> Drop for Net<T> {
    fn drop(&mut self) {
        if self.device.transport.reset().is_err() {
            self.receive.queue.leak();
            self.transmit.queue.leak();
        }
    }
}

#[cfg(test)]
mod tests;
