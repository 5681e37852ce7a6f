//! Free ports of the loopback address, for machines that run at the same time.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// The first port that is tried; it is below the range that systems assign dynamically.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// Returns a free UDP port that no other test of this process gets.
#[must_use]
pub fn free_udp() -> Option<u16> {
    free(|port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
}

/// Returns a free TCP port that no other test of this process gets.
#[must_use]
pub fn free_tcp() -> Option<u16> {
    free(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
}

fn free(is_free: impl Fn(u16) -> bool) -> Option<u16> {
    // Simultaneous runs start at different offsets.
    let offset = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or(0);
    (0..COUNT)
        .map(|_| {
            let next = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
            FIRST + (offset + next) % COUNT
        })
        .find(|&port| is_free(port))
}
