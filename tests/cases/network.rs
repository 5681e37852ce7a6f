//! Network tests with sockets of the host.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::LIMIT;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::udp::{AT_ONCE, Caller};

use super::demo::{DEMO, echoing, serving, serving_at};
use super::{Case, Need};

pub(super) const CASES: [Case; 8] = [
    Case::new("echoes_a_datagram", echoes_a_datagram),
    Case::spread("echoes_datagrams_of_any_size", echoes_datagrams_of_any_size),
    Case::new("echoes_streams", echoes_streams),
    Case::spread("survives_a_burst_of_2", |setting| {
        survives_a_burst(setting, 2)
    }),
    Case::new("survives_a_burst_of_32", |setting| {
        survives_a_burst(setting, 32)
    }),
    Case::spread("survives_a_burst_of_1000", |setting| {
        survives_a_burst(setting, 1000)
    }),
    Case::spread(
        "takes_its_address_from_the_command_line",
        takes_its_address_from_the_command_line,
    )
    .needing(Need::Table),
    Case::new("gets_its_address_by_dhcp", gets_its_address_by_dhcp),
];

/// The time without traffic after which a machine is idle.
const IDLE: Duration = Duration::from_millis(200);

fn echoes_a_datagram(setting: &Setting) -> Outcome {
    let draft = setting.machine(DEMO)?;
    let caller = Caller::new(draft.echo_port()?)?;
    let _machine = serving(draft)?;
    caller.call(b"hello", AT_ONCE)?;
    Ok(())
}

fn echoes_datagrams_of_any_size(setting: &Setting) -> Outcome {
    let (_machine, caller) = echoing(setting.machine(DEMO)?)?;
    // The last size is the longest that fits into one frame: 1500 bytes less the headers of IP and
    // UDP.
    for size in [1, 2, 17, 18, 19, 63, 64, 65, 512, 1471, 1472] {
        let payload: Vec<u8> = (0..size).map(|i: u32| i.to_le_bytes()[0]).collect();
        caller.call(&payload, AT_ONCE)?;
    }
    Ok(())
}

/// Echoes several streams, one after the other.
fn echoes_streams(setting: &Setting) -> Outcome {
    let mut draft = setting.machine(DEMO)?;
    let port = draft.forward_tcp(7)?;
    let _machine = serving(draft)?;
    for size in [1, 1460, 100_000] {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(LIMIT))?;
        let sent: Vec<u8> = (0..size).map(|i: u32| i.to_le_bytes()[0]).collect();
        let mut sender = stream.try_clone()?;
        let sending = thread::spawn({
            let sent = sent.clone();
            move || {
                sender
                    .write_all(&sent)
                    .and_then(|()| sender.shutdown(Shutdown::Write))
            }
        });
        let mut back = Vec::new();
        stream.read_to_end(&mut back)?;
        sending.join().map_err(|_| "the sender panicked")??;
        ensure!(back == sent, "{} of {size} bytes were echoed", back.len());
    }
    Ok(())
}

fn survives_a_burst(setting: &Setting, count: usize) -> Outcome {
    let (draft, queues) = setting.machine(DEMO)?.observed()?;
    let (machine, caller) = echoing(draft)?;
    let back = caller.burst(count)?;
    ensure!(back <= count, "{back} of {count} datagrams were echoed");
    ensure!(back > 0, "none of {count} datagrams was echoed");
    let limit = AT_ONCE;
    let after = caller.call(b"the one after", limit);
    after.map_err(|error| {
        format!("after a burst of {count} datagrams, of which {back} were echoed: {error}")
    })?;
    thread::sleep(IDLE);
    match queues.fault(&mut machine.monitor()?)? {
        None => Ok(()),
        Some(fault) => Err(format!("after a burst of {count}: {fault}").into()),
    }
}

fn takes_its_address_from_the_command_line(setting: &Setting) -> Outcome {
    let address = "10.0.2.77";
    let draft = setting
        .machine(DEMO)?
        .command_line("ip=10.0.2.77/24")
        .at_address(address);
    let caller = Caller::new(draft.echo_port()?)?;
    let _machine = serving_at(draft, address)?;
    caller.call(b"hello", LIMIT)?;
    Ok(())
}

fn gets_its_address_by_dhcp(setting: &Setting) -> Outcome {
    echoing(setting.machine(DEMO)?.command_line("ip=dhcp"))?;
    Ok(())
}
