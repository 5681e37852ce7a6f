//! DHCP servers that lie, and legal answers that are rare: this end of the link plays the server.

use std::time::{Duration, Instant};

use vmos_machine_tests::ensure;
use vmos_machine_tests::ethernet::Wire;
use vmos_machine_tests::machine::Machine;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::packet::{self, BROADCAST, ITS_ADDRESS, Ipv4, Mac};
use vmos_machine_tests::service::Service;
use vmos_machine_tests::setting::Setting;
use xtask::qemu::GUEST_ADDRESS;

use super::super::{Case, Need};
use super::{Tested, draft};
use crate::console;

pub(crate) const CASES: [Case; 4] = [
    Case::thorough("n9_a_lease_of_no_time", |setting| {
        lies(setting, "the offered lease is shorter", |kind| {
            vec![answer(reply_to(kind), &[51, 4, 0, 0, 0, 0])]
        })
    })
    .needing(Need::Table),
    Case::thorough("n9_an_address_that_no_machine_can_have", |setting| {
        lies(setting, "cannot be a machine's", |kind| {
            let mut reply = answer(reply_to(kind), &LEASE);
            if kind == REQUEST {
                reply.address = [127, 0, 0, 1];
            }
            vec![reply]
        })
    })
    .needing(Need::Table),
    Case::thorough("n9_a_storm_of_rejections", |setting| {
        lies(setting, "the server rejects", |kind| match kind {
            DISCOVER => vec![answer(OFFER, &LEASE)],
            _ => vec![answer(NAK, &[]); 500],
        })
    })
    .needing(Need::Table),
    Case::spread("n9_legal_answers_of_every_form", legal_answers).needing(Need::Table),
];

/// What a server answers to a message of a type.
type Answers = fn(u8) -> Vec<Answer>;

/// The types of messages (RFC 2132, 9.6).
const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const REQUEST: u8 = 3;
const ACK: u8 = 5;
const NAK: u8 = 6;

/// Options: a lease of an hour, a mask of 24 and of 32 bits, and the router.
const LEASE: [u8; 6] = [51, 4, 0, 0, 14, 16];
const MASK_24: [u8; 6] = [1, 4, 255, 255, 255, 0];
const MASK_32: [u8; 6] = [1, 4, 255, 255, 255, 255];
const ROUTER: [u8; 6] = [3, 4, 10, 0, 2, 2];

/// How long the server lies. The machine's pauses are 4 and 8 seconds long, each up to a second more or less,
/// and each attempt is two messages at most.
const WATCHED: Duration = Duration::from_secs(8);
const MOST_MESSAGES: usize = 4;
/// The largest number of lines about it in the log.
const MOST_LINES: usize = 3;

/// The time in which the machine must get an address from an honest server: its longest pause so
/// far, on a busy computer.
const LIMIT: Duration = Duration::from_secs(60);

/// An answer of the server.
#[derive(Clone)]
struct Answer {
    kind: u8,
    address: [u8; 4],
    options: Vec<u8>,
    /// The fields for names, which may contain options (RFC 2132, 9.3).
    name: Vec<u8>,
    file: Vec<u8>,
}

fn answer(kind: u8, options: &[u8]) -> Answer {
    Answer {
        kind,
        address: ITS_ADDRESS.octets(),
        options: options.to_vec(),
        name: Vec::new(),
        file: Vec::new(),
    }
}

/// Returns the type of the usual reply.
const fn reply_to(kind: u8) -> u8 {
    if kind == DISCOVER { OFFER } else { ACK }
}

fn honest(kind: u8) -> Vec<Answer> {
    let options = [&LEASE[..], &MASK_24, &ROUTER].concat();
    vec![answer(reply_to(kind), &options)]
}

impl Answer {
    /// Returns the frame that answers a message, from port 67 to port 68.
    fn frame(&self, question: &[u8]) -> Vec<u8> {
        let mut message = question[42..282].to_vec();
        message[0] = 2;
        message[16..20].copy_from_slice(&self.address);
        message[44..44 + self.name.len()].copy_from_slice(&self.name);
        message[108..108 + self.file.len()].copy_from_slice(&self.file);
        message.extend([53, 1, self.kind, 54, 4, 10, 0, 2, 2]);
        message.extend(&self.options);
        message.push(255);
        let mac: Mac = question[6..12].try_into().unwrap_or(BROADCAST);
        let mut frame = packet::datagram(mac, 68, &message, None, Ipv4::default());
        frame[34..36].copy_from_slice(&67_u16.to_be_bytes());
        frame
    }
}

