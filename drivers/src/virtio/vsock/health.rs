//! Whether a socket device responds, and how it is restarted if it does not.

use alloc::vec::Vec;

use super::super::device::{Device, GaveUp};
use super::super::driver::Driver;
use super::super::error::Failure;
use super::super::pulse::Pulse;
use super::super::statistics::QueueStatistics;
use super::super::transport::Transport;
use super::{STREAM, Vsock};

impl<T: Transport> Driver for Vsock<T> {
    type Transport = T;

    #[inline]
    fn device(&self) -> &Device<T> {
        &self.device
    }

    fn device_mut(&mut self) -> &mut Device<T> {
        &mut self.device
    }

    fn pulse(&mut self) -> Pulse {
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

    #[cold]
    fn kick(&mut self) {
        self.incoming.kick(&self.device);
        self.outgoing.kick(&self.device);
        self.events.kick(&self.device);
    }

    fn fail(&mut self, failure: Failure) {
        self.device.fail(failure);
        self.sockets.reset();
    }

    /// Connections were reset; listeners stay.
    fn restart(&mut self) -> Result<(), GaveUp> {
        self.device.negotiate_again(|_transport, _offered| STREAM)?;
        self.incoming.restart(&mut self.device)?;
        self.outgoing.restart(&mut self.device)?;
        self.events.restart(&mut self.device)?;
        self.start()
    }
}

impl<T: Transport> Vsock<T> {
    /// Returns the counts of the queues, in the order of their numbers.
    #[must_use]
    pub fn statistics(&self) -> Vec<QueueStatistics> {
        Vec::from([
            self.incoming.statistics(),
            self.outgoing.statistics(),
            self.events.statistics(),
        ])
    }
}
