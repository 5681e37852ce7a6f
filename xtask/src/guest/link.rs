//! The wire between a machine and a measurement: bare frames, one a datagram of two UDP ports of the
//! loopback address. Nothing stands between: a frame is read by the thread that wants it, so that
//! what is measured is the machine.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use super::outcome::Outcome;
use super::packet::{self, BROADCAST, ITS_ADDRESS, Mac};
use super::ports;
use crate::qemu::Network;

/// The longest frame, with room to spare.
const LONGEST: usize = 4096;

/// This end of the wire.
#[derive(Debug)]
pub struct Link {
    socket: UdpSocket,
    /// The port of the machine's end.
    machine: u16,
    mac: Mac,
    buffer: RefCell<Vec<u8>>,
}

impl Link {
    /// Lays the wire; the machine makes its end when it starts.
    ///
    /// # Errors
    /// There is no free port.
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

    /// What connects the machine to it.
    ///
    /// # Errors
    /// The system does not tell which port this end has.
    pub fn network(&self) -> Outcome<Network> {
        Ok(Network::Datagrams {
            local: self.machine,
            remote: self.socket.local_addr()?.port(),
        })
    }

    /// The machine's hardware address, once [`resolve`](Self::resolve) has found it.
    #[must_use]
    pub fn mac(&self) -> Mac {
        self.mac
    }

    /// Sends a frame. Like any wire it may lose one.
    pub fn send(&self, frame: &[u8]) {
        // Before QEMU has its end there is nobody to receive: the same as a loss.
        let _ = self
            .socket
            .send_to(frame, (Ipv4Addr::LOCALHOST, self.machine));
    }

    /// The next frame of which `wanted` makes something, if one comes in time. Whoever asks for our
    /// hardware address on the way is told, as by any host.
    ///
    /// # Errors
    /// The socket does not work.
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
                // An answer that nobody was there to take: QEMU has not started yet.
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

    /// Takes every frame that has come, answering only those that ask for our hardware address.
    ///
    /// # Errors
    /// The socket does not work.
    pub fn drain(&self) -> Outcome {
        while self
            .receive(Duration::from_millis(1), |_| Some(()))?
            .is_some()
        {}
        Ok(())
    }

    /// Asks for the machine's hardware address until it answers.
    ///
    /// # Errors
    /// It does not within `limit`.
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
