//! What costs nothing by itself and may make the rest dearer: open ports, and timers that are pending.
//!
//! The word `ports=` of the command line says how many UDP ports are opened in addition, and `pending=`
//! how many timers wait for a moment that is far away. With `pending=` there is a service more: an
//! echo that answers after a timer of its own.

use core::mem;
use core::pin::pin;
use core::task::{Context, Waker};

use vmos::net::{Net, UdpSocket};
use vmos::time::{Duration, Instant, Timer};
use vmos::{Error, Kernel, Result, Spawner};

/// The first of the ports that are opened in addition.
const FIRST_PORT: u16 = 20_000;
/// The port of the echo that answers later.
const LATER: u16 = 1007;
/// How much later.
const DELAY: Duration = Duration::from_millis(1);
/// When the first pending timer fires: after everything has been measured.
const FAR_AWAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Opens ports and starts timers as the command line says.
pub(super) fn open(kernel: Kernel, spawner: Spawner, net: Net) -> Result<()> {
    for place in 0..number(kernel, "ports")?.unwrap_or(0) {
        let port = u16::try_from(place)
            .ok()
            .and_then(|place| FIRST_PORT.checked_add(place));
        let port = port.ok_or(Error::new(
            "ports= asks for more ports than there are: 45535",
        ))?;
        // Open for as long as the machine runs.
        mem::forget(net.udp(port)?);
    }
    if let Some(count) = number(kernel, "pending")? {
        let first = Instant::now() + FAR_AWAY;
        for place in 0..count {
            let deadline = first + Duration::from_micros(u64::from(place));
            // Each is a deadline of its own, since no task of this executor waits for it.
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
        number.map_err(|_| Error::new("ports= and pending= take a number, as ports=58"))?;
    Ok(Some(number))
}

/// Sends every datagram back when a timer has passed.
#[vmos::task]
async fn echo_later(socket: UdpSocket) {
    loop {
        if let Ok(datagram) = socket.receive().await {
            Timer::after(DELAY).await;
            let _ = socket.send_back(datagram).await;
        }
    }
}
