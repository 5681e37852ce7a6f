//! Fetches a web page over HTTP and prints it: `--append "url=http://10.0.2.2:8000/"` names the
//! page.

#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

use alloc::string::String;

use reqwless::client::HttpClient;
use reqwless::request::Method;
use vmos::net::Net;
use vmos::time::{Duration, with_timeout};
use vmos::{Error, Kernel, Result, Spawner, println};

/// The page to fetch if the command line does not name one.
const URL: &str = "http://example.org/";
/// The time limit for the whole fetch.
const PATIENCE: Duration = Duration::from_secs(20);
/// The size limit of the answer with its head, in bytes.
const ANSWER: usize = 16 * 1024;

#[vmos::main]
async fn main(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    let net = kernel.net()?;
    let url = kernel.command_line().value("url").unwrap_or(URL);
    net.configured().await;
    with_timeout(PATIENCE, fetch(net, url))
        .await
        .map_err(|_| Error::new("no answer within the time limit"))?
}

async fn fetch(net: Net, url: &str) -> Result<()> {
    let said = |error: reqwless::Error| Error::new(alloc::format!("{url}: {error:?}"));
    // The network implements the traits for look-ups and connections.
    let mut client = HttpClient::new(&net, &net);
    let mut room = alloc::vec![0; ANSWER];
    let mut request = client.request(Method::GET, url).await.map_err(said)?;
    let response = request.send(&mut room).await.map_err(said)?;
    println!("{url}: {}", response.status.0);
    let body = response.body().read_to_end().await.map_err(said)?;
    println!("{}", String::from_utf8_lossy(body));
    Ok(())
}
