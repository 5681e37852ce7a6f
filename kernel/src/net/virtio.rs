//! The stack on a virtio network device.
//!
//! Frames are read where the device put them and written where it fetches them. Checksums are all
//! checked by the stack, unless the device vouches for one: it completes those that were left to us.
//! They are made by the stack too, unless the device offers to finish them.

use alloc::rc::Rc;

use smoltcp::phy::{self, Checksum, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use vmos_drivers::dma::{Frame, FrameList, Frames};
use vmos_drivers::virtio::net::{Net, PartialChecksum};
use vmos_drivers::virtio::transport::Transport;

use super::device::Device;
use super::offload;

/// A virtio network device, as the stack takes it. Made anew for each call: it is only a reference.
pub struct Virtio<'a, T: Transport>(pub &'a mut Net<T>);

impl<T: Transport> Device for Virtio<'_, T> {
    fn mac(&self) -> [u8; 6] {
        self.0.mac()
    }

    #[inline]
    fn frames(&self) -> &Rc<Frames> {
        self.0.frames()
    }

    fn finishes_checksums(&self) -> bool {
        self.0.checksum_offload()
    }

    #[inline]
    fn arrived(&mut self) -> usize {
        usize::from(self.0.arrived())
    }

    #[inline]
    fn take(&mut self) -> Option<Frame> {
        self.0.receive()
    }

    #[inline]
    fn room(&mut self) -> usize {
        usize::from(self.0.room())
    }

    // Not inlined: it is called where a frame is sent alone.
    #[inline(never)]
    fn send(&mut self, mut frame: Frame) {
        let partial = begin_checksum(self.0.checksum_offload(), &mut frame);
        if let Err(frame) = self.0.send(frame, partial) {
            self.0.frames().give(frame);
        }
    }

    #[inline]
    fn send_all(
        &mut self,
        waiting: &FrameList,
        most: usize,
        mut tell: impl FnMut(&Frame),
    ) -> usize {
        let offload = self.0.checksum_offload();
        self.0.send_all(waiting, most, |frame| {
            tell(frame);
            begin_checksum(offload, frame)
        })
    }
}

#[inline]
fn begin_checksum(offload: bool, frame: &mut Frame) -> Option<PartialChecksum> {
    if offload {
        offload::begin_checksum(frame.bytes_mut())
    } else {
        None
    }
}

impl<T: Transport> phy::Device for Virtio<'_, T> {
    type RxToken<'a>
        = Nothing
    where
        Self: 'a;
    type TxToken<'a>
        = Room<'a, T>
    where
        Self: 'a;

    /// Frames are taken by [`Device::take`].
    fn receive(&mut self, _: Instant) -> Option<(Nothing, Room<'_, T>)> {
        None
    }

    fn transmit(&mut self, _: Instant) -> Option<Room<'_, T>> {
        if self.0.room() == 0 {
            return None;
        }
        let frame = self.0.frames().take_for(self.0.max_frame()).ok()?;
        Some(Room {
            net: self.0,
            frame: Some(frame),
        })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.0.max_frame();
        if self.0.checksum_offload() {
            // Checked when received; left to the device when sent.
            capabilities.checksum.udp = Checksum::Rx;
            capabilities.checksum.tcp = Checksum::Rx;
        }
        capabilities
    }
}

/// No frame.
pub enum Nothing {}

impl phy::RxToken for Nothing {
    fn consume<R, F>(self, _: F) -> R
    where
        F: FnOnce(&[u8]) -> R,
    {
        match self {}
    }
}

/// Room for one frame, and the frame until it is sent.
pub struct Room<'a, T: Transport> {
    net: &'a mut Net<T>,
    frame: Option<Frame>,
}

impl<T: Transport> Room<'_, T> {
    // Not inlined: the stack sends in many places.
    #[inline(never)]
    fn send(&mut self) {
        if let Some(frame) = self.frame.take() {
            Virtio(self.net).send(frame);
        }
    }
}

impl<T: Transport> phy::TxToken for Room<'_, T> {
    #[inline]
    fn consume<R, F>(mut self, length: usize, fill: F) -> R
    where
        F: FnOnce(&mut [u8]) -> R,
    {
        let bytes = self.frame.as_mut().map(|frame| {
            frame.set_len(length);
            frame.bytes_mut()
        });
        let result = fill(bytes.unwrap_or_default());
        self.send();
        result
    }
}

impl<T: Transport> Drop for Room<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(frame) = self.frame.take() {
            self.net.frames().give(frame);
        }
    }
}
