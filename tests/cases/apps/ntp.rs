//! Tests the app `ntp` with a time server in the test.

use std::net::{Ipv4Addr, UdpSocket};
use std::thread;

use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::LIMIT;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;

use super::super::{Case, Need};

pub(super) const CASES: [Case; 1] = [Case::spread("ntp_sets_the_clock", sets_the_clock)
    .of("ntp")
    .needing(Need::Table)];

/// The server's time: 2031-03-04 07:08:09 UTC, in seconds since 1900.
const TIME: u32 = 4_139_363_289;

/// Returns an answer (RFC 5905, 7.3) of a stratum 1 server.
fn answer(request: &[u8]) -> Option<Vec<u8>> {
    let transmitted = request.get(40..48)?;
    let mut answer = vec![0; 48];
    // No leap warning, version 4, server; stratum 1; poll interval 64 seconds; precision 1
    // microsecond.
    answer[..4].copy_from_slice(&[0b00_100_100, 1, 6, 0xec]);
    answer[12..16].copy_from_slice(b"TEST");
    for place in [16, 32, 40] {
        answer[place..place + 4].copy_from_slice(&TIME.to_be_bytes());
    }
    answer[24..32].copy_from_slice(transmitted);
    Some(answer)
}

fn sets_the_clock(setting: &Setting) -> Outcome {
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = server.local_addr()?.port();
    server.set_read_timeout(Some(LIMIT))?;
    let serving = thread::spawn(move || -> Outcome {
        let mut request = [0; 128];
        let (length, from) = server.recv_from(&mut request)?;
        let answer = answer(&request[..length]).ok_or("the request is too short")?;
        server.send_to(&answer, from)?;
        Ok(())
    });
    let draft = setting.machine("ntp")?;
    let machine = draft.append(&format!("ntp=10.0.2.2:{port}")).start()?;
    let said = machine.wait_for("the time", |line| {
        line.contains("the clock was off").then(|| line.to_owned())
    })?;
    serving.join().map_err(|_| "the server panicked")??;
    ensure!(
        said.contains("it is 2031-03-04 07:08:"),
        "the printed time differs from the server's: {said}"
    );
    Ok(())
}
