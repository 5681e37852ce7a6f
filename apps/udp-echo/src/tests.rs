//! Tests with several kernels, whose link is bad.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use vmos::simulation::Network;
use vmos::time::WithTimeout;
use vmos::{Error, Kernel, Result, Spawner, println};

use super::{ECHO, serve};

/// How many datagrams a client sends, one each second, until one comes back.
const TRIES: usize = 100;
/// The port of the client.
const LOCAL: u16 = 4000;

/// Sends datagrams to `server` until one comes back, and says how many it has sent.
async fn ask(kernel: Kernel, server: Ipv4Addr) -> Result<()> {
    let socket = kernel.net()?.udp(LOCAL)?;
    for sent in 1..=TRIES {
        socket
            .send_to(b"hello", SocketAddrV4::new(server, ECHO))
            .await?;
        let second = vmos::time::Duration::from_secs(1);
        if let Ok(reply) = socket.receive().with_timeout(second).await {
            println!("answered: {}", sent);
            return match reply?.payload() == b"hello" {
                true => Ok(()),
                false => Err(Error::new("another datagram comes back")),
            };
        }
    }
    Err(Error::new("no datagram comes back"))
}

/// Starts a server and a client; returns the number of the client.
fn start(network: &mut Network) -> usize {
    network.kernel(serve);
    network.kernel(|kernel, _| ask(kernel, Network::address(0)))
}

/// Returns how many datagrams a client has sent.
fn sent(network: &Network, client: usize) -> usize {
    let said = network.console(client);
    let lines = said
        .lines()
        .filter_map(|line| line.split_once("answered: "));
    lines
        .filter_map(|(_, count)| count.parse::<usize>().ok())
        .sum()
}

#[vmos::test]
async fn a_kernel_has_its_devices(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    kernel.disk(0)?;
    kernel.net()?;
    let mut bytes = [0; 16];
    kernel.entropy()?.fill(&mut bytes).await?;
    match bytes == [0; 16] {
        true => Err(Error::new("the random bytes are zeroes")),
        false => Ok(()),
    }
}

#[vmos::test]
#[should_panic(expected = "status 1")]
async fn an_error_of_the_app_fails_the_test(_kernel: Kernel, _spawner: Spawner) -> Result<()> {
    Err(Error::new("nothing works"))
}

#[vmos::test]
#[should_panic(expected = "out of luck")]
async fn a_panic_of_the_app_fails_the_test(_kernel: Kernel, _spawner: Spawner) -> Result<()> {
    panic!("out of luck")
}

#[vmos::test]
fn one_datagram_is_enough_on_a_good_link(network: &mut Network) {
    let client = start(network);
    network.run_until_off(client);
    assert_eq!(sent(network, client), 1);
}

#[vmos::test]
fn a_bad_link_only_takes_longer(network: &mut Network) {
    let client = start(network);
    network.set_lost(600);
    network.set_doubled(300);
    network.set_latency(Duration::from_millis(30), Duration::from_millis(30));
    network.run_until_off(client);
    assert!(sent(network, client) > 1);
}

#[vmos::test]
fn nothing_comes_back_over_a_link_that_is_cut(network: &mut Network) {
    let client = start(network);
    network.set_cut(true);
    network.run_for(Duration::from_secs(10));
    assert_eq!(sent(network, client), 0);
    network.set_cut(false);
    network.run_until_off(client);
    assert!(sent(network, client) > 10);
}

#[vmos::test]
fn a_server_that_is_restarted_answers_again(network: &mut Network) {
    let client = start(network);
    network.set_cut(true);
    network.run_until_printed(0, "ready: ");
    network.restart(0);
    network.set_cut(false);
    network.run_until_off(client);
}