/// Answers one message of the machine to servers, if it sends one soon. Returns whether it did.
fn serve(wire: &Wire, answers: impl Fn(u8) -> Vec<Answer>) -> Outcome<bool> {
    let question = wire.receive(Duration::from_millis(200), |frame| {
        (frame.get(36..38)? == [0, 67]).then(|| frame.to_vec())
    });
    let Some(question) = question else {
        return Ok(false);
    };
    // The type of the message is its first option.
    let kind = *question.get(284).ok_or("a message without a type")?;
    for answer in answers(kind) {
        wire.send(&answer.frame(&question))?;
    }
    Ok(true)
}

/// Serves honestly until the machine has its address.
pub(in crate::cases) fn lease_address(machine: &Machine, wire: &Wire) -> Outcome {
    lease(machine, wire, honest)
}

/// Serves until the machine has its address.
fn lease(machine: &Machine, wire: &Wire, answers: impl Fn(u8) -> Vec<Answer>) -> Outcome {
    let begun = Instant::now();
    let is_ready = |line: &String| console::is_ready(line, GUEST_ADDRESS);
    while !machine.serial.lines().iter().any(is_ready) {
        ensure!(begun.elapsed() < LIMIT, "no address within {LIMIT:?}");
        serve(wire, &answers)?;
    }
    Ok(())
}

/// Checks that a server that lies is asked seldom, that the log says why there is no address, that
/// the answers are counted, and that the machine takes the address of an honest server afterwards.
fn lies(setting: &Setting, reason: &str, answers: impl Fn(u8) -> Vec<Answer>) -> Outcome {
    let (draft, wire) = draft(setting)?.append("ip=dhcp").wired()?;
    let (draft, queues) = draft.observed()?;
    let machine = draft.start()?;
    let booted = Instant::now();
    while !serve(&wire, &answers)? {
        ensure!(booted.elapsed() < LIMIT, "no message within {LIMIT:?}");
    }
    let (begun, mut asked) = (Instant::now(), 1);
    while begun.elapsed() < WATCHED {
        asked += usize::from(serve(&wire, &answers)?);
    }
    ensure!(
        (2..=MOST_MESSAGES).contains(&asked),
        "{asked} messages in {WATCHED:?}"
    );
    let is_about_it = |line: &str| line.contains("DHCP");
    machine.wait_for(&format!("\"{reason}\""), |line| {
        (is_about_it(line) && line.contains(reason)).then_some(())
    })?;
    let lines = machine.serial.lines();
    let lines: Vec<_> = lines.iter().filter(|line| is_about_it(line)).collect();
    ensure!(
        lines.len() <= MOST_LINES,
        "the log is {lines:?}, not one line with \"{reason}\""
    );
    lease(&machine, &wire, honest)?;
    let service = Service::on_wire(wire)?;
    let mut tested = Tested {
        machine,
        service,
        queues,
    };
    tested.is_sound_and_names(&["net.dhcp_refused"])
}

/// Checks that the machine is served by a server that puts options into the fields for names, by one
/// that sends no mask, and by one that assigns a network of one address with a router outside it.
fn legal_answers(setting: &Setting) -> Outcome {
    let in_names = |kind| {
        let mut reply = answer(reply_to(kind), &[52, 1, 3]);
        reply.file = [&LEASE[..], &[255]].concat();
        reply.name = [&MASK_24[..], &ROUTER, &[255]].concat();
        vec![reply]
    };
    let without_mask = |kind| vec![answer(reply_to(kind), &[&LEASE[..], &ROUTER].concat())];
    let outside = |kind| {
        let options = [&LEASE[..], &MASK_32, &ROUTER].concat();
        vec![answer(reply_to(kind), &options)]
    };
    let forms: [Answers; 3] = [in_names, without_mask, outside];
    let names = [
        "options in the fields for names",
        "no mask",
        "a router outside the network",
    ];
    for (form, answers) in names.into_iter().zip(forms) {
        let (draft, wire) = draft(setting)?.append("ip=dhcp").wired()?;
        let (draft, queues) = draft.observed()?;
        let machine = draft.start()?;
        lease(&machine, &wire, answers).map_err(|error| format!("{form}: {error}"))?;
        let service = Service::on_wire(wire)?;
        let mut tested = Tested {
            machine,
            service,
            queues,
        };
        tested
            .is_sound()
            .map_err(|error| format!("{form}: {error}"))?;
    }
    Ok(())
}
