//! The devices of kinds that only some apps use. None is used, because no such kind is compiled in.

use vmos_drivers::virtio::transport::Routing;
use vmos_drivers::virtio::{DeviceKind, SetupError};

use super::drivers::Source;
use super::{DeviceStatistics, Place};
use crate::driver_cell::Calls;
use crate::time::NEVER;

#[derive(Default)]
pub(super) struct Further {}

#[derive(Default)]
pub(crate) struct Handles {}

impl Handles {
    pub(super) const fn serve(&self, _: usize) {}
}

impl Further {
    pub(super) fn take<T>(
        &mut self,
        _: &mut Handles,
        _: (DeviceKind, Place),
        _: T,
        _: &'static Calls,
    ) -> Option<Result<(Routing, Source), SetupError>> {
        None
    }

    #[inline]
    pub(super) fn answer_lines<F>(&self, _: F) -> (bool, bool) {
        (true, false)
    }

    #[inline]
    pub(super) const fn complete(&self) -> bool {
        false
    }

    #[inline]
    pub(super) const fn dispatch(&self, _: u64) -> (bool, u64) {
        (false, NEVER)
    }

    pub(super) const fn look(&self, _: u64, _: bool) -> u64 {
        NEVER
    }

    pub(super) const fn listen(&self) -> bool {
        false
    }

    pub(super) const fn first_look(&self, _: bool) -> u64 {
        NEVER
    }

    pub(super) fn statistics<F>(&self, _: F) -> impl Iterator<Item = DeviceStatistics> + use<F> {
        core::iter::empty()
    }
}
