//! The console device with several ports (virtio 1.2, 5.3): streams of bytes between the machine
//! and its host, each found by its name.
//!
//! A byte is received only when there is a buffer for it, and a buffer returns to the device only
//! when it was read, so a fast host fills no memory. A host that does not read delays only the
//! writer of that port.

use alloc::vec::Vec;
use core::fmt;
use core::task::{Poll, Waker};

use super::device::{Device, GaveUp};
use super::driver::Driver;
use super::error::{Failure, SetupError};
use super::packets::{Incoming, Outgoing};
use super::transport::Transport;

mod control;
mod health;
mod port;

use control::Message;
pub use port::Facts;
use port::Port;

/// The largest number of ports that are used; the driver reports to the device that others are not
/// (5.3.5).
pub const MOST_PORTS: u16 = 8;
/// The longest name of a port, in bytes; a longer one is cut.
pub const LONGEST_NAME: usize = 64;

/// The feature bit for several ports and control messages (5.3.3).
const MULTIPORT: u64 = 1 << 1;
/// The offset of `max_nr_ports` in the configuration (5.3.4).
const CONFIG_MAX_PORTS: usize = 4;
/// The queues for control messages (5.3.2).
const CONTROL_RECEIVE: u16 = 2;
const CONTROL_TRANSMIT: u16 = 3;
/// The number of buffers for control messages in each direction.
const CONTROL_BUFFERS: u16 = 16;

/// The reason why a port cannot be read or written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The device has no such port any more.
    Removed,
    /// The device was reset, for this reason. Bytes on their way are lost.
    DeviceReset(Failure),
}

impl fmt::Display for Error {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed => f.write_str("the port was removed from the machine"),
            Self::DeviceReset(failure) => write!(f, "the port's device was reset: {failure}"),
        }
    }
}

impl core::error::Error for Error {}

/// The driver for a console device.
pub struct Console<T: Transport> {
    device: Device<T>,
    control: Option<(Incoming, Outgoing)>,
    ports: Vec<Port>,
    /// The tasks that wait for a port to appear.
    seekers: Vec<Waker>,
}

impl<T: Transport> Console<T> {
    /// Starts the device at `transport`.
    ///
    /// # Errors
    ///
    /// Returns [`SetupError`]; the device is then not used.
    #[inline(never)]
    pub fn new(transport: T) -> Result<Self, SetupError> {
        let mut device = Device::new(transport);
        let Ok((control, ports)) = Self::parts(&mut device) else {
            return Err(device.refusal());
        };
        // From here on, `drop` resets the device before the queues' memory is freed.
        let mut console = Self {
            device,
            control,
            ports,
            seekers: Vec::new(),
        };
        match console.start() {
            Ok(()) => Ok(console),
            Err(GaveUp) => Err(console.device.refusal()),
        }
    }

