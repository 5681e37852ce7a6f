//! Tests of the network over the Ethernet controller of the board, which is then the machine's only
//! device.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::{LIMIT, Machine};
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::packet::{self, ITS_ADDRESS, Ipv4};
use vmos_machine_tests::setting::{Draft, Setting};
use vmos_machine_tests::udp::{AT_ONCE, Caller};
use xtask::footprint;
use xtask::qemu::GUEST_ADDRESS;
use xtask::transport;

use super::demo::DEMO;
use super::reliability::lease_address;
use super::{Case, Need};
use crate::console;

/// The app for boards without virtio devices.
const UDP_ECHO: &str = "udp-echo";

/// The largest image of an echo service over UDP on a microcontroller, in bytes of flash, and the RAM
/// that it may use, for its variables, stacks, heap and frames.
const FLASH: u64 = 96 << 10;
const RAM: u64 = 40 << 10;

/// How often the link goes down and comes up.
const FLAPS: usize = 5;

pub(super) const CASES: [Case; 5] = [
    Case::once_a_board("ethernet_echoes", echoes),
    Case::once_a_board("ethernet_link_goes_and_comes", link_goes_and_comes),
    Case::once_a_board("ethernet_answers_frames_of_any_length", answers_frames),
    Case::once_a_board("ethernet_survives_a_flood", survives_a_flood),
    Case::once_a_board("the_echo_over_ethernet_is_small", the_echo_is_small).needing(Need::Flash),
];

/// Returns a machine that gets its address by DHCP.
fn draft(setting: &Setting) -> Outcome<Draft<'_>> {
    let app = match transport::is_console_only(setting.board()) {
        true => UDP_ECHO,
        false => DEMO,
    };
    Ok(setting.ethernet_machine(app)?.command_line(""))
}

fn wait_until_ready(machine: &Machine) -> Outcome {
    machine.wait_for("that it has an address", |line| {
        console::is_ready(line, GUEST_ADDRESS).then_some(())
    })
}

fn echoes(setting: &Setting) -> Outcome {
    let draft = draft(setting)?;
    let caller = Caller::new(draft.echo_port()?)?;
    let machine = draft.start()?;
    wait_until_ready(&machine)?;
    caller.call(b"hello", LIMIT)?;
    for size in [
        1, 2, 3, 4, 17, 18, 19, 63, 64, 65, 512, 1469, 1470, 1471, 1472,
    ] {
        let payload: Vec<u8> = (0..size).map(|i: u32| i.to_le_bytes()[0]).collect();
        caller.call(&payload, AT_ONCE)?;
    }
    ensure!(caller.burst(32)? > 0, "no datagram of a burst came back");
    caller.call(b"after the burst", AT_ONCE)?;
    Ok(())
}

fn link_goes_and_comes(setting: &Setting) -> Outcome {
    let draft = draft(setting)?;
    let caller = Caller::new(draft.echo_port()?)?;
    let machine = draft.start()?;
    wait_until_ready(&machine)?;
    caller.call(b"before", LIMIT)?;
    let mut monitor = machine.monitor()?;
    let changes = |state: &str| {
        let lines = machine.serial.lines();
        lines.iter().filter(|line| line.contains(state)).count()
    };
    for flap in 1..=FLAPS {
        for (up, state) in [(false, "link down"), (true, "link up")] {
            monitor.execute("set_link", json!({"name": "net0", "up": up}))?;
            // The interrupt of the controller reports each change at once.
            let begun = Instant::now();
            while changes(state) < flap && begun.elapsed() < LIMIT {
                thread::sleep(Duration::from_millis(10));
            }
            let seen = changes(state);
            ensure!(
                seen == flap,
                "`{state}` is reported {seen} times, not {flap}"
            );
        }
    }
    drop(monitor);
    caller.call(b"after", LIMIT)?;
    Ok(())
}

fn answers_frames(setting: &Setting) -> Outcome {
    let (draft, wire) = draft(setting)?.wired()?;
    let machine = draft.start()?;
    lease_address(&machine, &wire)?;
    let mac = wire.resolve(LIMIT)?;
    let ping = |sequence: u16, size: usize| -> Outcome {
        let payload = vec![0xa5; size];
        wire.send(&packet::ping(mac, sequence, &payload, Ipv4::default()))?;
        let pong = wire.receive(AT_ONCE, |frame| {
            packet::is_pong(frame, sequence, &payload).then_some(())
        });
        ensure!(pong.is_some(), "no answer to a ping of {size} bytes");
        Ok(())
    };
    for (sequence, size) in (1..).zip([0, 1, 2, 3, 4, 5, 56, 1471, 1472]) {
        ping(sequence, size)?;
    }
    // Runts, and frames that are longer than Ethernet allows.
    for length in (1..64).chain([1515, 1518, 1519, 1522, 1523, 1600, 2000, 2047, 2048, 9000]) {
        let mut frame = packet::ping(mac, 99, &[0x5a; 56], Ipv4::default());
        frame.resize(length, 0);
        wire.send(&frame)?;
    }
    ping(100, 56)?;
    // Frames whose lengths lie.
    for length in [0, 4, 7, 9, 65_000, 65_535] {
        wire.send(&packet::datagram(
            mac,
            7,
            b"lies",
            Some(length),
            Ipv4::default(),
        ))?;
    }
    ping(101, 1472)?;
    wire.resolve(LIMIT)?;
    Ok(())
}

fn survives_a_flood(setting: &Setting) -> Outcome {
    let (draft, wire) = draft(setting)?.wired()?;
    let machine = draft.start()?;
    lease_address(&machine, &wire)?;
    let mac = wire.resolve(LIMIT)?;
    for number in 0..2000_u16 {
        let frame = match number % 4 {
            0 => packet::datagram(mac, 7, &[0x11; 1400], None, Ipv4::default()),
            1 => packet::datagram(mac, 9, b"nobody is here", None, Ipv4::default()),
            2 => packet::arp_request(ITS_ADDRESS),
            _ => packet::ping(mac, number, &[0x22; 1000], Ipv4::default()),
        };
        wire.send(&frame)?;
    }
    // Answers to the flood that are still on their way are of no interest.
    thread::sleep(Duration::from_millis(200));
    let _ = wire.drain();
    for sequence in 5000..5010 {
        wire.send(&packet::ping(mac, sequence, b"alive", Ipv4::default()))?;
        let pong = wire.receive(LIMIT, |frame| {
            packet::is_pong(frame, sequence, b"alive").then_some(())
        });
        ensure!(pong.is_some(), "no answer after a flood of frames");
    }
    Ok(())
}

fn the_echo_is_small(setting: &Setting) -> Outcome {
    let board = setting.board();
    let elf = fs::read(setting.image(UDP_ECHO)?.elf)?;
    let loadable = footprint::loadable(&elf)?;
    ensure!(
        loadable <= FLASH,
        "{loadable} bytes of flash, more than {FLASH}"
    );
    // The cases above run with no more than that.
    let reserved: u64 = board.memory.reserved.iter().map(|one| one.range.size).sum();
    let ram: u64 = board.memory.ram.iter().map(|one| one.expected_size).sum();
    let is_tested = setting.workspace().ethernet.boards.contains(&board.name);
    ensure!(
        !is_tested || ram - reserved <= RAM,
        "{} bytes of RAM, more than {RAM}",
        ram - reserved
    );
    Ok(())
}
