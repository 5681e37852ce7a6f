//! Sets the clock from a time server: `--append "ntp=10.0.2.2:123"` selects another one than
//! pool.ntp.org.

#![cfg_attr(target_os = "none", no_std, no_main)]

use core::net::{SocketAddr, SocketAddrV4};

use sntpc::NtpContext;
use vmos::net::{Net, SntpcClock, UdpSocket};
use vmos::time::{Duration, Timer, with_timeout};
use vmos::{Error, Kernel, Result, Spawner, println, time};

#[cfg(test)]
extern crate alloc;
#[cfg(test)]
mod tests;

/// The server if the command line does not name one.
const SERVER: &str = "pool.ntp.org";
/// The port of a time server (RFC 5905, 7.2).
const NTP: u16 = 123;
/// The time limit for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The interval of requests. A server may refuse clients that ask much more often.
const EVERY: Duration = Duration::from_secs(64);

#[vmos::main]
async fn main(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    let net = kernel.net()?;
    let named = kernel.command_line().value("ntp").unwrap_or(SERVER);
    net.configured().await;
    println!("ready: asking {named}");
    loop {
        match ask(net, named).await {
            Ok(offset) => {
                if let Some(now) = time::wall_clock() {
                    println!("it is {now}; the clock was off by {offset} us");
                }
            }
            Err(error) => println!("{named}: {error}"),
        }
        Timer::after(EVERY).await;
    }
}

/// Asks the server for the time and sets the clock; returns the correction in microseconds.
async fn ask(net: Net, named: &str) -> Result<i64> {
    let server = address(net, named).await?;
    let socket: UdpSocket = net.udp(0)?;
    let context = NtpContext::new(SntpcClock::default());
    let asked = sntpc::get_time(SocketAddr::V4(server), &socket, context);
    let answered = with_timeout(PATIENCE, asked)
        .await
        .map_err(|_| Error::new("no answer"))?;
    let result = answered.map_err(|error| Error::new(Said(error)))?;
    let offset = result.offset();
    time::step_wall_clock(offset.saturating_mul(1000));
    Ok(offset)
}

/// Returns the address of `NAME` or `NAME:PORT`.
async fn address(net: Net, named: &str) -> Result<SocketAddrV4> {
    let (name, port) = match named.rsplit_once(':') {
        Some((name, port)) => (name, port.parse()?),
        None => (named, NTP),
    };
    Ok(SocketAddrV4::new(net.resolve(name).await?, port))
}

/// An error of sntpc, which only has debug text.
struct Said(sntpc::Error);

impl core::fmt::Display for Said {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
