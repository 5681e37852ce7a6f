//! Serves a page that shows the machine at work: `http://127.0.0.1:8080` under `cargo xtask run`.

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

/// The port of the web (RFC 9110, 4.2.1).
const HTTP: u16 = 80;

/// Connections that are served at a time: a browser opens six. Others wait to be accepted.
const WORKERS: usize = 8;

/// The longest head of a request, in bytes. What browsers send is below that.
const REQUEST: usize = 2048;

/// How long a browser may keep a connection that it does not use. It is short, since others may be
/// waiting for the worker.
const IDLE: picoserve::time::Duration = picoserve::time::Duration::from_secs(2);

#[vmos::main]
async fn main(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let net = kernel.net()?;
    let listener = net.tcp_listen(HTTP)?;
    spawner.spawn(latency::measure()?);
    let app = Router::new()
        .route("/", get_service(File::html(include_str!("page.html"))))
        .route("/state", get(move || async move { report::json(kernel) }));
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
                // What there is no memory for now goes when others have ended.
                Err(_) => Timer::after(Duration::from_millis(10)).await,
            }
        }
    };
    let work = async || {
        let mut request = alloc::vec![0; REQUEST];
        loop {
            let stream = accepted.receive().await;
            let server = Server::custom(&app, PicoserveTimer, &config, &mut request);
            // Whoever breaks a connection off knows that he did.
            let _ = server.serve(stream).await;
        }
    };
    // A server is large, and the stack is not: each is made where it stays.
    let workers: [_; WORKERS] = core::array::from_fn(|_| Box::pin(work()));
    join(accept, join_array(workers)).await;
    Ok(())
}
