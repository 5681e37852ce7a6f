//! Group T of the faults, as far as machines on a wire show it: silence before a wait, what must not be
//! answered, clients that vanish, and a path with a smaller MTU.

use std::net::Ipv4Addr;
use std::thread;
use std::time::{Duration, Instant};

use vmos_machine_tests::ensure;
use vmos_machine_tests::ethernet::Wire;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::packet::{
    self, BROADCAST, DESTINATION, ITS_ADDRESS, Ipv4, Mac, SOURCE, TCP_CHECKSUM, UDP_CHECKSUM,
};
use vmos_machine_tests::segment::{Segment, flag};
use vmos_machine_tests::service::{ECHO, REQUESTS};
use vmos_machine_tests::setting::Setting;

use super::super::{Case, Need};
use super::{SOON, Tested, draft};

pub(crate) const CASES: [Case; 4] = [
    Case::spread("t1_silence_before_a_wait", silence_before_a_wait).needing(Need::Table),
    Case::spread("t5_clients_that_vanish", clients_that_vanish).needing(Need::Table),
    Case::spread("t4_what_must_not_be_answered", not_to_be_answered).needing(Need::Table),
    Case::spread("t6_a_path_with_a_smaller_mtu", smaller_mtu).needing(Need::Table),
];

/// A port without a socket, here and in the machine.
const CLOSED: u16 = 4711;
/// The port of the client here.
const CLIENT: u16 = 40_123;

/// How long the network is silent before the machine pings and connects. While a task waits, an idle
/// device is checked after 4 s and after 8 s, which would tell the network the time.
const SILENCE: Duration = Duration::from_millis(7500);
/// How long the machine waits for the answer to its ping.
const PING: Duration = Duration::from_secs(2);

/// Makes the machine wait for answers after a silence that is longer than its time limit. It gets the
/// answers, and the ping's time is within its limit: both count from the request, not from the last frame.
fn silence_before_a_wait(setting: &Setting) -> Outcome {
    let mut tested = Tested::wired(draft(setting)?)?;
    let (wire, mac) = tested.service.wire()?;
    let _ = wire.drain();
    for (number, what) in [(9001, "ping"), (9002, "connect")] {
        let request = format!("{number} {what} {}", SILENCE.as_millis());
        wire.send(&packet::summed_datagram(mac, REQUESTS, request.as_bytes()))?;
    }
    let mut answers = Vec::new();
    while answers.len() < 2 {
        let frame = wire.receive(SILENCE + SOON, |frame| Some(frame.to_vec()));
        let frame = frame.ok_or_else(|| format!("only these answers came: {answers:?}"))?;
        if let Some(message) = echo_request(&frame) {
            wire.send(&packet::icmp(mac, message))?;
        } else if let Some(syn) = Segment::of(&frame, true).filter(|one| one.flags == flag::SYN) {
            let refusal = Segment {
                source: syn.destination,
                destination: syn.source,
                acknowledged: syn.sequence.wrapping_add(1),
                ..segment(flag::RST | flag::ACK, 0, 0, b"")
            };
            wire.send(&refusal.frame(mac))?;
        } else if let Some(text) = packet::echoed(&frame) {
            answers.push(String::from_utf8_lossy(text).into_owned());
        }
    }
    let answer = |start: &str| answers.iter().find_map(|answer| answer.strip_prefix(start));
    let took = answer("9001 ok ").and_then(|took| took.parse().ok());
    let took = took.map(Duration::from_nanos);
    let is_refused =
        answer("9002 failed ").is_some_and(|why| why.ends_with("refused the connection"));
    ensure!(
        took.is_some_and(|took| took < PING) && is_refused,
        "after {SILENCE:?} of silence: {answers:?}"
    );
    tested.is_sound()
}

/// Returns the reply to the echo request in a frame, without its checksum.
fn echo_request(frame: &[u8]) -> Option<Vec<u8>> {
    let is_packet = frame.get(12..15)? == [8, 0, 0x45] && frame.get(23) == Some(&1);
    let length = usize::from(u16::from_be_bytes(frame.get(16..18)?.try_into().ok()?));
    let message = frame.get(34..14 + length).filter(|_| is_packet)?;
    (message.first() == Some(&8))
        .then(|| [&[0, 0, 0, 0], message.get(4..).unwrap_or_default()].concat())
}

