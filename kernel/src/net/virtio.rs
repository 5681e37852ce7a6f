//! The stack on a virtio network device.
//!
//! Frames are read where the device put them and written where it fetches them. Checksums are all
//! made and checked here: a device that left one to us has it completed by the driver.

use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use vmos_drivers::virtio::net::{Net, RxFrame, TxSlot};
use vmos_drivers::virtio::transport::Transport;

use super::device::Device;

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
        let (frame, slot) = self.0.receive()?;
        Some((Received(frame), Room(slot)))
    }

    #[inline]
    fn transmit(&mut self, _: Instant) -> Option<Room<'_>> {
        self.0.transmit().map(Room)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.0.max_frame();
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
pub struct Room<'a>(TxSlot<'a>);

impl phy::TxToken for Room<'_> {
    #[inline]
    fn consume<R, F>(self, length: usize, fill: F) -> R
    where
        F: FnOnce(&mut [u8]) -> R,
    {
        self.0.send(length, fill)
    }
}
