//! Serves a page with the machine's live state: `http://127.0.0.1:8080` with `cargo xtask run`.

#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

use alloc::boxed::Box;

use embassy_futures::join::{join, join_array};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;
use picoserve::response::File;
use picoserve::routing::{get, get_service};
use picoserve::{Config, Router, Server, Timeouts};
use vmos::net::{PicoserveTimer, TcpStream};
use vmos::time::{Duration, Timer};
use vmos::{Kernel, Result, Spawner, println};

mod latency;
mod report;

/// The port of HTTP (RFC 9110, 4.2.1).
const HTTP: u16 = 80;

/// The number of connections served at a time: a browser opens six. Others wait to be accepted.
const WORKERS: usize = 8;

/// The largest head of a request, in bytes. Those of browsers are smaller.
const REQUEST: usize = 2048;

/// How long a connection may be idle. The limit is short, because other connections may be waiting
/// for the worker.
const IDLE: picoserve::time::Duration = picoserve::time::Duration::from_secs(2);

#[vmos::main]
async fn main(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let net = kernel.net()?;
    let listener = net.tcp_listen(HTTP)?;
    spawner.spawn(latency::measure()?);
    let app = Router::new()
        .route("/", get_service(File::html(include_str!("page.html"))))
        .route("/state", get(move || report::json(kernel)));
    let config = Config::new(Timeouts {
        persistent_start_read_request: IDLE,
        ..Timeouts::const_default()
    })
    .keep_connection_alive();
    let address = net.configured().await.address.address();
    println!("ready: http://{address}");

    let accepted = Channel::<NoopRawMutex, TcpStream, 1>::new();
    let accept = async {
        loop {
            match listener.accept().await {
                Ok(stream) => accepted.send(stream).await,
                // If there is no memory now, other connections will end and free some.
                Err(_) => Timer::after(Duration::from_millis(10)).await,
            }
        }
    };
    let work = async || {
        let mut request = alloc::vec![0; REQUEST];
        loop {
            let stream = accepted.receive().await;
            let server = Server::custom(&app, PicoserveTimer, &config, &mut request);
            // A broken connection needs no report: the peer ended it.
            let _ = server.serve(stream).await;
        }
    };
    // A server is larger than the stack, so each is allocated on the heap.
    let workers: [_; WORKERS] = core::array::from_fn(|_| Box::pin(work()));
    join(accept, join_array(workers)).await;
    Ok(())
}
