//! A client of the machine's UDP echo service, through a forwarded loopback port.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use crate::machine::LIMIT;
use crate::outcome::Outcome;

/// The time limit for an immediate answer, on a host that may be busy. It is shorter than the 4 s after which
/// the kernel checks an idle network device, which would find a frame whose interrupt was lost.
pub const AT_ONCE: Duration = Duration::from_secs(3);
/// How long to wait for something that must not arrive.
pub const SILENCE: Duration = Duration::from_millis(500);

/// A client of the echo service.
#[derive(Debug)]
pub struct Caller {
    socket: UdpSocket,
}

impl Caller {
    /// Creates a client for a forwarded port.
    pub fn new(port: u16) -> Outcome<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect((Ipv4Addr::LOCALHOST, port))?;
        Ok(Self { socket })
    }

    /// Returns the port that the client sends to.
    pub fn port(&self) -> Outcome<u16> {
        Ok(self.socket.peer_addr()?.port())
    }

    /// Sends a datagram.
    pub fn send(&self, payload: &[u8]) -> Outcome {
        self.socket.send(payload)?;
        Ok(())
    }

    /// Receives the next datagram, if one arrives in time.
    pub fn receive(&self, limit: Duration) -> Outcome<Option<Vec<u8>>> {
        self.socket
            .set_read_timeout(Some(limit.max(Duration::from_millis(1))))?;
        let mut buffer = vec![0; 65_536];
        match self.socket.recv(&mut buffer) {
            Ok(length) => {
                buffer.truncate(length);
                Ok(Some(buffer))
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(None)
            }
            Err(error) => Err(format!("cannot receive the echo: {error}").into()),
        }
    }

    /// Sends a datagram and waits for its echo, skipping other datagrams; returns the round-trip
    /// time.
    pub fn call(&self, payload: &[u8], limit: Duration) -> Outcome<Duration> {
        let sent = Instant::now();
        self.send(payload)?;
        while let Some(left) = limit.checked_sub(sent.elapsed()) {
            if self.receive(left)?.is_some_and(|echo| echo == payload) {
                return Ok(sent.elapsed());
            }
        }
        let length = payload.len();
        Err(format!("a datagram of {length} bytes did not come back within {limit:?}").into())
    }

    /// Sends datagrams in a burst and waits until no more echoes arrive; returns their number.
    pub fn burst(&self, count: usize) -> Outcome<usize> {
        for number in 0..count {
            self.send(format!("datagram {number} of {count}").as_bytes())?;
        }
        let deadline = Instant::now() + LIMIT;
        let mut back = 0;
        // The first echo takes as long as the host is busy.
        let mut patience = LIMIT;
        while Instant::now() < deadline && self.receive(patience)?.is_some() {
            patience = Duration::from_millis(300);
            back += 1;
        }
        Ok(back)
    }
}
