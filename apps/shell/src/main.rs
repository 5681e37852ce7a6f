//! Answers commands on the console and, by telnet, over TCP.

#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

use embassy_futures::join::join;
use vmos::console::Terminal;
use vmos::time::{Duration, Timer};
use vmos::{Kernel, Result, Spawner, println};

mod command;
mod editor;
mod session;
mod telnet;

use telnet::Telnet;

/// The port of telnet (RFC 854).
const TELNET: u16 = 23;

#[vmos::main]
async fn main(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    let mut terminal = Terminal::open()?;
    println!("ready: `help` lists the commands");
    let console = async {
        loop {
            // Console input and output never fail. Ctrl-D ends a session, and the next one starts.
            let _ = session::run(kernel, &mut terminal).await;
        }
    };
    let Ok(net) = kernel.net() else {
        console.await;
        return Ok(());
    };
    let listener = net.tcp_listen(TELNET)?;
    let network = async {
        loop {
            match listener.accept().await {
                Ok(stream) => {
                    // A silent client is probed, because others wait for the connection.
                    stream.set_keep_alive(Some(core::time::Duration::from_secs(60)));
                    // A broken connection needs no report: the peer ended it.
                    let _ = session::run(kernel, &mut Telnet::new(stream)).await;
                }
                Err(_) => Timer::after(Duration::from_millis(10)).await,
            }
        }
    };
    join(console, network).await;
    Ok(())
}
