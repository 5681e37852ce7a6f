//! Group N of the faults: networks with faulty, hostile or excessive traffic.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::packet::{self, Ipv4};
use vmos_machine_tests::segment::{Segment, flag};
use vmos_machine_tests::service::ECHO;
use vmos_machine_tests::setting::Setting;

use super::super::{Case, Need};
use super::{SOON, Tested, draft};
use crate::matrix;

// A wire has no DHCP server, so the address is on the command line.
pub(crate) const CASES: [Case; 11] = [
    Case::spread("n1_a_link_that_flaps", link_that_flaps),
    Case::spread("n2_malformed_frames_are_named", malformed_frames).needing(Need::Table),
    Case::spread("n2_every_header_byte_mutated", mutated_headers).needing(Need::Table),
    Case::spread("n3_first_fragments_cost_no_memory", first_fragments).needing(Need::Table),
    Case::spread("n3_fragments_in_any_order", fragments_in_any_order).needing(Need::Table),
    Case::spread("n4_frames_of_any_length", frames_of_any_length).needing(Need::Table),
    Case::spread("n5_a_flood_of_datagrams", |setting| {
        flood(setting, |number| Flood::Datagram(number, ECHO), &[])
    })
    .needing(Need::Table),
    Case::spread("n5_a_flood_to_closed_ports", |setting| {
        flood(
            setting,
            |number| Flood::Datagram(number, 1000 + number as u16),
            &[],
        )
    })
    .needing(Need::Table),
    Case::spread("n5_a_flood_of_requests_to_connect", |setting| {
        flood(setting, Flood::Connect, &["tcp.cookies_sent"])
    })
    .needing(Need::Table),
    Case::spread("n6_a_host_that_does_not_read", host_that_does_not_read).needing(Need::Table),
    Case::spread(
        "n8_a_failing_case_leaves_its_files",
        failing_case_leaves_files,
    ),
];

fn wired(setting: &Setting) -> Outcome<Tested> {
    Tested::wired(draft(setting)?)
}

/// Checks that the machine notices its link: when it comes up, the machine requests its address again,
/// since the network may be another one.
fn link_that_flaps(setting: &Setting) -> Outcome {
    // Without words on the command line, the address is requested by DHCP.
    let mut tested = Tested::start(draft(setting)?.command_line(""))?;
    let mut monitor = tested.machine.monitor()?;
    let begin = Instant::now();
    for _ in 0..20 {
        for up in [false, true] {
            monitor.execute("set_link", json!({"name": "net0", "up": up}))?;
            thread::sleep(Duration::from_millis(20));
        }
    }
    let flapped = begin.elapsed();
    drop(monitor);
    tested.is_sound()?;
    let file = setting.path("frames0.pcap");
    let deadline = Instant::now() + SOON;
    let mut requests = 0;
    while requests < 2 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(100));
        requests = dhcp_requests(&fs::read(&file)?);
    }
    // One at the start, one at most for each second, and a few until there is an address.
    let most = 7 + usize::try_from(flapped.as_secs())?;
    ensure!(
        (2..=most).contains(&requests),
        "the machine sends {requests} DHCP requests, with a link that came up 20 times in {flapped:?}"
    );
    Ok(())
}

/// Returns the number of DHCP requests (RFC 2132, 9.6: type 3) in a file of captured frames.
fn dhcp_requests(capture: &[u8]) -> usize {
    let mut count = 0;
    let mut rest = capture.get(24..).unwrap_or_default();
    while let Some((header, behind)) = rest.split_at_checked(16) {
        let length = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
        let Some((frame, behind)) = behind.split_at_checked(length as usize) else {
            break;
        };
        let is_to_server =
            frame.get(12..14) == Some(&[8, 0]) && frame.get(36..38) == Some(&[0, 67]);
        // The type of the message is its first option.
        count += usize::from(is_to_server && frame.get(284) == Some(&3));
        rest = behind;
    }
    count
}

