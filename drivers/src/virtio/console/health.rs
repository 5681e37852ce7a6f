//! Whether a console device responds, and how it is restarted if it does not.

use alloc::vec::Vec;

use super::super::device::{Device, GaveUp};
use super::super::driver::Driver;
use super::super::error::Failure;
use super::super::pulse::Pulse;
use super::super::statistics::QueueStatistics;
use super::super::transport::Transport;
use super::{Console, MULTIPORT};

impl<T: Transport> Driver for Console<T> {
    type Transport = T;

    #[inline]
    fn device(&self) -> &Device<T> {
        &self.device
    }

    fn device_mut(&mut self) -> &mut Device<T> {
        &mut self.device
    }

    /// Written bytes do not count as requests, because a host may leave them unread for as long as it
    /// likes.
    fn pulse(&mut self) -> Pulse {
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

    #[cold]
    fn kick(&mut self) {
        if let Some((incoming, outgoing)) = &mut self.control {
            incoming.kick(&self.device);
            outgoing.kick(&self.device);
        }
        for port in &mut self.ports {
            port.incoming.kick(&self.device);
            port.outgoing.kick(&self.device);
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.device.fail(failure);
        for port in &mut self.ports {
            port.wake();
        }
    }

    /// Bytes on their way are lost; the ports appear again.
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

impl<T: Transport> Console<T> {
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
}
