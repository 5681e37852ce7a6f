//! A time server (RFC 5905) on a free port of this host. Its time is constant.

use std::net::{Ipv4Addr, UdpSocket};
use std::thread;

use crate::machine::LIMIT;
use crate::outcome::Outcome;

/// The server's time, 2031-03-04 07:08:09 UTC, in seconds since 1900.
const SECONDS: u32 = 4_139_363_289;

/// A server. It ends when it is not asked for a while.
#[derive(Clone, Copy, Debug)]
pub struct TimeServer {
    /// The UDP port on 127.0.0.1.
    pub port: u16,
}

impl TimeServer {
    /// The server's time as apps print it: date, hour and minute.
    pub const PRINTED: &str = "2031-03-04 07:08:";

    /// Starts a server.
    ///
    /// # Errors
    ///
    /// There is no socket for it.
    pub fn start() -> Outcome<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = socket.local_addr()?.port();
        socket.set_read_timeout(Some(LIMIT))?;
        thread::spawn(move || {
            let mut request = [0; 128];
            while let Ok((length, from)) = socket.recv_from(&mut request) {
                if let Some(answer) = answer(&request[..length]) {
                    // The client may be gone.
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Ok(Self { port })
    }
}

/// Returns an answer (RFC 5905, 7.3) of a stratum 1 server; `None` if the request is too short.
fn answer(request: &[u8]) -> Option<Vec<u8>> {
    let transmitted = request.get(40..48)?;
    let mut answer = vec![0; 48];
    // No leap warning, version 4, server; stratum 1; poll interval 64 seconds; precision 1
    // microsecond.
    answer[..4].copy_from_slice(&[0b00_100_100, 1, 6, 0xec]);
    answer[12..16].copy_from_slice(b"TEST");
    for place in [16, 32, 40] {
        answer[place..place + 4].copy_from_slice(&SECONDS.to_be_bytes());
    }
    answer[24..32].copy_from_slice(transmitted);
    Some(answer)
}
