//! The stack on a virtio network device.
//!
//! Frames are read where the device put them and written where it fetches them. Checksums are all
//! checked here: a device that left one to us has it completed by the driver. They are made here
//! too, unless the device offers to finish them.

use smoltcp::phy::{self, Checksum, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use vmos_drivers::virtio::net::{Net, OpenFrame, RxFrame, TxSlot};
use vmos_drivers::virtio::transport::Transport;

use super::device::Device;
use super::offload;

/// A virtio network device, as the stack takes it. Made anew for each call: it is only a reference.
pub struct Virtio<'a, T: Transport>(pub &'a mut Net<T>);

impl<T: Transport> phy::Device for Virtio<'_, T> {
    type RxToken<'a>
        = Received<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Room<'a>
    where
        Self: 'a;

    #[inline]
    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Room<'_>)> {
        let offload = self.0.checksum_offload();
        let (frame, slot) = self.0.receive()?;
        Some((Received(frame), Room { slot, offload }))
    }

    #[inline]
    fn transmit(&mut self, _: Instant) -> Option<Room<'_>> {
        let offload = self.0.checksum_offload();
        let slot = self.0.transmit()?;
        Some(Room { slot, offload })
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

impl<T: Transport> Device for Virtio<'_, T> {
    fn mac(&self) -> [u8; 6] {
        self.0.mac()
    }
}

/// A received frame.
pub struct Received<'a>(RxFrame<'a>);

impl phy::RxToken for Received<'_> {
    #[inline]
    fn consume<R, F>(self, take: F) -> R
    where
        F: FnOnce(&[u8]) -> R,
    {
        take(&self.0)
    }
}

/// Room for one frame.
pub struct Room<'a> {
    slot: TxSlot<'a>,
    /// Whether the device finishes checksums.
    offload: bool,
}

impl<'a> Room<'a> {
    // Not inlined, as the next one: the stack sends in many places.
    #[inline(never)]
    fn open(self, length: usize) -> OpenFrame<'a> {
        self.slot.open(length)
    }
}

#[inline(never)]
fn queue(mut frame: OpenFrame<'_>, offload: bool) {
    let partial = offload
        .then(|| offload::begin_checksum(frame.bytes()))
        .flatten();
    frame.queue(partial);
}

impl phy::TxToken for Room<'_> {
    #[inline]
    fn consume<R, F>(self, length: usize, fill: F) -> R
    where
        F: FnOnce(&mut [u8]) -> R,
    {
        let offload = self.offload;
        let mut frame = self.open(length);
        let result = fill(frame.bytes());
        queue(frame, offload);
        result
    }
}
