//! Whether a socket device responds, and how it is restarted if it does not.

use alloc::vec::Vec;

use super::super::device::GaveUp;
use super::super::error::{Failure, SetupError};
use super::super::pulse::Pulse;
use super::super::statistics::QueueStatistics;
use super::super::transport::{Routing, Transport};
use super::{STREAM, Vsock};

impl<T: Transport> Vsock<T> {
    /// Handles what the device reports outside its queues. Call it for the interrupt that
    /// [`Routing`] assigns to the configuration.
    pub fn configuration_changed(&mut self) {
        if self.device.needs_reset() {
            self.fail(Failure::NeedsReset);
        }
    }

    /// Returns the device's progress.
    #[must_use]
    pub fn pulse(&mut self) -> Pulse {
        let (in_flight, answered, oldest) = self.outgoing.progress();
        let taken = self.incoming.statistics().completed;
        let taken = taken.wrapping_add(self.outgoing.statistics().completed);
        Pulse {
            in_flight,
            oldest,
            answered,
            taken: taken.wrapping_add(self.events.statistics().completed) as u16,
            has_news: self.has_news(),
            is_unread: self.device.is_unread(),
            listens: true,
        }
    }

    /// Reads the device's status and acknowledges its interrupt, even if none arrived. Call
    /// [`complete`](Self::complete) afterwards.
    #[cold]
    pub fn inspect(&mut self) {
        self.device.read();
        self.configuration_changed();
    }

    /// Notifies the device of every queue, even if it has not requested it.
    #[cold]
    pub fn kick(&mut self) {
        self.incoming.kick(&self.device);
        self.outgoing.kick(&self.device);
        self.events.kick(&self.device);
    }

    /// Resets a device that does not respond; its connections are reset.
    #[cold]
    pub fn give_up(&mut self) {
        self.fail(Failure::Silent);
    }

    /// Returns how the device raises interrupts.
    #[must_use]
    pub fn routing(&self) -> Routing {
        self.device.transport.routing()
    }

    /// Returns why the device cannot be used; `None` if it works.
    #[must_use]
    pub const fn failure(&self) -> Option<Failure> {
        self.device.failure()
    }

    /// Returns the counts of the queues, in the order of their numbers.
    #[must_use]
    pub fn statistics(&self) -> Vec<QueueStatistics> {
        Vec::from([
            self.incoming.statistics(),
            self.outgoing.statistics(),
            self.events.statistics(),
        ])
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.device.fail(failure);
        self.sockets.reset();
    }

    /// Resets the device and restarts it. Connections are reset; listeners stay.
    ///
    /// # Errors
    ///
    /// Returns [`SetupError`]; the device then stays failed.
    pub fn reinitialize(&mut self) -> Result<(), SetupError> {
        self.fail(Failure::Restarted);
        self.restart().map_err(|GaveUp| {
            let error = self.device.refusal();
            self.fail(Failure::Setup(error));
            error
        })
    }

    fn restart(&mut self) -> Result<(), GaveUp> {
        self.device.negotiate_again(|_transport, _offered| STREAM)?;
        self.incoming.restart(&mut self.device)?;
        self.outgoing.restart(&mut self.device)?;
        self.events.restart(&mut self.device)?;
        self.start()
    }
}
