//! Connects the stack to the machine's network device.
//!
//! Frames are read and written where the device accesses them. The stack verifies all checksums,
//! except those that the device has verified or left to be completed. It also computes the
//! checksums of sent frames, unless the device does.

use alloc::rc::Rc;

use vmos_drivers::dma::{Frame, FrameList, Frames};
use vmos_drivers::ethernet::Ethernet;
use vmos_drivers::network::NetworkDevice;
use vmos_drivers::virtio::net::PartialChecksum;
use vmos_drivers::virtio::transport::Transport;

use super::device::Device;
use super::offload;

/// A network device for the stack. It is only a reference, created for each call.
pub struct Wired<'a, T: Transport, E>(pub &'a mut NetworkDevice<T, E>);

impl<T: Transport, E: Ethernet> Device for Wired<'_, T, E> {
    fn mac(&self) -> [u8; 6] {
        self.0.mac()
    }

    fn max_frame(&self) -> usize {
        self.0.max_frame()
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

    // Not inlined, because it is only called for single frames.
    #[inline(never)]
    fn send(&mut self, mut frame: Frame) {
        let partial = begin_checksum(self.0.checksum_offload(), &mut frame);
        if let Err(frame) = self.0.send(frame, partial) {
            self.0.frames().give(frame);
        }
    }

    #[inline]
    fn take_unsent(&mut self) -> usize {
        self.0.take_unsent()
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
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
