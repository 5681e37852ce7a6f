//! The machine's UDP echo, reached through a forwarded port of the loopback address.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use crate::machine::LIMIT;
use crate::outcome::Outcome;

/// "At once", on a computer that may be busy.
pub const AT_ONCE: Duration = Duration::from_secs(1);

/// One who talks to the echo.
#[derive(Debug)]
pub struct Caller {
    socket: UdpSocket,
}

impl Caller {
    /// Talks to the machine behind a port.
    pub fn new(port: u16) -> Outcome<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect((Ipv4Addr::LOCALHOST, port))?;
        Ok(Self { socket })
    }

    /// Sends a datagram.
    pub fn send(&self, payload: &[u8]) -> Outcome {
        self.socket.send(payload)?;
        Ok(())
    }

    /// Receives the next datagram, if one comes in time.
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

    /// Sends a datagram and waits for it to come back, passing over others that do; how long it
    /// took.
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

    /// Sends datagrams in one go and waits until no more come back; how many did.
    pub fn burst(&self, count: usize) -> Outcome<usize> {
        for number in 0..count {
            self.send(format!("datagram {number} of {count}").as_bytes())?;
        }
        let deadline = Instant::now() + LIMIT;
        let mut back = 0;
        while Instant::now() < deadline && self.receive(Duration::from_millis(300))?.is_some() {
            back += 1;
        }
        Ok(back)
    }
}
