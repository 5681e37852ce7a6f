//! Network tests with other machines that claim this machine's address, and with unusable DHCP
//! servers.

use std::time::{Duration, Instant};

use vmos_machine_tests::ensure;
use vmos_machine_tests::ethernet::Wire;
use vmos_machine_tests::machine::Machine;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::packet::{self, BROADCAST, ITS_ADDRESS, Ipv4, Mac};
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::udp::AT_ONCE;

use super::demo::DEMO;
use super::frames::wired;
use super::{Case, Need};

pub(super) const CASES: [Case; 4] = [
    Case::spread("answers_arp_probes", answers_arp_probes).needing(Need::Table),
    Case::spread("defends_its_address", defends_its_address).needing(Need::Table),
    Case::spread("waits_for_a_dhcp_server", waits_for_a_dhcp_server).needing(Need::Table),
    Case::spread(
        "asks_a_dhcp_server_that_refuses_seldom",
        asks_a_dhcp_server_that_refuses_seldom,
    )
    .needing(Need::Table),
];

/// Byte ranges in a frame with an ARP packet.
const SENDER: std::ops::Range<usize> = 28..32;
const TARGET: std::ops::Range<usize> = 38..42;

/// How long DHCP messages are counted. The pauses between attempts are 4 and 8 seconds long, each up to a
/// second more or less: the second attempt comes after 5 s at the latest, the third after 10 s at the
/// earliest.
const WATCHED: Duration = Duration::from_secs(8);

/// Checks that an address probe, which has no sender address (RFC 5227, 2.1.1), is answered.
fn answers_arp_probes(setting: &Setting) -> Outcome {
    let (_machine, wire, mac) = wired(setting)?;
    let mut probe = packet::arp_request(ITS_ADDRESS);
    probe[SENDER].fill(0);
    wire.send(&probe)?;
    let reply = wire.receive(AT_ONCE, |frame| packet::arp_reply(frame, ITS_ADDRESS));
    ensure!(reply == Some(mac), "the answer to a probe is {reply:?}");
    Ok(())
}

/// Checks that many claims within 10 seconds are answered by one announcement (RFC 5227, 2.4).
fn defends_its_address(setting: &Setting) -> Outcome {
    let (machine, wire, mac) = wired(setting)?;
    let _ = wire.drain();
    let mut claim = packet::arp_request(ITS_ADDRESS);
    claim[SENDER].copy_from_slice(&ITS_ADDRESS.octets());
    for _ in 0..20 {
        wire.send(&claim)?;
    }
    let is_announcement = |frame: &[u8]| {
        let address = ITS_ADDRESS.octets();
        (frame.get(SENDER) == Some(&address) && frame.get(TARGET) == Some(&address)).then(|| {
            let (to, from): (&[u8], &[u8]) = (&frame[..6], &frame[22..28]);
            to == BROADCAST && from == mac
        })
    };
    let announced = wire.receive(AT_ONCE, is_announcement);
    ensure!(announced == Some(true), "the address is not defended");
    let again = wire.receive(Duration::from_secs(1), is_announcement);
    ensure!(again.is_none(), "the address is defended more than once");
    machine.wait_for("the claim in the log", |line| {
        line.contains("claims 10.0.2.15").then_some(())
    })?;
    Ok(())
}

fn waits_for_a_dhcp_server(setting: &Setting) -> Outcome {
    let (machine, asked) = count_questions(setting, |_, _, _| Ok(()))?;
    ensure!((2..=3).contains(&asked), "{asked} messages in {WATCHED:?}");
    machine.wait_for("why there is no address", |line| {
        line.contains("DHCP: no server answers").then_some(())
    })?;
    Ok(())
}

fn asks_a_dhcp_server_that_refuses_seldom(setting: &Setting) -> Outcome {
    let (machine, asked) = count_questions(setting, |wire, kind, question| {
        wire.send(&answer(
            question,
            if kind == DISCOVER { OFFER } else { NAK },
        ))
    })?;
    ensure!((2..=4).contains(&asked), "{asked} messages in {WATCHED:?}");
    machine.wait_for("why there is no address", |line| {
        line.contains("DHCP: the server rejects").then_some(())
    })?;
    Ok(())
}

const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const NAK: u8 = 6;

/// Starts a machine that requests its address, and counts its messages to DHCP servers.
fn count_questions(
    setting: &Setting,
    serve: impl Fn(&Wire, u8, &[u8]) -> Outcome,
) -> Outcome<(Machine, usize)> {
    let (draft, wire) = setting.machine(DEMO)?.wired()?;
    let machine = draft.append("ip=dhcp").start()?;
    let mut asked = 0;
    let mut end = None;
    while end.is_none_or(|end| Instant::now() < end) {
        let left = end.map_or(Duration::from_secs(60), |end: Instant| {
            end.saturating_duration_since(Instant::now())
        });
        // A datagram to the port of servers, with the type of the message as its first option.
        let question = wire.receive(left, |frame| {
            (frame.get(36..38)? == [0, 67]).then(|| frame.to_vec())
        });
        let Some(question) = question else { break };
        end.get_or_insert_with(|| Instant::now() + WATCHED);
        asked += 1;
        serve(&wire, question[284], &question)?;
    }
    Ok((machine, asked))
}

/// Returns the frame that answers a DHCP message, from port 67 to port 68.
fn answer(question: &[u8], kind: u8) -> Vec<u8> {
    let mut message = question[42..282].to_vec();
    message[0] = 2;
    message[16..20].copy_from_slice(&ITS_ADDRESS.octets());
    message.extend([53, 1, kind, 54, 4, 10, 0, 2, 2, 51, 4, 0, 0, 14, 16, 255]);
    let mac: Mac = question[6..12].try_into().unwrap_or(BROADCAST);
    let mut frame = packet::datagram(mac, 68, &message, None, Ipv4::default());
    frame[34..36].copy_from_slice(&67_u16.to_be_bytes());
    frame
}