/// Checks that each malformed frame is dropped, and that the counts show the reason.
fn malformed_frames(setting: &Setting) -> Outcome {
    let mut tested = wired(setting)?;
    let (wire, mac) = tested.service.wire()?;
    let length = |total_length| Ipv4 {
        total_length: Some(total_length),
        ..Ipv4::default()
    };
    let version = |version_and_length| Ipv4 {
        version_and_length: Some(version_and_length),
        ..Ipv4::default()
    };
    for _ in 0..20 {
        wire.send(&packet::datagram(
            mac,
            ECHO,
            b"short",
            Some(4),
            Ipv4::default(),
        ))?;
        wire.send(&packet::datagram(
            mac,
            ECHO,
            b"long",
            Some(65_000),
            Ipv4::default(),
        ))?;
        wire.send(&packet::ping(mac, 1, b"length", length(10)))?;
        wire.send(&packet::ping(mac, 1, b"length", length(60_000)))?;
        wire.send(&packet::ping(mac, 1, b"version", version(0x65)))?;
        wire.send(&packet::ping(mac, 1, b"header", version(0x42)))?;
        let mut wrong = packet::ping(mac, 1, b"checksum", Ipv4::default());
        wrong[24] ^= 1;
        wire.send(&wrong)?;
        let mut wrong = packet::ping(mac, 1, b"checksum", Ipv4::default());
        wrong[42] ^= 1;
        wire.send(&wrong)?;
        let mut wrong = packet::summed_datagram(mac, ECHO, b"checksum");
        wrong[42] ^= 1;
        wire.send(&wrong)?;
        let mut wrong = packet::arp_request(packet::ITS_ADDRESS);
        wrong[18] = 7;
        wire.send(&wrong)?;
        let mut other = packet::ping(mac, 1, b"type", Ipv4::default());
        other[12..14].copy_from_slice(&[0x86, 0xdd]);
        wire.send(&other)?;
    }
    let before = tested.machine.serial.lines().len();
    tested.is_sound_and_names(&[
        "net.wrong_length",
        "net.malformed_header",
        "net.wrong_header_checksum",
        "net.wrong_datagram_checksum",
        "net.malformed_message",
        "net.malformed_arp",
        "net.unknown_type",
    ])?;
    let lines = tested.machine.serial.lines().len() - before;
    ensure!(
        lines <= 30,
        "220 malformed frames write {lines} lines to the log"
    );
    Ok(())
}

/// Sets each header byte of each kind of packet to several invalid values.
fn mutated_headers(setting: &Setting) -> Outcome {
    let mut tested = wired(setting)?;
    let (wire, mac) = tested.service.wire()?;
    let connect = segment(1, flag::SYN);
    let frames = [
        packet::ping(mac, 1, b"mutated", Ipv4::default()),
        packet::summed_datagram(mac, ECHO, b"mutated"),
        connect.frame(mac),
        packet::arp_request(packet::ITS_ADDRESS),
    ];
    for frame in &frames {
        for at in 6..frame.len().min(60) {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut mutated = frame.clone();
                mutated[at] = value;
                wire.send(&mutated)?;
            }
        }
    }
    tested.is_sound()
}

/// Sends first fragments without further ones, and checks that the memory for them is limited.
fn first_fragments(setting: &Setting) -> Outcome {
    let mut tested = wired(setting)?;
    let before = tested.service.counts()?;
    let (wire, mac) = tested.service.wire()?;
    for number in 0..10_000_u16 {
        let header = Ipv4 {
            fragment: 0x2000,
            identification: number,
            ..Ipv4::default()
        };
        wire.send(&packet::datagram(mac, ECHO, &[0; 512], None, header))?;
    }
    tested.is_sound_and_names(&["net.fragments"])?;
    let after = tested.service.counts()?;
    let used = |counts: &super::Counts| counts.get("heap.bytes").copied().unwrap_or(0);
    let grown = used(&after).saturating_sub(used(&before));
    ensure!(
        grown < 512 << 10,
        "10,000 first fragments use {grown} bytes"
    );
    Ok(())
}

/// Checks that the fragments of a datagram, in order and in reverse, are answered by one datagram.
fn fragments_in_any_order(setting: &Setting) -> Outcome {
    const PIECE: usize = 1000;
    let mut tested = wired(setting)?;
    let (wire, mac) = tested.service.wire()?;
    for (identification, backwards) in [(7000, false), (7001, true)] {
        let payload: Vec<u8> = (0..2992).map(|at: u32| at.to_le_bytes()[0]).collect();
        // The unfragmented datagram, cut into three parts after its header.
        let whole = packet::datagram(mac, ECHO, &payload, None, Ipv4::default());
        let message = &whole[34..];
        let mut pieces: Vec<_> = message
            .chunks(PIECE)
            .enumerate()
            .map(|(number, piece)| {
                let more = (number + 1) * PIECE < message.len();
                let offset = u16::try_from(number * PIECE / 8).unwrap_or(0);
                let header = Ipv4 {
                    fragment: offset | if more { 0x2000 } else { 0 },
                    identification,
                    ..Ipv4::default()
                };
                packet::udp_piece(mac, piece, header)
            })
            .collect();
        if backwards {
            pieces.reverse();
        }
        let _ = wire.drain();
        for piece in pieces {
            wire.send(&piece)?;
        }
        // The reply is fragmented too; its first fragment contains the ports.
        let back = wire.receive(SOON, |frame| {
            let begins = frame.get(34..38)? == [0, 7, 0x9c, 0x47];
            (begins && frame.get(12..14)? == [8, 0]).then_some(())
        });
        ensure!(
            back.is_some(),
            "a fragmented datagram (in reverse order: {backwards}) was not echoed"
        );
    }
    tested.is_sound()
}

