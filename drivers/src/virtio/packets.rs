//! Queues of whole packets, copied to and from memory that the driver owns: for devices whose
//! packets are small or rare, so that a copy costs less than passing buffers on.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::device::{Device, GaveUp};
use super::error::SetupError;
use super::queue::{Queue, Refusal, Segment};
use super::statistics::QueueStatistics;
use super::transport::{Doorbell, Transport};
use crate::dma::{Blocks, OutOfMemory};

/// A queue and its memory: one block for each entry.
struct Lane {
    number: u16,
    queue: Queue,
    memory: Blocks,
    doorbell: Doorbell,
}

impl Lane {
    fn new<T: Transport>(
        device: &mut Device<T>,
        number: u16,
        count: u16,
        size: usize,
    ) -> Result<Self, GaveUp> {
        let queue = device.queue(number, count, 0)?;
        let memory = device.done(Blocks::new(queue.size(), size))?;
        Ok(Self {
            number,
            queue,
            memory,
            doorbell: Doorbell::NONE,
        })
    }

    fn enable<T: Transport>(&mut self, device: &mut Device<T>) -> Result<(), GaveUp> {
        self.doorbell = device.enable_queue(self.number, &self.queue)?;
        Ok(())
    }

    fn publish<T: Transport>(&mut self, transport: &T) {
        if self.queue.publish() {
            transport.ring(self.doorbell);
        }
    }

    fn kick<T: Transport>(&mut self, device: &Device<T>) {
        self.queue.publish_again();
        device.kick(self.doorbell);
    }

    fn refusal(&self) -> Option<(u16, Refusal)> {
        self.queue.broken().map(|refusal| (self.number, refusal))
    }

    fn leak(&mut self) {
        self.queue.leak();
        self.memory.leak();
    }
}

/// Reserves memory for `count` values.
fn reserve<V>(reserve: impl FnOnce() -> Result<V, OutOfMemory>) -> Result<V, SetupError> {
    reserve().map_err(SetupError::OutOfMemory)
}

/// A packet that the device has put into a block.
#[derive(Clone, Copy, Debug)]
struct Arrived {
    head: u16,
    block: u16,
    /// The range of bytes that were not consumed yet.
    start: usize,
    end: usize,
}

/// A queue whose buffers the device fills.
///
/// A buffer returns to the device only when its content was consumed, so a device cannot send more
/// than the driver has memory for.
pub(super) struct Incoming {
    lane: Lane,
    arrived: VecDeque<Arrived>,
}

impl Incoming {
    /// Prepares queue `number` with up to `count` buffers of `size` bytes.
    pub(super) fn new<T: Transport>(
        device: &mut Device<T>,
        number: u16,
        count: u16,
        size: usize,
    ) -> Result<Self, GaveUp> {
        let lane = Lane::new(device, number, count, size)?;
        let mut arrived = VecDeque::new();
        let entries = usize::from(lane.queue.size());
        device.done(reserve(|| {
            let reserved = arrived.try_reserve_exact(entries);
            reserved.map_err(|_error| OutOfMemory {
                bytes: entries * size_of::<Arrived>(),
            })
        }))?;
        Ok(Self { lane, arrived })
    }

    /// Prepares the queue again after a reset of the device; what had arrived is dropped.
    pub(super) fn restart<T: Transport>(&mut self, device: &mut Device<T>) -> Result<(), GaveUp> {
        device.restart_queue(self.lane.number, &mut self.lane.queue)?;
        self.arrived.clear();
        Ok(())
    }

    /// Passes the queue to the device, with all buffers.
    pub(super) fn enable<T: Transport>(&mut self, device: &mut Device<T>) -> Result<(), GaveUp> {
        self.lane.enable(device)?;
        let Lane { queue, memory, .. } = &mut self.lane;
        for block in 0..queue.size() {
            queue.lend_one(
                Segment::writable(memory.address(block), memory.size() as u32),
                block,
            );
        }
        Ok(())
    }

    /// Finds up to `budget` packets that have arrived. Returns the number.
    pub(super) fn collect(&mut self, budget: usize) -> usize {
        let mut count = 0;
        while count < budget
            && let Some(used) = self.lane.queue.take()
        {
            count += 1;
            if used.len == 0 {
                self.lane.queue.lend_again(used.head);
                continue;
            }
            // Within the reserved capacity: each entry is in the queue or here.
            self.arrived.push_back(Arrived {
                head: used.head,
                block: used.owner,
                start: 0,
                end: used.len as usize,
            });
        }
        count
    }

    /// Returns what is left of the oldest packet.
    pub(super) fn first(&self) -> Option<&[u8]> {
        let packet = self.arrived.front()?;
        let len = packet.end - packet.start;
        Some(self.lane.memory.bytes(packet.block, packet.start, len))
    }

    /// Returns whether there is a packet.
    pub(super) fn has_packet(&self) -> bool {
        !self.arrived.is_empty()
    }

