//! What all drivers do with their device: start it, stop it, handle its interrupts.

use super::error::{Failure, SetupError};
use super::features::{COMMON, Features, LEGACY};
use super::queue::{Queue, fitting_size};
use super::transport::{Doorbell, Transport, status};
use crate::barrier;

/// The set-up of a device failed. The device keeps the [reason](Device::refusal), because functions
/// that return the error itself need much more code.
#[derive(Clone, Copy, Debug)]
pub(super) struct GaveUp;

/// A device and its state.
pub(super) struct Device<T> {
    pub(super) transport: T,
    features: u64,
    failure: Option<Failure>,
    /// Whether something was found in a queue since the last interrupt.
    busy: bool,
}

impl<T: Transport> Device<T> {
    /// Creates the state of a device that has not been used yet.
    pub(super) const fn new(transport: T) -> Self {
        Self {
            transport,
            features: 0,
            failure: None,
            busy: false,
        }
    }

    /// Resets the device and negotiates features: the common ones, and those that `choose` selects
    /// from the offered ones (virtio 1.2, 3.1.1, steps 1 to 6).
    #[inline]
    pub(super) fn negotiate(&mut self, choose: impl FnOnce(&T, u64) -> u64) -> Result<u64, GaveUp> {
        let offered = self.offered()?;
        let wanted = choose(&self.transport, offered);
        self.accept(offered, wanted)
    }

    /// Resets the device and reads the offered features (steps 1 to 4).
    #[inline(never)]
    fn offered(&mut self) -> Result<u64, GaveUp> {
        let reset = self.transport.reset();
        self.done(reset)?;
        let transport = &mut self.transport;
        transport.set_status(status::ACKNOWLEDGE);
        transport.set_status(status::ACKNOWLEDGE | status::DRIVER);
        Ok(transport.device_features())
    }

    /// Accepts the `wanted` and the common features, as far as they are offered (steps 5 and 6).
    #[inline(never)]
    fn accept(&mut self, offered: u64, wanted: u64) -> Result<u64, GaveUp> {
        let transport = &mut self.transport;
        let wanted = COMMON.bits() | wanted;
        let legacy = transport.is_legacy();
        let accepted = if legacy {
            offered & wanted & LEGACY
        } else {
            offered & wanted & !Features::ANY_LAYOUT.bits()
        };
        if !legacy && accepted & Features::VERSION_1.bits() == 0 {
            return Err(self.give_up(SetupError::NotVersion1));
        }
        transport.set_driver_features(accepted);
        if !legacy {
            let wanted = status::ACKNOWLEDGE | status::DRIVER | status::FEATURES_OK;
            transport.set_status(wanted);
            if transport.status() & status::FEATURES_OK == 0 {
                return Err(self.give_up(SetupError::FeaturesRefused { accepted }));
            }
        }
        self.features = accepted;
        Ok(accepted)
    }

    /// Negotiates features again. They must not change, because memory was laid out for them.
    pub(super) fn negotiate_again(
        &mut self,
        choose: impl FnOnce(&T, u64) -> u64,
    ) -> Result<(), GaveUp> {
        let before = self.features;
        if self.negotiate(choose)? == before {
            return Ok(());
        }
        self.features = before;
        Err(self.give_up(SetupError::FeaturesChanged))
    }

    /// Returns the negotiated features that are common to all kinds of devices.
    pub(super) const fn common(&self) -> Features {
        Features::from_bits_truncate(self.features)
    }

    /// Creates queue `index` with up to `wanted` entries, as far as the device allows.
    pub(super) fn queue(
        &mut self,
        index: u16,
        wanted: u16,
        table_entries: u16,
    ) -> Result<Queue, GaveUp> {
        let max = self.transport.queue_max_size(index);
        if max == 0 {
            return Err(self.give_up(SetupError::QueueMissing { queue: index }));
        }
        let Some(size) = fitting_size(max, wanted) else {
            let error = SetupError::QueueTooSmall {
                queue: index,
                size: max,
            };
            return Err(self.give_up(error));
        };
        let queue = Queue::new(size, self.common(), table_entries);
        self.done(queue)
    }

