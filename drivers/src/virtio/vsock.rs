//! The socket device (virtio 1.2, 5.10): streams between the machine and its host, without a
//! network.
//!
//! A connection has a receive buffer of fixed size, and its peer sends no more than there is room
//! for, so received packets are always taken from the device at once, and no connection delays
//! another one. Numbers of connections, listeners and waiting packets have limits; what exceeds
//! them is refused.

use core::fmt;
use core::task::{Poll, Waker};

use super::device::{Device, GaveUp};
use super::driver::Driver;
use super::error::{Failure, SetupError};
use super::packets::{Incoming, Outgoing};
use super::queue::Refusal;
use super::transport::Transport;

mod connection;
mod header;
mod health;
mod sockets;

pub use connection::RECEIVE_BUFFER;
use connection::State;
pub use header::Address;
use header::{Header, Operation};
use sockets::Sockets;
pub use sockets::{BACKLOG, Handle, MOST_CONNECTIONS, MOST_LISTENERS};

/// The number of the host (5.10.4).
pub const HOST: u64 = 2;

/// The feature bit for streams (5.10.3). A device that offers none has them too.
const STREAM: u64 = 1;
/// The queues (5.10.2).
const RECEIVE: u16 = 0;
const TRANSMIT: u16 = 1;
const EVENTS: u16 = 2;
/// The number of packets in each direction.
const PACKETS: u16 = 16;
/// The largest packet, with its header, in bytes.
const PACKET: usize = 4096;
/// The number of places that data leaves for other packets.
const RESERVED: usize = 4;
/// The event that says that all connections are lost (5.10.6.7).
const TRANSPORT_RESET: u32 = 0;

/// The reason why a connection failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// Nothing listens at the peer's port, or the peer is full.
    Refused,
    /// The peer or the device has ended the connection without warning.
    Reset,
    /// The connection was closed, so nothing can be sent.
    Closed,
    /// Another listener has the port.
    PortTaken(u32),
    /// There are as many connections or listeners as possible.
    TooMany,
    /// There is no memory for another connection.
    OutOfMemory,
    /// The device was reset, for this reason, or has not been restarted since.
    DeviceReset(Failure),
}

impl fmt::Display for Error {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the peer refuses the connection"),
            Self::Reset => f.write_str("the peer has reset the connection"),
            Self::Closed => f.write_str("the connection is closed"),
            Self::PortTaken(port) => write!(f, "port {port} of the socket device is in use"),
            Self::TooMany => write!(
                f,
                "the socket device has {MOST_CONNECTIONS} connections or {MOST_LISTENERS} \
                 listeners, and there can be no more"
            ),
            Self::OutOfMemory => f.write_str("no memory left for a connection"),
            Self::DeviceReset(failure) => write!(f, "the socket device was reset: {failure}"),
        }
    }
}

impl core::error::Error for Error {}

/// The driver for a socket device.
pub struct Vsock<T: Transport> {
    device: Device<T>,
    incoming: Incoming,
    outgoing: Outgoing,
    events: Incoming,
    sockets: Sockets,
}

impl<T: Transport> Vsock<T> {
    /// Starts the device at `transport`.
    ///
    /// # Errors
    ///
    /// Returns [`SetupError`]; the device is then not used.
    #[inline(never)]
    pub fn new(transport: T) -> Result<Self, SetupError> {
        let mut device = Device::new(transport);
        let Ok((incoming, outgoing, events)) = Self::parts(&mut device) else {
            return Err(device.refusal());
        };
        // From here on, `drop` resets the device before the queues' memory is freed.
        let mut vsock = Self {
            device,
            incoming,
            outgoing,
            events,
            sockets: Sockets::default(),
        };
        match vsock.start() {
            Ok(()) => Ok(vsock),
            Err(GaveUp) => Err(vsock.device.refusal()),
        }
    }

    /// Prepares what the driver needs before the device is started.
    fn parts(device: &mut Device<T>) -> Result<(Incoming, Outgoing, Incoming), GaveUp> {
        device.negotiate(|_transport, _offered| STREAM)?;
        Ok((
            Incoming::new(device, RECEIVE, PACKETS, PACKET)?,
            Outgoing::new(device, TRANSMIT, PACKETS, PACKET)?,
            Incoming::new(device, EVENTS, 2, size_of::<u32>())?,
        ))
    }

    /// Passes empty queues to the device and starts it.
    fn start(&mut self) -> Result<(), GaveUp> {
        self.read_cid()?;
        self.incoming.enable(&mut self.device)?;
        self.outgoing.enable(&mut self.device)?;
        self.events.enable(&mut self.device)?;
        self.device.start();
        self.publish();
        Ok(())
    }

