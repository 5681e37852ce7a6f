//! The network devices that the kernel's own stack does not use. They are not used at all, because
//! no other stack is compiled in.

use vmos_drivers::virtio::DeviceKind;
use vmos_drivers::virtio::transport::Routing;

use super::attached::Shared;
use super::drivers::Source;
use super::{Nic, Place};
use crate::driver_cell::Calls;
use crate::time::NEVER;

#[derive(Default)]
pub(super) struct Interfaces {}

#[derive(Default)]
pub(crate) struct Handles {}

impl Handles {
    pub(super) const fn serve(&self, _: usize) {}
}

impl Interfaces {
    pub(super) fn shared(&self) -> impl Iterator<Item = &Shared<Nic>> {
        core::iter::empty()
    }

    pub(super) const fn has_room(&self) -> bool {
        false
    }

    pub(super) fn take<N>(
        &mut self,
        _: &mut Handles,
        _: (DeviceKind, Place),
        _: N,
        _: &'static Calls,
    ) -> Option<(Routing, Source)> {
        None
    }

    #[inline]
    pub(super) fn answer_lines<F>(&self, _: F) -> (bool, bool) {
        (true, false)
    }

    #[inline]
    pub(super) const fn complete(&self) {}

    #[inline]
    pub(super) const fn collect(&self, _: u64, _: usize) -> bool {
        false
    }

    #[inline]
    pub(super) const fn send(&self, _: u64, _: usize) -> u64 {
        NEVER
    }

    #[inline]
    pub(super) const fn has_stack(&self) -> bool {
        false
    }

    #[inline]
    pub(super) const fn due(&self) -> u64 {
        NEVER
    }

    #[inline]
    pub(super) const fn dispatch(&self, _: u64) -> (bool, u64) {
        (false, NEVER)
    }

    pub(super) const fn look(&self, _: u64, _: bool) -> u64 {
        NEVER
    }

    pub(super) const fn first_look(&self, _: bool) -> u64 {
        NEVER
    }
}
