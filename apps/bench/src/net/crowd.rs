//! Adds load that may slow other operations down: open ports and pending timers.
//!
//! On the command line, `ports=` sets the number of additional UDP ports, and `pending=` the number
//! of timers that wait for a distant deadline. `pending=` also adds an echo service that answers
//! after a timer.

use core::mem;
use core::pin::pin;
use core::task::{Context, Waker};

use vmos::net::{Net, UdpSocket};
use vmos::time::{Duration, Instant, Timer};
use vmos::{Error, Kernel, Result, Spawner};

/// The first of the additional ports.
const FIRST_PORT: u16 = 20_000;
/// The UDP port of the echo service that answers after a delay.
const LATER: u16 = 1007;
/// How long the delayed echo service waits before it answers.
const DELAY: Duration = Duration::from_millis(1);
/// The deadline of the pending timers. It lies after the end of all measurements.
const FAR_AWAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Opens the ports and starts the timers that the command line requests.
pub(super) fn open(kernel: Kernel, spawner: Spawner, net: Net) -> Result<()> {
    for place in 0..number(kernel, "ports")?.unwrap_or(0) {
        let port = u16::try_from(place)
            .ok()
            .and_then(|place| FIRST_PORT.checked_add(place));
        let port = port.ok_or(Error::new("ports= is at most 45535"))?;
        // Open for as long as the machine runs.
        mem::forget(net.udp(port)?);
    }
    if let Some(count) = number(kernel, "pending")? {
        let first = Instant::now() + FAR_AWAY;
        for place in 0..count {
            let deadline = first + Duration::from_micros(u64::from(place));
            // Each timer has its own deadline entry, because it does not belong to a task of this
            // executor.
            let mut timer = pin!(Timer::at(deadline));
            let _ = timer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        spawner.spawn(echo_later(net.udp(LATER)?)?);
    }
    Ok(())
}

fn number(kernel: Kernel, key: &str) -> Result<Option<u32>> {
    let Some(text) = kernel.command_line().value(key) else {
        return Ok(None);
    };
    let number = text.parse();
    let number =
        number.map_err(|_| Error::new("ports= and pending= need a number, such as ports=58"))?;
    Ok(Some(number))
}

/// Serves the delayed echo: sends every datagram back after a timer has expired.
#[vmos::task]
async fn echo_later(socket: UdpSocket) {
    loop {
        if let Ok(datagram) = socket.receive().await {
            Timer::after(DELAY).await;
            let _ = socket.send_back(datagram).await;
        }
    }
}
