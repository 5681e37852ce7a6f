//! Whether a console device responds, and how it is restarted if it does not.

use alloc::vec::Vec;

use super::super::device::GaveUp;
use super::super::error::{Failure, SetupError};
use super::super::pulse::Pulse;
use super::super::statistics::QueueStatistics;
use super::super::transport::{Routing, Transport};
use super::{Console, MULTIPORT};

impl<T: Transport> Console<T> {
    /// Handles what the device reports outside its queues. Call it for the interrupt that
    /// [`Routing`] assigns to the configuration.
    pub fn configuration_changed(&mut self) {
        if self.device.needs_reset() {
            self.fail(Failure::NeedsReset);
        }
    }

    /// Returns the device's progress. Written bytes do not count as requests, because a host may
    /// leave them unread for as long as it likes.
    #[must_use]
    pub fn pulse(&mut self) -> Pulse {
        let control = self.control.as_ref();
        let (in_flight, answered, oldest) =
            control.map_or((0, 0, 0), |(_, outgoing)| outgoing.progress());
        let lanes = self.ports.iter().flat_map(|port| {
            let (sent, received) = (port.outgoing.statistics(), port.incoming.statistics());
            [sent.completed, received.completed]
        });
        let received = control.map_or(0, |(incoming, _)| incoming.statistics().completed);
        Pulse {
            in_flight,
            oldest,
            answered,
            taken: lanes.fold(received, u64::wrapping_add) as u16,
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
        if let Some((incoming, outgoing)) = &mut self.control {
            incoming.kick(&self.device);
            outgoing.kick(&self.device);
        }
        for port in &mut self.ports {
            port.incoming.kick(&self.device);
            port.outgoing.kick(&self.device);
        }
    }

    /// Resets a device that does not respond.
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

    /// Returns the counts of the queues: those of control messages, then of each port, receiving
    /// before sending.
    #[must_use]
    pub fn statistics(&self) -> Vec<QueueStatistics> {
        let control = self.control.iter();
        let control = control.flat_map(|(a, b)| [a.statistics(), b.statistics()]);
        let ports = self.ports.iter();
        let ports = ports.flat_map(|port| [port.incoming.statistics(), port.outgoing.statistics()]);
        control.chain(ports).collect()
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.device.fail(failure);
        for port in &mut self.ports {
            port.wake();
        }
    }

    /// Resets the device and restarts it. Bytes on their way are lost; the ports appear again.
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
        self.device
            .negotiate_again(|_transport, _offered| MULTIPORT)?;
        let has_control = self.control.is_some();
        for port in &mut self.ports {
            port.restart(&mut self.device)?;
            if has_control {
                // The device tells both again; the name stays, so that the port can be found.
                port.facts.is_connected = false;
                port.open_due = false;
            }
        }
        if let Some((incoming, outgoing)) = &mut self.control {
            incoming.restart(&mut self.device)?;
            outgoing.restart(&mut self.device)?;
        }
        self.start()
    }
}
