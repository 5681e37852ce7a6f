//! Network tests with raw frames, including invalid ones.

use std::time::Duration;

use vmos_machine_tests::ensure;
use vmos_machine_tests::ethernet::Wire;
use vmos_machine_tests::machine::{LIMIT, Machine};
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::packet::{self, BROADCAST, ITS_ADDRESS, Ipv4, Mac};
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::udp::AT_ONCE;

use super::demo::{DEMO, serving};
use super::{Case, Need};

// There is no DHCP server on this link; the command line sets the address.
pub(super) const CASES: [Case; 7] = [
    Case::spread("answers_arp", answers_arp).needing(Need::Table),
    Case::new("answers_ping", answers_ping).needing(Need::Table),
    Case::spread("survives_lengths_that_lie", survives_lengths_that_lie).needing(Need::Table),
    Case::spread("survives_fragments", survives_fragments).needing(Need::Table),
    Case::spread("survives_random_frames", survives_random_frames).needing(Need::Table),
    Case::spread("survives_a_flood_of_frames", survives_a_flood_of_frames).needing(Need::Table),
    Case::spread(
        "never_says_more_than_it_was_told",
        never_says_more_than_it_was_told,
    )
    .needing(Need::Table),
];

const ECHO: u16 = 7;

pub(super) fn wired(setting: &Setting) -> Outcome<(Machine, Wire, Mac)> {
    let (draft, wire) = setting.machine(DEMO)?.wired()?;
    let machine = serving(draft)?;
    let mac = wire.resolve(LIMIT)?;
    Ok((machine, wire, mac))
}

fn answers_arp(setting: &Setting) -> Outcome {
    let (_machine, wire, mac) = wired(setting)?;
    ensure!(
        mac != BROADCAST && mac != [0; 6],
        "no address of a device: {mac:?}"
    );
    wire.send(&packet::arp_request([10, 0, 2, 99].into()))?;
    let other = wire.receive(Duration::from_millis(200), |frame| {
        packet::arp_reply(frame, [10, 0, 2, 99].into())
    });
    ensure!(
        other.is_none(),
        "it answers ARP requests for another address"
    );
    Ok(())
}

fn answers_ping(setting: &Setting) -> Outcome {
    let (_machine, wire, mac) = wired(setting)?;
    for (sequence, size) in [(1, 0), (2, 56), (3, 1472)] {
        let payload = vec![0xa5; size];
        wire.send(&packet::ping(mac, sequence, &payload, Ipv4::default()))?;
        let pong = wire.receive(AT_ONCE, |frame| {
            packet::is_pong(frame, sequence, &payload).then_some(())
        });
        ensure!(pong.is_some(), "no answer to a ping of {size} bytes");
    }
    Ok(())
}

fn survives_lengths_that_lie(setting: &Setting) -> Outcome {
    let (machine, wire, mac) = wired(setting)?;
    for length in [0, 4, 7, 9, 65_000, 65_535] {
        wire.send(&packet::datagram(
            mac,
            ECHO,
            b"lies",
            Some(length),
            Ipv4::default(),
        ))?;
    }
    for total_length in [0, 10, 19, 20, 21, 27, 1500, 65_535] {
        let header = Ipv4 {
            total_length: Some(total_length),
            ..Ipv4::default()
        };
        wire.send(&packet::ping(mac, 1, b"lies", header))?;
        wire.send(&packet::datagram(mac, ECHO, b"lies", None, header))?;
    }
    for version_and_length in [0x40, 0x44, 0x4f, 0x00, 0x65, 0xff] {
        let header = Ipv4 {
            version_and_length: Some(version_and_length),
            ..Ipv4::default()
        };
        wire.send(&packet::ping(mac, 1, b"lies", header))?;
    }
    still_serves(machine, &wire, mac)
}

fn survives_fragments(setting: &Setting) -> Outcome {
    let (machine, wire, mac) = wired(setting)?;
    for number in 0..200 {
        // Each fragment announces further ones, which never arrive.
        let header = Ipv4 {
            fragment: 0x2000 | number,
            identification: number,
            ..Ipv4::default()
        };
        wire.send(&packet::datagram(mac, ECHO, b"fragment", None, header))?;
    }
    still_serves(machine, &wire, mac)
}

