//! Tests with another machine on the link that asks for the address.

use core::net::{Ipv4Addr, SocketAddrV4};

use vmos::simulation::Network;
use vmos::time::{Duration, WithTimeout};
use vmos::{Error, Kernel, Result, println};

use super::respond;

/// Where multicast DNS asks (RFC 6762, 3).
const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 251), 5353);
/// A port of a machine that only knows DNS: the answer comes back to it alone.
const LOCAL: u16 = 4000;
/// How often a client asks, once a second.
const TRIES: usize = 10;

/// A query (RFC 1035, 4.1) for the IPv4 address of a name with four letters.
fn query(name: &[u8; 4]) -> [u8; 28] {
    let mut query = *b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x04????\x05local\0\0\x01\0\x01";
    query[13..17].copy_from_slice(name);
    query
}

/// Asks for the address of a name, and prints it: it is at the end of the answer.
async fn ask(kernel: Kernel, name: &[u8; 4]) -> Result<()> {
    let net = kernel.net()?;
    net.configured().await;
    let socket = net.udp(LOCAL)?;
    for _ in 0..TRIES {
        socket.send_to(&query(name), GROUP).await?;
        let second = Duration::from_secs(1);
        if let Ok(answer) = socket.receive().with_timeout(second).await {
            let answer = answer?;
            let address = answer.payload().last_chunk::<4>();
            let address = address.ok_or(Error::new("the answer is too short"))?;
            println!("it is {}", Ipv4Addr::from(*address));
            return Ok(());
        }
    }
    println!("nobody has this name");
    Ok(())
}

#[vmos::test]
fn its_name_has_its_address(network: &mut Network) {
    let server = network.kernel(respond);
    let client = network.kernel(|kernel, _| ask(kernel, b"vmos"));
    network.run_until_off(client);
    let expected = format!("it is {}", Network::address(server));
    let said = network.console(client);
    assert!(said.contains(&expected), "{said}");
}

#[vmos::test]
fn another_name_is_not_answered(network: &mut Network) {
    network.kernel(respond);
    let client = network.kernel(|kernel, _| ask(kernel, b"lamp"));
    network.run_until_off(client);
    let said = network.console(client);
    assert!(said.contains("nobody has this name"), "{said}");
}
