//! Watching and restarting a virtio device, for the drivers of all kinds.

use super::device::{Device, GaveUp};
use super::error::{Failure, SetupError};
use super::pulse::Pulse;
use super::transport::{Routing, Transport};
use crate::watched::Watched;

/// The driver of a virtio device: the parts of watching and restarting it that depend on its kind. Every
/// such driver implements [`Watched`] by them.
pub(super) trait Driver {
    /// How the device is reached.
    type Transport: Transport;

    /// Returns the device.
    fn device(&self) -> &Device<Self::Transport>;

    /// Returns the device, to change its state.
    fn device_mut(&mut self) -> &mut Device<Self::Transport>;

    /// Returns the device's progress.
    fn pulse(&mut self) -> Pulse;

    /// Handles what the device reports outside its queues: by default, only that it needs a reset.
    fn configuration_changed(&mut self) {
        if self.device().needs_reset() {
            self.fail(Failure::NeedsReset);
        }
    }

    /// Notifies the device of every queue, even if it has not requested it.
    fn kick(&mut self);

    /// Sends a device that cannot report that it is broken a harmless request. Returns whether one was
    /// sent.
    fn probe(&mut self) -> bool {
        false
    }

    /// Resets the device for the reason given; what it had to do fails.
    fn fail(&mut self, failure: Failure);

    /// Negotiates again with the device, which was reset, and passes empty queues to it.
    ///
    /// # Errors
    ///
    /// The device keeps the [reason](Device::refusal).
    fn restart(&mut self) -> Result<(), GaveUp>;
}

impl<D: Driver> Watched for D {
    #[inline]
    fn failure(&self) -> Option<Failure> {
        self.device().failure()
    }

    fn routing(&self) -> Routing {
        self.device().transport.routing()
    }

    fn configuration_changed(&mut self) {
        Driver::configuration_changed(self);
    }

    #[inline]
    fn pulse(&mut self) -> Pulse {
        Driver::pulse(self)
    }

    #[cold]
    fn inspect(&mut self) {
        self.device_mut().read();
        Driver::configuration_changed(self);
    }

    #[cold]
    fn kick(&mut self) {
        Driver::kick(self);
    }

    #[cold]
    fn probe(&mut self) -> bool {
        Driver::probe(self)
    }

    #[cold]
    fn give_up(&mut self) {
        self.fail(Failure::Silent);
    }

    fn reinitialize(&mut self) -> Result<(), SetupError> {
        self.fail(Failure::Restarted);
        self.restart().map_err(|GaveUp| {
            let error = self.device().refusal();
            self.fail(Failure::Setup(error));
            error
        })
    }
}
