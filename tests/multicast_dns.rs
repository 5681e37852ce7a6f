//! Multicast DNS (RFC 6762) on a wire: questions for the name of the app `mdns`, and its answers.

use crate::ensure;
use crate::ethernet::Wire;
use crate::machine::LIMIT;
use crate::outcome::Outcome;
use crate::packet::{self, ITS_ADDRESS, Ipv4};

/// The group and port of multicast DNS (RFC 6762, 3).
const GROUP: [u8; 4] = [224, 0, 0, 251];
const GROUP_MAC: [u8; 6] = [0x01, 0x00, 0x5e, 0, 0, 251];
const PORT: u16 = 5353;
/// The name of the machine in a message, and the question for its address.
const NAME: &[u8] = b"\x04vmos\x05local\0";
const QUESTION: &[u8] = b"\x04vmos\x05local\0\0\x01\0\x01";
/// The time to live of every answer: one with less could come from another link (RFC 6762, 11).
const FAR: u8 = 255;
/// The numbers of IGMP and UDP in an IPv4 header.
const IGMP: u8 = 2;
const UDP: u8 = 17;

/// Returns a question for the address of `vmos.local` (RFC 1035, 4.1.2), sent to the group.
fn question() -> Vec<u8> {
    let header = [0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let message = [&header[..], QUESTION].concat();
    let mut frame = packet::datagram(GROUP_MAC, PORT, &message, None, Ipv4::default());
    frame[30..34].copy_from_slice(&GROUP);
    frame[24..26].fill(0);
    let words = frame[14..34].as_chunks::<2>().0.iter();
    let sum: u32 = words.map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    // The header is too short for a second carry.
    let checksum = !((sum & 0xffff) + (sum >> 16)) as u16;
    frame[24..26].copy_from_slice(&checksum.to_be_bytes());
    frame
}

/// Waits until the machine at the other end reports that it has joined the group.
///
/// # Errors
///
/// It does not within the time limit.
pub fn wait_for_a_member(wire: &Wire) -> Outcome {
    let joined = wire.receive(LIMIT, |frame| {
        let reports = frame.get(..6)? == GROUP_MAC && frame.get(23)? == &IGMP;
        reports.then_some(())
    });
    Ok(joined.ok_or("the machine does not report that it has joined the group")?)
}

/// Asks the machine at the other end for the address of `vmos.local`, and checks its answers.
///
/// # Errors
///
/// An answer is missing or wrong.
pub fn ask(wire: &Wire) -> Outcome {
    // The answer goes to the address that it is asked from.
    wire.resolve(LIMIT)?;
    wire.send(&question())?;
    let (answer, time_to_live) = wire
        .receive(LIMIT, |frame| {
            Some((packet::echoed(frame)?.to_vec(), frame[22]))
        })
        .ok_or("there is no answer")?;
    ensure!(
        time_to_live == FAR,
        "an answer to one machine has a time to live of {time_to_live}"
    );
    // A machine that asks from another port knows only DNS: the answer has the number and the question of the
    // message, and is kept for ten seconds (RFC 6762, 6.7).
    let head = [&[0x12, 0x34, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0], QUESTION].concat();
    let answered = answer.strip_prefix(&head[..]).unwrap_or_default();
    let record = answered.strip_prefix(NAME).or_else(|| answered.get(2..));
    let address = ITS_ADDRESS.octets();
    let expected = [&[0, 1, 0, 1, 0, 0, 0, 10, 0, 4], &address[..]].concat();
    ensure!(
        record == Some(&expected[..]),
        "the answer is {answer:02x?}, which has to end with {expected:02x?}"
    );
    // A question from the port of multicast DNS is answered to the group.
    let mut asked = question();
    asked[34..36].copy_from_slice(&PORT.to_be_bytes());
    wire.send(&asked)?;
    let time_to_live = wire
        .receive(LIMIT, |frame| {
            let answers = frame.get(..6)? == GROUP_MAC && frame.get(23)? == &UDP;
            answers.then_some(frame[22])
        })
        .ok_or("there is no answer to the group")?;
    ensure!(
        time_to_live == FAR,
        "answers have a time to live of {time_to_live}"
    );
    Ok(())
}