fn frames_of_any_length(setting: &Setting) -> Outcome {
    /// The number of lengths above 1518, that of a frame of Ethernet with a VLAN tag.
    const TOO_LONG: u64 = 6;
    let mut tested = wired(setting)?;
    let (wire, mac) = tested.service.wire()?;
    let whole = packet::datagram(mac, ECHO, &vec![0xa5; 66_000], None, Ipv4::default());
    for length in (1..120).chain([
        1513, 1514, 1515, 1518, 1519, 2048, 4096, 9014, 16_000, 65_000,
    ]) {
        wire.send(&whole[..length])?;
    }
    tested.is_sound()?;
    // A part of a frame does not count as a frame.
    let counts = tested.service.counts()?;
    let dropped = counts.get("nic0.dropped_long").copied();
    ensure!(
        dropped == Some(TOO_LONG),
        "of {TOO_LONG} frames that are too long, {dropped:?} are dropped as such: {}",
        super::shown(&counts)
    );
    Ok(())
}

#[derive(Clone, Copy)]
enum Flood {
    Datagram(u32, u16),
    Connect(u32),
}

fn segment(port: u16, flags: u8) -> Segment<'static> {
    Segment {
        source: port,
        destination: ECHO,
        sequence: 1,
        acknowledged: 0,
        flags,
        window: 1000,
        options: &[],
        payload: &[],
    }
}

/// Checks that timers are on time during a flood, and that afterwards everything works and these
/// counts have increased.
fn flood(setting: &Setting, of: impl Fn(u32) -> Flood, names: &[&str]) -> Outcome {
    const FRAMES: u32 = 20_000;
    let mut tested = wired(setting)?;
    let (wire, mac) = tested.service.wire()?;
    let begin = Instant::now();
    for number in 0..FRAMES {
        match of(number) {
            Flood::Datagram(number, port) => wire.send(&packet::datagram(
                mac,
                port,
                &number.to_be_bytes(),
                None,
                Ipv4::default(),
            ))?,
            Flood::Connect(number) => {
                let port = 1024 + u16::try_from(number % 60_000)?;
                wire.send(&segment(port, flag::SYN).frame(mac))?;
            }
        }
        if number % 1000 == 0 {
            let _ = wire.drain();
        }
    }
    let took = begin.elapsed();
    tested
        .is_sound_and_names(names)
        .map_err(|error| format!("after {FRAMES} frames in {took:?}: {error}"))?;
    let counts = tested.service.counts()?;
    let late = counts.get("timers.latest").copied().unwrap_or(0);
    ensure!(
        late < 2_000_000_000,
        "during a flood, a timer was {late} ns late"
    );
    Ok(())
}

/// Holds sent frames back for 5 s or longer: packets wait or are dropped, and received ones are still
/// processed.
fn host_that_does_not_read(setting: &Setting) -> Outcome {
    /// More frames than the machine's queue, QEMU and the socket hold.
    const FRAMES: u32 = 2000;
    let mut tested = wired(setting)?;
    let (wire, mac) = tested.service.wire()?;
    wire.stop_reading();
    let begin = Instant::now();
    let mut number = 0;
    while number < FRAMES || begin.elapsed() < Duration::from_secs(5) {
        wire.send(&packet::datagram(
            mac,
            ECHO,
            &number.to_be_bytes(),
            None,
            Ipv4::default(),
        ))?;
        number += 1;
        thread::sleep(Duration::from_millis(2));
    }
    wire.read_again();
    let _ = wire.drain();
    tested.is_sound_and_names(&["net.device_full"])
}

/// Checks the files that a failing case leaves: the console, the frames, the messages of the
/// monitor, and the command that runs it alone.
fn failing_case_leaves_files(setting: &Setting) -> Outcome {
    let mut tested = Tested::start(draft(setting)?)?;
    tested.is_sound()?;
    let (board, attachment) = (&setting.board().name, setting.attachment());
    let name = format!("{board}/{attachment}/n8_a_case_that_failed_on_purpose");
    let said = matrix::report(setting, &name, "on purpose");
    let again = format!("{board} --filter {name}");
    ensure!(
        said.contains(&again),
        "it does not say how to run it alone:\n{said}"
    );
    let folder = said
        .lines()
        .find_map(|line| {
            line.trim()
                .strip_prefix("console, frames and monitor are kept in ")
        })
        .ok_or("it does not say where its files are")?;
    for (file, part) in [
        ("serial.log", "ready"),
        ("frames0.pcap", ""),
        ("monitor0.log", "\"execute\""),
    ] {
        let path = Path::new(folder).join(file);
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let holds = String::from_utf8_lossy(&bytes).contains(part);
        ensure!(!bytes.is_empty() && holds, "{file} lacks {part:?}");
    }
    fs::remove_dir_all(folder)?;
    Ok(())
}