fn survives_random_frames(setting: &Setting) -> Outcome {
    let (machine, wire, mac) = wired(setting)?;
    let mut random = Random::new();
    for _ in 0..400 {
        let size = 1 + random.below(1514);
        let mut frame: Vec<u8> = (0..size).map(|_| random.byte()).collect();
        if random.below(2) == 0 {
            // Half of them have the machine's hardware address and a valid type.
            let head = packet::ping(mac, 0, b"", Ipv4::default());
            let length = (14 + random.below(21)).min(frame.len());
            frame[..length].copy_from_slice(&head[..length]);
        }
        wire.send(&frame)?;
    }
    still_serves(machine, &wire, mac)
}

fn survives_a_flood_of_frames(setting: &Setting) -> Outcome {
    let (machine, wire, mac) = wired(setting)?;
    for number in 0..2000u32 {
        let payload = number.to_be_bytes();
        match number % 3 {
            0 => wire.send(&packet::arp_request(ITS_ADDRESS))?,
            1 => wire.send(&packet::ping(mac, 1, &payload, Ipv4::default()))?,
            _ => wire.send(&packet::datagram(
                mac,
                ECHO,
                &payload,
                None,
                Ipv4::default(),
            ))?,
        }
    }
    still_serves(machine, &wire, mac)
}

fn never_says_more_than_it_was_told(setting: &Setting) -> Outcome {
    let (machine, wire, mac) = wired(setting)?;
    let _ = wire.drain();
    let lies = [
        packet::datagram(mac, ECHO, &[1; 18], Some(65_000), Ipv4::default()),
        packet::datagram(mac, ECHO, &[1; 18], Some(1000), Ipv4::default()),
        packet::ping(
            mac,
            9,
            &[1; 18],
            Ipv4 {
                total_length: Some(3000),
                ..Ipv4::default()
            },
        ),
        packet::ping(
            mac,
            9,
            &[1; 18],
            Ipv4 {
                total_length: Some(100),
                ..Ipv4::default()
            },
        ),
    ];
    for lie in lies {
        wire.send(&lie)?;
        let answer = wire.receive(Duration::from_millis(200), |frame| {
            (frame.len() > lie.len()).then_some(frame.len())
        });
        let told = lie.len();
        ensure!(
            answer.is_none(),
            "the answer to a frame of {told} bytes has {answer:?} bytes"
        );
    }
    still_serves(machine, &wire, mac)
}

/// Checks that a datagram and a ping are answered after the machine has processed all frames.
fn still_serves(mut machine: Machine, wire: &Wire, mac: Mac) -> Outcome {
    // It has processed all frames when it sends nothing more.
    while wire
        .receive(Duration::from_millis(300), |_| Some(()))
        .is_some()
    {}
    wire.send(&packet::datagram(
        mac,
        ECHO,
        b"still there?",
        None,
        Ipv4::default(),
    ))?;
    let echo = wire.receive(LIMIT, |frame| {
        packet::echoed(frame)
            .is_some_and(|echo| echo == b"still there?")
            .then_some(())
    });
    let ended = machine.ended()?;
    ensure!(ended.is_none(), "the machine ended: {ended:?}");
    ensure!(
        echo.is_some(),
        "a datagram afterwards was not echoed within {LIMIT:?}"
    );
    wire.send(&packet::ping(mac, 77, b"still there?", Ipv4::default()))?;
    let pong = wire.receive(AT_ONCE, |frame| {
        packet::is_pong(frame, 77, b"still there?").then_some(())
    });
    ensure!(
        pong.is_some(),
        "a ping afterwards was not answered within {AT_ONCE:?}"
    );
    Ok(())
}

/// A pseudo-random number generator with a fixed sequence (xorshift64).
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(88_172_645_463_325_252)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }

    fn below(&mut self, limit: u64) -> usize {
        usize::try_from(self.next() % limit).unwrap_or(0)
    }
}