    /// Consumes `count` bytes of the oldest packet; its buffer returns to the device after the
    /// last one.
    pub(super) fn consume(&mut self, count: usize) {
        let Some(packet) = self.arrived.front_mut() else {
            return;
        };
        packet.start = packet.start.saturating_add(count).min(packet.end);
        if packet.start == packet.end {
            let head = packet.head;
            self.arrived.pop_front();
            self.lane.queue.lend_again(head);
        }
    }

    /// Consumes all of the oldest packet.
    pub(super) fn consume_packet(&mut self) {
        self.consume(usize::MAX);
    }
}

/// A queue of packets for the device, each copied into memory of the driver.
pub(super) struct Outgoing {
    lane: Lane,
    /// The blocks that the device does not have.
    free: Vec<u16>,
}

impl Outgoing {
    /// Prepares queue `number` for up to `count` packets of `size` bytes.
    pub(super) fn new<T: Transport>(
        device: &mut Device<T>,
        number: u16,
        count: u16,
        size: usize,
    ) -> Result<Self, GaveUp> {
        let lane = Lane::new(device, number, count, size)?;
        let mut free = Vec::new();
        let entries = usize::from(lane.queue.size());
        device.done(reserve(|| {
            let reserved = free.try_reserve_exact(entries);
            reserved.map_err(|_error| OutOfMemory {
                bytes: entries * size_of::<u16>(),
            })
        }))?;
        free.extend(0..lane.queue.size());
        Ok(Self { lane, free })
    }

    /// Prepares the queue again after a reset of the device; packets that it had are dropped.
    pub(super) fn restart<T: Transport>(&mut self, device: &mut Device<T>) -> Result<(), GaveUp> {
        device.restart_queue(self.lane.number, &mut self.lane.queue)?;
        self.free.clear();
        // Within the capacity reserved in `new`.
        self.free.extend(0..self.lane.queue.size());
        Ok(())
    }

    /// Passes the queue to the device.
    pub(super) fn enable<T: Transport>(&mut self, device: &mut Device<T>) -> Result<(), GaveUp> {
        self.lane.enable(device)
    }

    /// Returns how many more packets fit.
    pub(super) fn room(&self) -> usize {
        self.free.len()
    }

    /// Returns how many packets fit at once.
    pub(super) fn size(&self) -> usize {
        usize::from(self.lane.queue.size())
    }

    /// Queues a packet of `parts`, as far as they fit into one. Returns how many bytes do; `None`
    /// without [room](Self::room).
    pub(super) fn push(&mut self, parts: &[&[u8]]) -> Option<usize> {
        let block = self.free.pop()?;
        let Lane { queue, memory, .. } = &mut self.lane;
        let mut len = 0;
        for part in parts {
            let count = part.len().min(memory.size() - len);
            memory
                .bytes_mut(block, len, count)
                .copy_from_slice(&part[..count]);
            len += count;
        }
        let segment = Segment::readable(memory.address(block), len as u32);
        if queue.lend_one(segment, block).is_none() {
            // There are as many descriptors as blocks.
            self.free.push(block);
            return None;
        }
        Some(len)
    }

    /// Takes back the blocks of up to `budget` packets that the device has read. Returns the
    /// number.
    pub(super) fn collect(&mut self, budget: usize) -> usize {
        let mut count = 0;
        while count < budget
            && let Some(used) = self.lane.queue.take()
        {
            self.lane.queue.free(used.head);
            // Within the reserved capacity: each block is in the queue or here.
            self.free.push(used.owner);
            count += 1;
        }
        count
    }

    /// Returns how many packets the device has, and how many it has returned since the last reset.
    pub(super) fn progress(&self) -> (u16, u16, u32) {
        let pulse = self.lane.queue.pulse();
        (pulse.in_flight, pulse.answered, pulse.oldest)
    }
}

/// What both directions have in common.
macro_rules! both {
    ($($name:ident),*) => {$(
        impl $name {
            /// Makes what was queued visible to the device, with at most one notification.
            pub(super) fn publish<T: Transport>(&mut self, transport: &T) {
                self.lane.publish(transport);
            }

            /// Notifies the device even if it has not requested it.
            #[cold]
            pub(super) fn kick<T: Transport>(&mut self, device: &Device<T>) {
                self.lane.kick(device);
            }

            /// Disables interrupts until the queue is armed.
            pub(super) fn hold(&mut self) {
                self.lane.queue.hold();
            }

            /// Requests an interrupt. Returns whether there is something to collect already.
            pub(super) fn arm(&mut self) -> bool {
                self.lane.queue.arm(0)
            }

            /// Returns whether the device has returned something that was not collected yet.
            pub(super) fn has_news(&self) -> bool {
                self.lane.queue.has_used()
            }

            /// Returns the queue's number and how the device violated the protocol, if it did.
            pub(super) fn refusal(&self) -> Option<(u16, Refusal)> {
                self.lane.refusal()
            }

            /// Returns the counts of the queue.
            pub(super) const fn statistics(&self) -> QueueStatistics {
                self.lane.queue.statistics()
            }

            /// Leaks the memory, for a device that could not be stopped.
            pub(super) fn leak(&mut self) {
                self.lane.leak();
            }
        }
    )*};
}

both!(Incoming, Outgoing);
