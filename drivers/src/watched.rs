//! Devices that are watched: each reports its progress, and is restarted if it does not respond.

use crate::virtio::transport::Routing;
use crate::virtio::{Failure, Pulse, SetupError};

/// A driver whose device can be watched, and restarted if it does not respond.
pub trait Watched {
    /// Returns why the device accepts no requests; `None` if it works.
    #[must_use]
    fn failure(&self) -> Option<Failure>;

    /// Returns how the device raises interrupts.
    #[must_use]
    fn routing(&self) -> Routing;

    /// Handles what the device reports outside its queues, such as a new capacity or the state of a
    /// link. Call it for the interrupt that [`Routing`] assigns to the configuration.
    fn configuration_changed(&mut self);

    /// Returns the device's progress.
    #[must_use]
    fn pulse(&mut self) -> Pulse;

    /// Reads the device's status and acknowledges its interrupt, even if none arrived. Process
    /// completed requests afterwards.
    fn inspect(&mut self);

    /// Notifies the device of every queue, even if it has not requested it.
    fn kick(&mut self) {}

    /// Sends a device that cannot report that it is broken a harmless request, to see whether it
    /// works. Returns whether a request was sent.
    fn probe(&mut self) -> bool {
        false
    }

    /// Stops using a device that does not respond: its requests fail with [`Failure::Silent`]. A device
    /// that accesses memory is reset.
    fn give_up(&mut self);

    /// Resets the device and starts it again. Its requests fail with [`Failure::Restarted`].
    ///
    /// # Errors
    ///
    /// Returns [`SetupError`]; the device then stays failed.
    fn reinitialize(&mut self) -> Result<(), SetupError>;
}