    /// Reads the machine's own number (5.10.4).
    fn read_cid(&mut self) -> Result<(), GaveUp> {
        let read = self.device.transport.read_config(8, |transport| {
            u64::from(transport.config32(0)) | u64::from(transport.config32(4)) << 32
        });
        self.sockets.cid = self.device.done(read)?;
        Ok(())
    }

    /// Returns the machine's own number.
    #[must_use]
    pub const fn cid(&self) -> u64 {
        self.sockets.cid
    }

    fn working(&self) -> Result<(), Error> {
        self.device
            .failure()
            .map_or(Ok(()), |failure| Err(Error::DeviceReset(failure)))
    }

    /// Accepts connections to `port` from now on.
    ///
    /// # Errors
    ///
    /// Returns [`Error`] if the port is in use, or if there are too many listeners.
    pub fn listen(&mut self, port: u32) -> Result<(), Error> {
        self.sockets.listen(port)
    }

    /// Refuses connections to `port` from now on, and those that were not accepted.
    pub fn stop_listening(&mut self, port: u32) {
        self.sockets.stop_listening(port);
    }

    /// Returns the next connection to `port`, and its peer; keeps `waker` if there is none.
    pub fn poll_accept(&mut self, port: u32, waker: &Waker) -> Poll<(Handle, Address)> {
        self.sockets.accept(port, waker)
    }

    /// Starts to connect to a peer; see [`poll_connected`](Self::poll_connected).
    ///
    /// # Errors
    ///
    /// Returns [`Error`] if the device has failed, or if there are too many connections.
    pub fn connect(&mut self, peer: Address) -> Result<Handle, Error> {
        self.working()?;
        self.sockets.connect(peer)
    }

    /// Returns whether the peer has accepted the connection; keeps `waker` if it has not answered.
    ///
    /// # Errors
    ///
    /// Returns [`Error`] if it has refused.
    pub fn poll_connected(&mut self, handle: Handle, waker: &Waker) -> Poll<Result<(), Error>> {
        let Some(connection) = self.sockets.get(handle) else {
            return Poll::Ready(Err(Error::Reset));
        };
        match connection.state {
            State::Connecting => {
                connection.writer = Some(waker.clone());
                Poll::Pending
            }
            State::Ended(Some(error)) => Poll::Ready(Err(error)),
            // The peer may have accepted, sent and closed since the last call.
            State::Open | State::Closing | State::Ended(None) => Poll::Ready(Ok(())),
        }
    }

    /// Copies received bytes into `buffer`. Returns their number; 0 when the peer sends no more.
    /// Keeps `waker` if there is nothing.
    ///
    /// # Errors
    ///
    /// Returns [`Error`] if the connection was reset.
    pub fn poll_read(
        &mut self,
        handle: Handle,
        buffer: &mut [u8],
        waker: &Waker,
    ) -> Poll<Result<usize, Error>> {
        let Some(connection) = self.sockets.get(handle) else {
            return Poll::Ready(Err(Error::Reset));
        };
        let count = connection.take(buffer);
        if count > 0 || connection.is_at_end() || buffer.is_empty() {
            return Poll::Ready(Ok(count));
        }
        if let State::Ended(Some(error)) = connection.state {
            return Poll::Ready(Err(error));
        }
        connection.reader = Some(waker.clone());
        Poll::Pending
    }

    /// Returns whether a read would return at once.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Reset`] if the connection does not exist any more.
    pub fn is_readable(&mut self, handle: Handle) -> Result<bool, Error> {
        let connection = self.sockets.get(handle).ok_or(Error::Reset)?;
        let has_ended = matches!(connection.state, State::Ended(_));
        Ok(connection.has_bytes() || connection.is_at_end() || has_ended)
    }

    /// Sends as many of `bytes` as the peer and the queue have room for. Returns their number.
    /// Keeps `waker` if there is no room.
    ///
    /// # Errors
    ///
    /// Returns [`Error`] if the connection has ended.
    pub fn poll_write(
        &mut self,
        handle: Handle,
        bytes: &[u8],
        waker: &Waker,
    ) -> Poll<Result<usize, Error>> {
        let Some(connection) = self.sockets.get(handle) else {
            return Poll::Ready(Err(Error::Reset));
        };
        if let Some(error) = connection.unwritable() {
            return Poll::Ready(Err(error));
        }
        let mut count = 0;
        // What is owed, such as the answer to the request, comes before data.
        while count < bytes.len() && connection.owed.is_empty() {
            let left = bytes.len() - count;
            let len = left.min(connection.credit()).min(PACKET - header::LEN);
            if len == 0 {
                if connection.credit() == 0 {
                    connection.ask_for_credit();
                }
                break;
            }
            if self.outgoing.room() <= RESERVED {
                break;
            }
            let header = connection.header(Operation::Data, len).bytes();
            if self
                .outgoing
                .push(&[&header, &bytes[count..count + len]])
                .is_none()
            {
                break;
            }
            connection.count_sent(len);
            count += len;
        }
        if count > 0 || bytes.is_empty() {
            return Poll::Ready(Ok(count));
        }
        connection.writer = Some(waker.clone());
        Poll::Pending
    }