    /// Restarts `queue` after a reset and a new negotiation.
    pub(super) fn restart_queue(&mut self, index: u16, queue: &mut Queue) -> Result<(), GaveUp> {
        let max = self.transport.queue_max_size(index);
        if max < queue.size() {
            let error = SetupError::QueueTooSmall {
                queue: index,
                size: max,
            };
            return Err(self.give_up(error));
        }
        queue.restart();
        Ok(())
    }

    /// Passes `queue` to the device.
    pub(super) fn enable_queue(&mut self, index: u16, queue: &Queue) -> Result<Doorbell, GaveUp> {
        // The device may read the queue at once, which must be empty.
        barrier::full();
        let enabled = self
            .transport
            .enable_queue(index, queue.size(), queue.addresses());
        self.done(enabled)
    }

    /// Reports that the driver is ready (3.1.1, step 8).
    pub(super) fn start(&mut self) {
        let mut running = status::ACKNOWLEDGE | status::DRIVER | status::DRIVER_OK;
        if !self.transport.is_legacy() {
            running |= status::FEATURES_OK;
        }
        self.transport.set_status(running);
        self.failure = None;
        self.busy = false;
    }

    /// Sets the FAILED status bit, which tells the device that its driver has stopped using it, and
    /// stores the reason.
    #[cold]
    #[inline(never)]
    pub(super) fn give_up(&mut self, error: SetupError) -> GaveUp {
        self.transport.set_status(status::FAILED);
        self.failure = Some(Failure::Setup(error));
        GaveUp
    }

    /// Returns the result of a set-up step; if it failed, reports this to the device and stores the
    /// reason.
    pub(super) fn done<V>(
        &mut self,
        result: Result<V, impl Into<SetupError>>,
    ) -> Result<V, GaveUp> {
        result.map_err(|error| self.give_up(error.into()))
    }

    /// Returns why the set-up failed, after a step that returned [`GaveUp`].
    #[cold]
    #[inline(never)]
    pub(super) const fn refusal(&self) -> SetupError {
        match self.failure {
            Some(Failure::Setup(error)) => error,
            // Not called after a successful step.
            _ => SetupError::ResetTimeout,
        }
    }

    /// Returns why the device accepts no requests; `None` if it works.
    #[inline]
    pub(super) const fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// Returns whether the last attempt to restart the device failed.
    pub(super) const fn refuses(&self) -> bool {
        matches!(self.failure, Some(Failure::Setup(_)))
    }

    /// Records a failure and resets the device. Returns whether it has stopped using all memory.
    pub(super) fn fail(&mut self, failure: Failure) -> bool {
        self.failure = Some(failure);
        self.transport.reset().is_ok()
    }

    /// Records that something was found in a queue.
    #[inline]
    pub(super) const fn found(&mut self) {
        self.busy = true;
    }

    /// Acknowledges an interrupt. Returns whether configuration or status may have changed.
    #[inline]
    pub(super) fn acknowledge(&mut self) -> bool {
        let idle = !self.busy;
        self.busy = false;
        self.transport.acknowledge(idle)
    }

    /// Returns whether something was found in a queue and no interrupt was acknowledged since.
    #[inline]
    pub(super) const fn is_unread(&self) -> bool {
        self.busy
    }

    /// Acknowledges an interrupt for configuration or status, for the caller to check them.
    #[cold]
    pub(super) fn read(&mut self) {
        self.busy = false;
        self.transport.acknowledge(true);
    }

    /// Notifies the device even if it has not requested it.
    #[cold]
    #[inline(never)]
    pub(super) fn kick(&self, doorbell: Doorbell) {
        self.transport.ring(doorbell);
    }

    /// Returns whether the device requests a reset.
    pub(super) fn needs_reset(&self) -> bool {
        self.failure.is_none() && self.transport.status() & status::DEVICE_NEEDS_RESET != 0
    }
}
