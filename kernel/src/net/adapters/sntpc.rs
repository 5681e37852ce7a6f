//! sntpc: a socket for requests to time servers, and the clock that is compared with theirs.

use core::net::SocketAddr;
use core::time::Duration;

use sntpc::{Error, NtpTimestampGenerator, NtpUdpSocket, Result};

use super::sockets::Datagrams as _;
use crate::net::UdpSocket;
#[cfg(feature = "networks")]
use crate::net::UdpSockets;
use crate::time::{self, UnixTime};

/// The time of day as sntpc's clock. If it is not set, it is first [set](time::set_wall_clock) to
/// the start of 1970, so that a server's answer can correct it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SntpcClock {
    now: Duration,
}

impl NtpTimestampGenerator for SntpcClock {
    fn init(&mut self) {
        let now = time::wall_clock().unwrap_or_else(|| {
            let start = UnixTime::new(Duration::from_nanos(time::now()));
            time::set_wall_clock(start);
            start
        });
        self.now = now.since_1970();
    }

    fn timestamp_sec(&self) -> u64 {
        self.now.as_secs()
    }

    fn timestamp_subsec_micros(&self) -> u32 {
        self.now.subsec_micros()
    }
}

macro_rules! asks {
    ($socket:ty) => {
        impl NtpUdpSocket for $socket {
            async fn send_to(&self, bytes: &[u8], to: SocketAddr) -> Result<usize> {
                let sent = self.send_datagram(bytes, to).await;
                sent.map(|()| bytes.len()).map_err(|_| Error::Network)
            }

            async fn recv_from(&self, buffer: &mut [u8]) -> Result<(usize, SocketAddr)> {
                self.next_into(buffer).await.map_err(|_| Error::Network)
            }
        }
    };
}

asks!(UdpSocket);
#[cfg(feature = "networks")]
asks!(UdpSockets);
