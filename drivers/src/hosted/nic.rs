//! A network device (virtio 1.2, 5.1) whose frames travel over a [`Wire`].

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use std::os::fd::BorrowedFd;

use rustix::event::PollFlags;

use super::ring::{Chain, DeviceQueue};
use super::slot::Device;
use super::wire::{LARGEST_FRAME, Wire};
use crate::virtio::DeviceKind;

/// The size of the header before each frame (5.1.6).
const HEADER: usize = 12;
/// The number of buffers of a received frame, in the header: one (5.1.6.4).
const BUFFERS: [u8; 2] = 1_u16.to_le_bytes();

/// The feature bits (5.1.3).
mod feature {
    pub(super) const MAC: u64 = 1 << 5;
    pub(super) const STATUS: u64 = 1 << 16;
}

/// The bit of the status that says that the link is up (5.1.4).
const LINK_UP: u16 = 1;

/// A network device.
pub struct Nic {
    mac: [u8; 6],
    wire: Box<dyn Wire>,
    /// A chain for the next frame.
    room: Option<Chain>,
    frame: Vec<u8>,
}

impl Nic {
    /// Makes a network device of a wire.
    #[must_use]
    pub fn new(mac: [u8; 6], wire: impl Wire + 'static) -> Self {
        Self {
            mac,
            wire: Box::new(wire),
            room: None,
            frame: vec![0; LARGEST_FRAME],
        }
    }

    fn receive(&mut self, queue: &mut DeviceQueue) {
        loop {
            if self.room.is_none() {
                self.room = queue.pop();
            }
            let Some(mut chain) = self.room.take() else {
                return;
            };
            let Some(len) = self.wire.receive(&mut self.frame) else {
                self.room = Some(chain);
                return;
            };
            let mut header = [0; HEADER];
            header[HEADER - BUFFERS.len()..].copy_from_slice(&BUFFERS);
            let frame = self.frame.get(..len).unwrap_or_default();
            if HEADER + frame.len() > chain.room() {
                // Longer than the driver's buffers: a device drops it.
                self.room = Some(chain);
                continue;
            }
            let written = chain.write(0, &header) + chain.write(HEADER, frame);
            queue.push(chain, written);
        }
    }

    fn transmit(&mut self, queue: &mut DeviceQueue) {
        while let Some(chain) = queue.pop() {
            let bytes = chain.bytes();
            if let Some(frame) = bytes.get(HEADER..) {
                // A wire that takes no more loses frames, as networks do.
                self.wire.send(frame);
            }
            queue.push(chain, 0);
        }
    }
}

impl Device for Nic {
    fn kind(&self) -> DeviceKind {
        DeviceKind::NET
    }

    fn features(&self) -> u64 {
        feature::MAC | feature::STATUS
    }

    fn queues(&self) -> &'static [u16] {
        &[256, 256]
    }

    fn config(&self) -> Vec<u8> {
        let mut config = self.mac.to_vec();
        config.extend(LINK_UP.to_le_bytes());
        config
    }

    fn serve(&mut self, queues: &mut [Option<DeviceQueue>]) {
        let [receive, transmit] = queues else { return };
        if let Some(queue) = transmit {
            self.transmit(queue);
        }
        if let Some(queue) = receive {
            self.receive(queue);
        }
    }

    fn reset(&mut self) {
        self.room = None;
    }

    fn awaited(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        // Without room for a frame, there is nothing to do for one that arrives.
        let (descriptor, flags) = self.wire.awaited()?;
        let flags = match self.room {
            Some(_) => flags,
            None => flags - PollFlags::IN,
        };
        (!flags.is_empty()).then_some((descriptor, flags))
    }
}
