//! The transport of a bus that a board does not have.

use super::super::queue::QueueAddresses;
use super::super::{DeviceKind, SetupError};
use super::{Doorbell, MmioTransport, PciTransport, Transport};

/// The transport of a bus that the board does not have. It has no value, so the compiler omits all
/// code for it.
#[derive(Debug)]
pub enum Absent {}

impl<R> TryFrom<MmioTransport<R>> for Absent {
    type Error = ();

    fn try_from(_: MmioTransport<R>) -> Result<Self, ()> {
        Err(())
    }
}

impl<R> TryFrom<PciTransport<R>> for Absent {
    type Error = ();

    fn try_from(_: PciTransport<R>) -> Result<Self, ()> {
        Err(())
    }
}

impl Transport for Absent {
    fn kind(&self) -> DeviceKind {
        match *self {}
    }

    #[inline(always)]
    fn exists(&self) {
        match *self {}
    }

    fn is_legacy(&self) -> bool {
        match *self {}
    }

    fn status(&self) -> u8 {
        match *self {}
    }

    fn set_status(&mut self, _: u8) {
        match *self {}
    }

    fn device_features(&mut self) -> u64 {
        match *self {}
    }

    fn set_driver_features(&mut self, _: u64) {
        match *self {}
    }

    fn queue_max_size(&mut self, _: u16) -> u16 {
        match *self {}
    }

    fn enable_queue(&mut self, _: u16, _: u16, _: QueueAddresses) -> Result<Doorbell, SetupError> {
        match *self {}
    }

    fn ring(&self, _: Doorbell) {
        match *self {}
    }

    fn acknowledge(&mut self, _: bool) -> bool {
        match *self {}
    }

    fn config_generation(&self) -> u32 {
        match *self {}
    }

    fn config_len(&self) -> usize {
        match *self {}
    }

    fn config8(&self, _: usize) -> u8 {
        match *self {}
    }

    fn config16(&self, _: usize) -> u16 {
        match *self {}
    }

    fn config32(&self, _: usize) -> u32 {
        match *self {}
    }

    fn write_config32(&mut self, _: usize, _: u32) {
        match *self {}
    }
}
