//! Tests with a time server on the same network.

use vmos::simulation::Network;
use vmos::{Kernel, Result, Spawner, println, time};

use super::{NTP, ask};

/// The server's time: 2031-03-04 07:08:09 UTC, in seconds since 1900.
const TIME: u32 = 4_139_363_289;

/// Answers every request (RFC 5905, 7.3) as a server of stratum 1.
async fn serve(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    let socket = kernel.net()?.udp(NTP)?;
    loop {
        let request = socket.receive().await?;
        let mut answer = [0; 48];
        // No leap warning, version 4, server; stratum 1; poll interval 64 seconds; precision 1 microsecond.
        answer[..4].copy_from_slice(&[0b00_100_100, 1, 6, 0xec]);
        // The time at which the client has sent the request goes back to it.
        answer[24..32].copy_from_slice(&request.payload()[40..48]);
        for place in [16, 32, 40] {
            answer[place..place + 4].copy_from_slice(&TIME.to_be_bytes());
        }
        socket.reply(&request, &answer).await?;
    }
}

/// Receives requests, and answers none.
async fn keep_silent(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    let socket = kernel.net()?.udp(NTP)?;
    loop {
        socket.receive().await?;
    }
}

/// Asks the machine `server`, and prints the time.
async fn set_clock(kernel: Kernel, server: usize) -> Result<()> {
    let net = kernel.net()?;
    net.configured().await;
    let server = alloc::format!("{}", Network::address(server));
    ask(net, &server).await?;
    if let Some(now) = time::wall_clock() {
        println!("it is {now}");
    }
    Ok(())
}

#[vmos::test]
fn the_clock_is_that_of_the_server(network: &mut Network) {
    let server = network.kernel(serve);
    let client = network.kernel(|kernel, _| set_clock(kernel, server));
    network.run_until_off(client);
    let said = network.console(client);
    assert!(said.contains("it is 2031-03-04 07:08:"), "{said}");
}

#[vmos::test]
#[should_panic(expected = "no answer")]
fn a_server_that_does_not_answer_is_an_error(network: &mut Network) {
    let server = network.kernel(keep_silent);
    let client = network.kernel(|kernel, _| set_clock(kernel, server));
    network.run_until_off(client);
    panic!("{}", network.console(client));
}