/// The number of streams that the machine echoes at the same time.
const STREAMS: u16 = 8;

/// Opens as many streams as the machine serves, and is not heard of again. The machine gives them up,
/// and serves new clients.
fn clients_that_vanish(setting: &Setting) -> Outcome {
    let mut tested = Tested::wired(draft(setting)?.append("keep-alive=2"))?;
    let (wire, mac) = tested.service.wire()?;
    let open = |source: u16| -> Outcome<bool> {
        let _ = wire.drain();
        let of_client = |one: Segment<'static>| Segment { source, ..one };
        wire.send(&of_client(segment(flag::SYN, 1000, 0, b"")).frame(mac))?;
        let first = wire.receive(SOON, |frame| {
            let answer = Segment::of(frame, true)?;
            let accepts = answer.flags == flag::SYN | flag::ACK;
            (answer.destination == source && accepts).then_some(answer.sequence)
        });
        let next = first
            .ok_or("the connection was not accepted")?
            .wrapping_add(1);
        wire.send(&of_client(segment(flag::ACK, 1001, next, b"")).frame(mac))?;
        wire.send(&of_client(segment(flag::ACK | flag::PSH, 1001, next, b"client")).frame(mac))?;
        let echoed = wire.receive(SOON, |frame| {
            let answer = Segment::of(frame, true).filter(|one| one.destination == source)?;
            let is_refused = answer.flags & (flag::RST | flag::FIN) != 0;
            (is_refused || answer.payload == b"client").then_some(!is_refused)
        });
        let echoed = echoed.ok_or("the stream is neither echoed nor refused")?;
        if echoed {
            let end = next.wrapping_add(6);
            wire.send(&of_client(segment(flag::ACK, 1007, end, b"")).frame(mac))?;
        }
        Ok(echoed)
    };
    let begin = Instant::now();
    for client in 0..STREAMS {
        ensure!(open(CLIENT + client)?, "client {client} is not served");
    }
    let is_full = !open(CLIENT + STREAMS)?;
    ensure!(is_full, "more than {STREAMS} clients are served");
    // A probe after 2 s, and 8 s without an answer.
    let mut client = CLIENT + STREAMS + 1;
    while !open(client)? {
        ensure!(
            begin.elapsed() < SOON + SOON,
            "clients that vanished occupy all tasks"
        );
        client += 1;
        thread::sleep(Duration::from_secs(1));
    }
    ensure!(
        begin.elapsed() >= Duration::from_secs(5),
        "clients were given up after {:?} of silence",
        begin.elapsed()
    );
    tested.is_sound_and_names(&["tcp.gave_up"])
}

/// Sends requests in broadcast frames, to addresses that are no machine's, and from the machine's own
/// address (RFC 1122, 3.2.1.3, 3.2.2 and 3.3.6). Checks that there is no answer, although there is one
/// to each of the same requests in a usual frame.
fn not_to_be_answered(setting: &Setting) -> Outcome {
    let mut tested = Tested::wired(draft(setting)?)?;
    let (wire, mac) = tested.service.wire()?;
    // The request to connect is the last one: its answer is sent again after a second.
    let questions = [
        (packet::ping(mac, 1, b"ping", Ipv4::default()), &[][..]),
        (
            packet::summed_datagram(mac, CLOSED, b"closed"),
            &[UDP_CHECKSUM],
        ),
        (segment(flag::SYN, 1, 0, b"").frame(mac), &[TCP_CHECKSUM]),
    ];
    for (number, (question, checksums)) in questions.into_iter().enumerate() {
        let _ = wire.drain();
        let mut silent = vec![question.clone()];
        silent[0][..6].copy_from_slice(&BROADCAST);
        for to in [[127, 0, 0, 1], [10, 0, 2, 255], [255; 4], [224, 0, 0, 1]] {
            let mut frame = question.clone();
            packet::readdress(&mut frame, DESTINATION, Ipv4Addr::from(to), checksums);
            silent.push(frame.clone());
            frame[..6].copy_from_slice(&BROADCAST);
            silent.push(frame);
        }
        for from in [ITS_ADDRESS, Ipv4Addr::LOCALHOST, Ipv4Addr::BROADCAST] {
            let mut frame = question.clone();
            packet::readdress(&mut frame, SOURCE, from, checksums);
            silent.push(frame);
        }
        for frame in &silent {
            wire.send(frame)?;
        }
        let answer = wire.receive(Duration::from_millis(500), is_packet);
        ensure!(
            answer.is_none(),
            "question {number} is answered: {answer:x?}"
        );
        wire.send(&question)?;
        let answer = wire.receive(SOON, is_packet);
        ensure!(answer.is_some(), "question {number} is never answered");
    }
    tested.is_sound()
}

