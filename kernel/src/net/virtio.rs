//! The stack on a virtio network device.
//!
//! Frames are read where the device put them and written where it fetches them. Checksums are all
//! checked by the stack, unless the device vouches for one: it completes those that were left to us.
//! They are made by the stack too, unless the device offers to finish them.

use alloc::rc::Rc;

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