    /// Returns whether a write would return at once.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Reset`] if the connection does not exist any more.
    pub fn is_writable(&mut self, handle: Handle) -> Result<bool, Error> {
        let has_room = self.outgoing.room() > RESERVED;
        let connection = self.sockets.get(handle).ok_or(Error::Reset)?;
        let is_ready = connection.credit() > 0 && connection.owed.is_empty() && has_room;
        Ok(is_ready || connection.unwritable().is_some())
    }

    /// Waits until the device has taken everything that was sent.
    ///
    /// # Errors
    ///
    /// Returns [`Error`] if the device has failed.
    pub fn poll_flush(&mut self, handle: Handle, waker: &Waker) -> Poll<Result<(), Error>> {
        self.working()?;
        let is_idle = self.outgoing.room() == self.outgoing.size();
        match self.sockets.get(handle) {
            Some(connection) if !is_idle => {
                connection.writer = Some(waker.clone());
                Poll::Pending
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Closes a connection: bytes on their way still arrive.
    pub fn close(&mut self, handle: Handle) {
        self.sockets.close(handle);
    }

    /// Processes up to `budget` packets of each queue, and wakes the tasks that wait for them.
    /// Returns the largest number of a queue.
    pub fn complete(&mut self, budget: usize) -> usize {
        if self.device.failure().is_some() {
            return 0;
        }
        let received = self.incoming.collect(budget);
        while let Some(packet) = self.incoming.first() {
            if let Some((header, payload)) = Header::read(packet) {
                self.sockets.receive(&header, payload);
            }
            self.incoming.consume_packet();
        }
        let sent = self.outgoing.collect(budget);
        if sent > 0 {
            self.sockets.wake_writers();
        }
        let told = self.events.collect(budget);
        while let Some(event) = self.events.first() {
            let is_reset = event.first_chunk() == Some(&TRANSPORT_RESET.to_le_bytes());
            self.events.consume_packet();
            if is_reset {
                self.sockets.reset();
                if self.read_cid().is_err() {
                    self.fail(Failure::Configuration);
                }
            }
        }
        let most = received.max(sent).max(told);
        if most > 0 {
            self.device.found();
        }
        if let Some((queue, refusal)) = self.refusal() {
            self.fail(Failure::Queue { queue, refusal });
        }
        most
    }

    fn refusal(&self) -> Option<(u16, Refusal)> {
        let incoming = self.incoming.refusal().or_else(|| self.events.refusal());
        incoming.or_else(|| self.outgoing.refusal())
    }

    /// Makes what was queued visible to the device, with at most one notification for each queue.
    pub fn publish(&mut self) {
        if self.device.failure().is_some() {
            return;
        }
        let outgoing = &mut self.outgoing;
        let had_room = outgoing.room();
        self.sockets
            .pay(|header| outgoing.push(&[&header.bytes()]).is_some());
        if outgoing.room() < had_room {
            // A writer may have waited for what was owed.
            self.sockets.wake_writers();
        }
        let transport = &self.device.transport;
        self.incoming.publish(transport);
        self.events.publish(transport);
        self.outgoing.publish(transport);
    }

    /// Requests an interrupt for each queue. Returns whether there is work already; the caller must
    /// not sleep then.
    pub fn rearm(&mut self) -> bool {
        self.device.failure().is_none()
            && (self.incoming.arm() | self.outgoing.arm() | self.events.arm())
    }

    /// Returns whether the device has returned a packet that was not processed yet.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.incoming.has_news() || self.outgoing.has_news() || self.events.has_news()
    }

    /// Acknowledges the device's interrupt; call before [`complete`](Self::complete).
    pub fn acknowledge_interrupt(&mut self) {
        self.incoming.hold();
        self.outgoing.hold();
        self.events.hold();
        if self.device.acknowledge() {
            self.configuration_changed();
        }
    }
}

impl<T: Transport> Drop for Vsock<T> {
    fn drop(&mut self) {
        if self.device.transport.reset().is_err() {
            self.incoming.leak();
            self.outgoing.leak();
            self.events.leak();
        }
    }
}

#[cfg(test)]
mod tests;
