//! The network link between a machine and a measurement: each UDP datagram between two loopback
//! ports carries one raw frame. The thread that waits for a frame reads it directly from the
//! socket, so that no other code affects the measurement.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use super::outcome::Outcome;
use super::packet::{self, BROADCAST, ITS_ADDRESS, Mac};
use super::ports;
use crate::qemu::Network;

/// The size of the receive buffer, larger than the longest frame, in bytes.
const LONGEST: usize = 4096;

/// This end of the link.
#[derive(Debug)]
pub struct Link {
    socket: UdpSocket,
    /// The UDP port of the machine's end.
    machine: u16,
    mac: Mac,
    buffer: RefCell<Vec<u8>>,
}

impl Link {
    /// Opens this end of the link; the machine opens its end when it starts.
    ///
    /// # Errors
    /// No UDP port is free.
    pub fn new() -> Outcome<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let machine = ports::free_udp().ok_or("no UDP port is free")?;
        Ok(Self {
            socket,
            machine,
            mac: BROADCAST,
            buffer: RefCell::new(vec![0; LONGEST]),
        })
    }

    /// Returns the network setting that connects the machine to this link.
    ///
    /// # Errors
    /// The system does not return the port of this end.
    pub fn network(&self) -> Outcome<Network> {
        Ok(Network::Datagrams {
            local: self.machine,
            remote: self.socket.local_addr()?.port(),
        })
    }

    /// Returns the machine's hardware address, once [`resolve`](Self::resolve) has found it.
    #[must_use]
    pub fn mac(&self) -> Mac {
        self.mac
    }

    /// Sends a frame. It may be lost.
    pub fn send(&self, frame: &[u8]) {
        // Until QEMU has opened its end, frames are lost.
        let _ = self
            .socket
            .send_to(frame, (Ipv4Addr::LOCALHOST, self.machine));
    }

    /// Returns the first result of `wanted` for a received frame, or `None` if there is none before
    /// the time limit. ARP requests for the address of this end are answered meanwhile.
    ///
    /// # Errors
    /// The socket fails.
    pub fn receive<T>(
        &self,
        limit: Duration,
        mut wanted: impl FnMut(&[u8]) -> Option<T>,
    ) -> Outcome<Option<T>> {
        let deadline = Instant::now() + limit;
        self.socket.set_read_timeout(Some(limit))?;
        let mut buffer = self.buffer.borrow_mut();
        loop {
            match self.socket.recv(&mut buffer) {
                Ok(length) => {
                    let frame = &buffer[..length];
                    if let Some(found) = wanted(frame) {
                        return Ok(Some(found));
                    }
                    if let Some(answer) = packet::answer_to_arp(frame) {
                        self.send(&answer);
                    }
                }
                // An earlier frame was rejected because QEMU has not started yet.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
        }
    }

    /// Discards all received frames, and answers ARP requests for the address of this end.
    ///
    /// # Errors
    /// The socket fails.
    pub fn drain(&self) -> Outcome {
        while self
            .receive(Duration::from_millis(1), |_| Some(()))?
            .is_some()
        {}
        Ok(())
    }

    /// Sends ARP requests until the machine answers with its hardware address.
    ///
    /// # Errors
    /// It does not answer within `limit`.
    pub fn resolve(&mut self, limit: Duration) -> Outcome {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            self.send(&packet::arp_request(ITS_ADDRESS));
            let reply = self.receive(Duration::from_millis(100), |frame| {
                packet::arp_reply(frame, ITS_ADDRESS)
            })?;
            if let Some(mac) = reply {
                self.mac = mac;
                return Ok(());
            }
        }
        Err(format!("no answer to ARP for {ITS_ADDRESS} within {limit:?}").into())
    }
}