/// Returns the start of a frame with an IPv4 packet.
fn is_packet(frame: &[u8]) -> Option<Vec<u8>> {
    (frame.get(12..14)? == [8, 0]).then(|| frame[..42.min(frame.len())].to_vec())
}

fn segment(flags: u8, sequence: u32, acknowledged: u32, payload: &[u8]) -> Segment<'_> {
    Segment {
        source: CLIENT,
        destination: ECHO,
        sequence,
        acknowledged,
        flags,
        window: 60_000,
        options: if flags & flag::SYN == 0 {
            &[]
        } else {
            &[2, 4, 5, 0xb4]
        },
        payload,
    }
}

/// Returns the first segment for the client for which `wanted` returns a value.
fn hear<T>(wire: &Wire, wanted: impl Fn(&Segment<'_>, &[u8]) -> Option<T>) -> Option<T> {
    wire.receive(SOON, |frame| {
        let segment = Segment::of(frame, true)?;
        (segment.destination == CLIENT).then(|| wanted(&segment, frame))?
    })
}

/// Checks that segments are sent again in shorter ones after a router reports that they are too long for
/// its link (RFC 1191), and that a report about other segments changes nothing (RFC 5927).
fn smaller_mtu(setting: &Setting) -> Outcome {
    /// The MTU of the router's link, and the data in a segment that fits it.
    const MTU: u16 = 1000;
    const FITS: usize = 1000 - 40;
    let mut tested = Tested::wired(draft(setting)?)?;
    let (wire, mac) = tested.service.wire()?;
    let _ = wire.drain();
    wire.send(&segment(flag::SYN, 1000, 0, b"").frame(mac))?;
    let first = hear(wire, |segment, _| {
        (segment.flags == flag::SYN | flag::ACK).then_some(segment.sequence)
    });
    let next = first
        .ok_or("the connection was not accepted")?
        .wrapping_add(1);
    let data = [0x5a; 1460];
    wire.send(&segment(flag::ACK, 1001, next, b"").frame(mac))?;
    wire.send(&segment(flag::ACK | flag::PSH, 1001, next, &data).frame(mac))?;
    let long = hear(wire, |segment, frame| {
        let is_long = segment.payload.len() > FITS && segment.sequence == next;
        is_long.then(|| frame[14..42].to_vec())
    });
    let long = long.ok_or("the data was not echoed in one segment")?;
    // A segment that is not in flight.
    let mut other = long.clone();
    other[24..28].copy_from_slice(&next.wrapping_sub(1_000_000).to_be_bytes());
    wire.send(&too_long(mac, 600, &other))?;
    wire.send(&too_long(mac, MTU, &long))?;
    let again = hear(wire, |segment, _| {
        (segment.sequence == next && segment.payload.len() <= FITS).then_some(segment.payload.len())
    });
    ensure!(
        again == Some(FITS),
        "data of {again:?} bytes is sent again, not of {FITS}"
    );
    let end = next.wrapping_add(1460);
    wire.send(&segment(flag::RST | flag::ACK, 2461, end, b"").frame(mac))?;
    tested.is_sound_and_names(&["tcp.shortened"])
}

/// Returns the message of a router that a packet, of which this is the start, is longer than its MTU.
fn too_long(mac: Mac, mtu: u16, packet: &[u8]) -> Vec<u8> {
    let mut message = vec![3, 4, 0, 0, 0, 0];
    message.extend(mtu.to_be_bytes());
    message.extend(packet);
    packet::icmp(mac, message)
}