    /// Prepares what the driver needs before the device is started.
    #[expect(
        clippy::type_complexity,
        reason = "it is taken apart where it is called"
    )]
    fn parts(device: &mut Device<T>) -> Result<(Option<(Incoming, Outgoing)>, Vec<Port>), GaveUp> {
        let accepted = device.negotiate(|_transport, _offered| MULTIPORT)?;
        if accepted & MULTIPORT == 0 {
            let mut port = Port::new(device, 0)?;
            (port.facts.exists, port.facts.is_console) = (true, true);
            port.facts.is_connected = true;
            return Ok((None, Vec::from([port])));
        }
        let read = device
            .transport
            .read_config(CONFIG_MAX_PORTS + 4, |it| it.config32(CONFIG_MAX_PORTS));
        let value = device.done(read)?;
        if value == 0 {
            let field = "max_nr_ports";
            return Err(device.give_up(SetupError::ConfigInvalid { field, value }));
        }
        let count = value.min(u32::from(MOST_PORTS)) as u16;
        let control = (
            Incoming::new(
                device,
                CONTROL_RECEIVE,
                CONTROL_BUFFERS,
                control::LEN + LONGEST_NAME,
            )?,
            Outgoing::new(device, CONTROL_TRANSMIT, CONTROL_BUFFERS, control::LEN)?,
        );
        let ports: Result<_, _> = (0..count).map(|number| Port::new(device, number)).collect();
        Ok((Some(control), ports?))
    }

    /// Passes empty queues to the device and starts it.
    fn start(&mut self) -> Result<(), GaveUp> {
        for port in &mut self.ports {
            port.enable(&mut self.device)?;
        }
        if let Some((incoming, outgoing)) = &mut self.control {
            incoming.enable(&mut self.device)?;
            outgoing.enable(&mut self.device)?;
            outgoing.push(&[&control::message(0, control::DEVICE_READY, 1)]);
        }
        self.device.start();
        self.publish();
        Ok(())
    }

    /// Returns what is known about each port that the device has, with its number.
    pub fn ports(&self) -> impl Iterator<Item = (u16, &Facts)> {
        let numbered = (0..).zip(&self.ports);
        numbered.filter_map(|(number, port)| port.facts.exists.then_some((number, &port.facts)))
    }

    /// Returns the number of the port with a name; until there is one, keeps `waker`.
    pub fn poll_find(&mut self, name: &str, waker: &Waker) -> Poll<u16> {
        let found = self.ports().find(|(_, facts)| facts.name == name);
        if let Some((number, _)) = found {
            return Poll::Ready(number);
        }
        if !self.seekers.iter().any(|known| known.will_wake(waker)) {
            self.seekers.push(waker.clone());
        }
        Poll::Pending
    }

    /// Opens this side of a port; the host may send from then on. Returns false if it is open
    /// already.
    pub fn open(&mut self, port: u16) -> bool {
        let Some(port) = self.port(port).filter(|port| !port.is_open) else {
            return false;
        };
        // What the host did before is of no concern.
        (port.is_open, port.open_due, port.has_ended) = (true, true, false);
        true
    }

    /// Closes this side of a port, and drops what was not read.
    pub fn close(&mut self, port: u16) {
        if let Some(port) = self.port(port)
            && port.is_open
        {
            (port.is_open, port.open_due) = (false, true);
            port.has_ended = false;
            while port.incoming.has_packet() {
                port.incoming.consume_packet();
            }
        }
    }

    fn port(&mut self, number: u16) -> Option<&mut Port> {
        self.ports.get_mut(usize::from(number))
    }

    /// Returns a port that can be used.
    fn usable(&mut self, number: u16) -> Result<&mut Port, Error> {
        if let Some(failure) = self.device.failure() {
            return Err(Error::DeviceReset(failure));
        }
        let port = self.ports.get_mut(usize::from(number));
        port.filter(|port| port.facts.exists || port.has_ended)
            .ok_or(Error::Removed)
    }

    /// Copies received bytes of a port into `buffer`. Returns their number; 0 once when the host
    /// has closed its end. Keeps `waker` if there is nothing.
    ///
    /// # Errors
    ///
    /// Returns [`Error`] if the port cannot be used.
    pub fn poll_read(
        &mut self,
        port: u16,
        buffer: &mut [u8],
        waker: &Waker,
    ) -> Poll<Result<usize, Error>> {
        let port = self.usable(port)?;
        let mut count = 0;
        while count < buffer.len()
            && let Some(bytes) = port.incoming.first()
        {
            let len = bytes.len().min(buffer.len() - count);
            buffer[count..count + len].copy_from_slice(&bytes[..len]);
            port.incoming.consume(len);
            count += len;
        }
        if count > 0 || core::mem::take(&mut port.has_ended) {
            return Poll::Ready(Ok(count));
        }
        port.reader = Some(waker.clone());
        Poll::Pending
    }

    /// Returns whether a read would return at once.
    ///
    /// # Errors
    ///
    /// Returns [`Error`] if the port cannot be used.
    pub fn is_readable(&mut self, port: u16) -> Result<bool, Error> {
        let port = self.usable(port)?;
        Ok(port.incoming.has_packet() || port.has_ended)
    }

    /// Queues as many of `bytes` as there is room for. Returns their number. Keeps `waker` if there
    /// is no room, or if the host has not opened its end.
    ///
    /// # Errors
    ///
    /// Returns [`Error`] if the port cannot be used.
    pub fn poll_write(
        &mut self,
        port: u16,
        bytes: &[u8],
        waker: &Waker,
    ) -> Poll<Result<usize, Error>> {
        let port = self.usable(port)?;
        let mut count = 0;
        while port.facts.is_connected
            && count < bytes.len()
            && let Some(len) = port.outgoing.push(&[&bytes[count..]])
        {
            count += len;
        }
        if count > 0 || bytes.is_empty() {
            return Poll::Ready(Ok(count));
        }
        port.writer = Some(waker.clone());
        Poll::Pending
    }

    /// Returns whether a write would be accepted now.
    ///
    /// # Errors
    ///
    /// Returns [`Error`] if the port cannot be used.
    pub fn is_writable(&mut self, port: u16) -> Result<bool, Error> {
        let port = self.usable(port)?;
        Ok(port.facts.is_connected && port.outgoing.room() > 0)
    }

    /// Waits until the device has taken everything that was written.
    ///
    /// # Errors
    ///
    /// Returns [`Error`] if the port cannot be used.
    pub fn poll_flush(&mut self, port: u16, waker: &Waker) -> Poll<Result<(), Error>> {
        let port = self.usable(port)?;
        if port.outgoing.progress().0 == 0 && port.outgoing.room() > 0 {
            return Poll::Ready(Ok(()));
        }
        port.writer = Some(waker.clone());
        Poll::Pending
    }

    /// Waits until the host has opened its end.
    ///
    /// # Errors
    ///
    /// Returns [`Error`] if the port cannot be used.
    pub fn poll_connected(&mut self, port: u16, waker: &Waker) -> Poll<Result<(), Error>> {
        let port = self.usable(port)?;
        if port.facts.is_connected {
            return Poll::Ready(Ok(()));
        }
        port.reader = Some(waker.clone());
        Poll::Pending
    }

    /// Processes up to `budget` buffers of each queue, and wakes the tasks that wait for them.
    /// Returns the largest number of a queue.
    pub fn complete(&mut self, budget: usize) -> usize {
        if self.device.failure().is_some() {
            return 0;
        }
        let mut most = 0;
        for port in &mut self.ports {
            let (read, written) = (port.incoming.collect(budget), port.outgoing.collect(budget));
            if !port.is_open {
                // A device that sends into a closed port is not waited for.
                while port.incoming.has_packet() {
                    port.incoming.consume_packet();
                }
            }
            if read + written > 0 {
                port.wake();
            }
            most = most.max(read).max(written);
        }
        most = most.max(self.control(budget));
        if most > 0 {
            self.device.found();
        }
        if let Some((queue, refusal)) = self.refusal() {
            self.fail(Failure::Queue { queue, refusal });
        }
        most
    }

    fn refusal(&self) -> Option<(u16, super::queue::Refusal)> {
        let control = self
            .control
            .iter()
            .find_map(|(incoming, outgoing)| incoming.refusal().or_else(|| outgoing.refusal()));
        let of_port = |port: &Port| port.incoming.refusal().or_else(|| port.outgoing.refusal());
        control.or_else(|| self.ports.iter().find_map(of_port))
    }

    /// Processes control messages.
    fn control(&mut self, budget: usize) -> usize {
        let Some((incoming, outgoing)) = &mut self.control else {
            return 0;
        };
        let most = incoming.collect(budget).max(outgoing.collect(budget));
        let mut has_changed = false;
        while let Some(bytes) = incoming.first() {
            if let Some(message) = Message::read(bytes) {
                let port = usize::try_from(message.port).ok();
                match port.and_then(|port| self.ports.get_mut(port)) {
                    Some(port) => {
                        port.hear(message);
                        has_changed = true;
                    }
                    None if message.event == control::DEVICE_ADD => {
                        let refused = control::message(message.port, control::PORT_READY, 0);
                        outgoing.push(&[&refused]);
                    }
                    None => {}
                }
            }
            incoming.consume_packet();
        }
        if has_changed {
            self.seekers.drain(..).for_each(Waker::wake);
        }
        most
    }

    /// Makes what was queued visible to the device, with at most one notification for each queue.
    pub fn publish(&mut self) {
        if self.device.failure().is_some() {
            return;
        }
        let transport = &self.device.transport;
        if let Some((incoming, outgoing)) = &mut self.control {
            for (number, port) in (0..).zip(&mut self.ports) {
                port.announce(number, outgoing);
            }
            incoming.publish(transport);
            outgoing.publish(transport);
        }
        for port in &mut self.ports {
            port.incoming.publish(transport);
            port.outgoing.publish(transport);
        }
    }

    /// Requests an interrupt for each queue. Returns whether there is work already; the caller must
    /// not sleep then.
    pub fn rearm(&mut self) -> bool {
        if self.device.failure().is_some() {
            return false;
        }
        let mut more = false;
        if let Some((incoming, outgoing)) = &mut self.control {
            more |= incoming.arm() | outgoing.arm();
        }
        for port in &mut self.ports {
            more |= port.incoming.arm() | port.outgoing.arm();
        }
        more
    }

    /// Returns whether the device has returned a buffer that was not processed yet.
    #[must_use]
    pub fn has_news(&self) -> bool {
        let control = self.control.as_ref();
        control.is_some_and(|(incoming, outgoing)| incoming.has_news() || outgoing.has_news())
            || self
                .ports
                .iter()
                .any(|port| port.incoming.has_news() || port.outgoing.has_news())
    }

    /// Acknowledges the device's interrupt; call before [`complete`](Self::complete).
    pub fn acknowledge_interrupt(&mut self) {
        if let Some((incoming, outgoing)) = &mut self.control {
            incoming.hold();
            outgoing.hold();
        }
        for port in &mut self.ports {
            port.incoming.hold();
            port.outgoing.hold();
        }
        if self.device.acknowledge() {
            self.configuration_changed();
        }
    }
}

impl<T: Transport> Drop for Console<T> {
    fn drop(&mut self) {
        if self.device.transport.reset().is_err() {
            let control = self.control.iter_mut();
            for (incoming, outgoing) in control {
                incoming.leak();
                outgoing.leak();
            }
            for port in &mut self.ports {
                port.incoming.leak();
                port.outgoing.leak();
            }
        }
    }
}

#[cfg(test)]
mod tests;
