//! Answers to its name on the link by multicast DNS, so that `ping vmos.local` works from another
//! machine there. `--append "name=lamp"` sets another name.

#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

use core::net::{Ipv4Addr, Ipv6Addr};

use alloc::boxed::Box;
use edge_mdns::buf::VecBufAccess;
use edge_mdns::domain::base::Ttl;
use edge_mdns::host::Host;
use edge_mdns::io::{self, IPV4_DEFAULT_SOCKET, Mdns};
use edge_mdns::{HostAnswersMdnsHandler, MdnsError, MdnsHandler, MdnsRequest, MdnsResponse};
use edge_nal::UdpSplit as _;
use embassy_futures::select::select;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use vmos::net::Net;
use vmos::random::{self, Random};
use vmos::{Kernel, Result, Spawner, println};

#[cfg(test)]
mod tests;

/// The name if the command line does not contain one.
const NAME: &str = "vmos";
/// The longest message, in bytes.
const MESSAGE: usize = 1472;
/// How long other machines may cache an answer, in seconds.
const KEPT: u32 = 120;
/// How long a machine that only knows DNS may cache an answer, in seconds (RFC 6762, 6.7): it does not
/// learn that the address has changed.
const KEPT_BY_OTHERS: u32 = 10;

#[vmos::main]
async fn main(kernel: Kernel, spawner: Spawner) -> Result<()> {
    respond(kernel, spawner).await
}

/// Answers for ever, with the address that the machine has.
async fn respond(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let random = random::start(kernel, spawner).await?;
    let name = kernel.command_line().value("name").unwrap_or(NAME);
    let net = kernel.net()?;
    loop {
        let configuration = net.configured().await;
        let address = configuration.address.address();
        println!("ready: {name}.local is {address}");
        let changed = net.configuration_changed(Some(configuration));
        let answering = Box::pin(answer(net, name, address, random));
        select(changed, answering).await;
    }
}

/// Answers until the network fails.
async fn answer(net: Net, name: &str, address: Ipv4Addr, random: Random) {
    let interface = Some(Ipv4Addr::UNSPECIFIED);
    let mut socket = match io::bind(&net, IPV4_DEFAULT_SOCKET, interface, None).await {
        Ok(socket) => socket,
        Err(error) => return println!("no socket: {error}"),
    };
    // Other machines may ignore answers that could come from another link (RFC 6762, 11).
    socket.set_multicast_ttl(255);
    socket.set_ttl(255);
    let (receiver, sender) = socket.split();
    let host = |kept| Host {
        hostname: name,
        ipv4: address,
        ipv6: Ipv6Addr::UNSPECIFIED,
        ttl: Ttl::from_secs(kept),
    };
    let answers = Answers {
        usual: HostAnswersMdnsHandler::new(host(KEPT)),
        others: HostAnswersMdnsHandler::new(host(KEPT_BY_OTHERS)),
    };
    let changed = Signal::new();
    let received = VecBufAccess::<NoopRawMutex, MESSAGE>::new();
    let sent = VecBufAccess::<NoopRawMutex, MESSAGE>::new();
    let mdns = Mdns::<_, _, _, _, _, NoopRawMutex>::new(
        interface, None, receiver, sender, &received, &sent, random, &changed,
    );
    if let Err(error) = mdns.run(answers).await {
        println!("no answers: {error}");
    }
}

/// The answers to machines that ask from the port of multicast DNS, and to others, which only know DNS.
struct Answers<'a> {
    usual: HostAnswersMdnsHandler<Host<'a>>,
    others: HostAnswersMdnsHandler<Host<'a>>,
}

impl MdnsHandler for Answers<'_> {
    fn handle<'a>(
        &mut self,
        request: MdnsRequest<'_>,
        buffer: &'a mut [u8],
    ) -> Result<MdnsResponse<'a>, MdnsError> {
        match request {
            MdnsRequest::Request { legacy: true, .. } => self.others.handle(request, buffer),
            _ => self.usual.handle(request, buffer),
        }
    }
}
