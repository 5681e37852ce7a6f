//! What every driver does with its device: start it, stop it, see to its interrupts.

use super::error::{Failure, SetupError};
use super::features::{COMMON, Features, LEGACY};
use super::queue::{Queue, fitting_size};
use super::transport::{Doorbell, Transport, status};

/// The set-up of a device has failed. The device has kept [why](Device::refusal): so a step of the
/// set-up returns what it has made or nothing, which is far less code than returning the error itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct GaveUp;

/// A device and how it is doing.
pub(super) struct Device<T> {
    pub(super) transport: T,
    features: u64,
    failure: Option<Failure>,
    /// Something was found in a queue since the last interrupt.
    busy: bool,
}

impl<T: Transport> Device<T> {
    /// A device that nothing has been done with.
    pub(super) const fn new(transport: T) -> Self {
        Self {
            transport,
            features: 0,
            failure: None,
            busy: false,
        }
    }

    /// Resets the device and agrees on features: the common ones, and of its kind's those that
    /// `choose` picks from what is offered (virtio 1.2, 3.1.1, steps 1 to 6).
    #[inline]
    pub(super) fn negotiate(&mut self, choose: impl FnOnce(&T, u64) -> u64) -> Result<u64, GaveUp> {
        let offered = self.offered()?;
        let wanted = choose(&self.transport, offered);
        self.accept(offered, wanted)
    }

    /// Resets the device and reads the features that it offers (steps 1 to 4).
    #[inline(never)]
    fn offered(&mut self) -> Result<u64, GaveUp> {
        let reset = self.transport.reset();
        self.done(reset)?;
        let transport = &mut self.transport;
        transport.set_status(status::ACKNOWLEDGE);
        transport.set_status(status::ACKNOWLEDGE | status::DRIVER);
        Ok(transport.device_features())
    }

    /// Accepts what is `wanted`, and the common features, as far as it is offered (steps 5 and 6).
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

    /// Agrees on features once more; they must be the same ones, since memory was laid out for them.
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

    /// The features that belong to no kind of device.
    pub(super) const fn common(&self) -> Features {
        Features::from_bits_truncate(self.features)
    }

    /// Makes queue `index`, of up to `wanted` entries, from what the device allows.
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

    /// Starts `queue` over for a device that was reset and has agreed on features.
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

    /// Hands `queue` to the device.
    pub(super) fn enable_queue(&mut self, index: u16, queue: &Queue) -> Result<Doorbell, GaveUp> {
        let enabled = self
            .transport
            .enable_queue(index, queue.size(), queue.addresses());
        self.done(enabled)
    }

    /// The driver is ready (3.1.1, step 8).
    pub(super) fn start(&mut self) {
        let mut running = status::ACKNOWLEDGE | status::DRIVER | status::DRIVER_OK;
        if !self.transport.is_legacy() {
            running |= status::FEATURES_OK;
        }
        self.transport.set_status(running);
        self.failure = None;
        self.busy = false;
    }

    /// Tells the device that its driver has given up, and keeps why.
    #[cold]
    #[inline(never)]
    pub(super) fn give_up(&mut self, error: SetupError) -> GaveUp {
        self.transport.set_status(status::FAILED);
        self.failure = Some(Failure::Setup(error));
        GaveUp
    }

    /// What a step of the set-up has made; gives up where it failed.
    pub(super) fn done<V>(
        &mut self,
        result: Result<V, impl Into<SetupError>>,
    ) -> Result<V, GaveUp> {
        result.map_err(|error| self.give_up(error.into()))
    }

    /// Why the device could not be set up, after a step that [`GaveUp`].
    #[cold]
    #[inline(never)]
    pub(super) const fn refusal(&self) -> SetupError {
        match self.failure {
            Some(Failure::Setup(error)) => error,
            // Not after such a step.
            _ => SetupError::ResetTimeout,
        }
    }

    /// Why the device takes no requests, if it does not.
    #[inline]
    pub(super) const fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// Notes a failure and resets the device. Returns whether it has let go of all memory.
    pub(super) fn fail(&mut self, failure: Failure) -> bool {
        self.failure = Some(failure);
        self.transport.reset().is_ok()
    }

    /// Notes that something was found in a queue.
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

    /// Whether something was found in a queue and no interrupt was acknowledged since.
    #[inline]
    pub(super) const fn is_unread(&self) -> bool {
        self.busy
    }

    /// Acknowledges whatever the device has to say beside its queues, for the caller to look at.
    #[cold]
    pub(super) fn read(&mut self) {
        self.busy = false;
        self.transport.acknowledge(true);
    }

    /// Rings a doorbell though the device has not asked for it.
    #[cold]
    #[inline(never)]
    pub(super) fn kick(&self, doorbell: Doorbell) {
        self.transport.ring(doorbell);
    }

    /// Whether the device asks to be reset.
    pub(super) fn needs_reset(&self) -> bool {
        self.failure.is_none() && self.transport.status() & status::DEVICE_NEEDS_RESET != 0
    }
}
