//! The outside of the demo: datagrams and streams that are echoed, and starts that are counted.

use std::collections::BTreeSet;

use vmos_simulation::{Broken, Program};

use super::outside::{MILLISECOND, Outside, SECOND};

/// The sectors of the disk.
pub(super) const SECTORS: u64 = 64;
/// The port of the echo.
const ECHO: u16 = 7;
/// The largest payload that fits a frame.
const LARGEST: u64 = 1472;
/// How long the demo keeps a connection whose peer has vanished, and some seconds.
const SETTLED: u64 = 90 * SECOND;
/// How long an answer may take when nothing fails.
const SOON: u64 = 5 * SECOND;

/// Does one run.
pub(super) fn run(
    seed: u64,
    program: Program,
    is_shown: bool,
) -> (Option<Outside>, Result<(), Broken>) {
    super::judged(Outside::new(seed, program, SECTORS, is_shown), script)
}

fn script(outside: &mut Outside) -> Result<(), Broken> {
    let fails_at_start = outside.random().below(4) == 0;
    if fails_at_start {
        outside.begin_faults();
    }
    outside.ready("ready: ")?;
    let mut counted = count(outside).unwrap_or(0);
    let mut sent = BTreeSet::new();
    outside.end_faults();
    works(outside, &mut sent)?;
    outside.pass(SETTLED)?;
    let before = outside.usage()?;
    outside.begin_faults();
    disturb(outside, &mut sent)?;
    outside.end_faults();
    outside.pass(2 * SETTLED)?;
    works(outside, &mut sent)?;
    outside.pass(SETTLED)?;
    outside.compare(before)?;
    for _ in 0..outside.random().below(3) {
        outside.world.crash(outside.machine)?;
        outside.world.start(outside.machine)?;
        let delay = outside.random().below(5 * MILLISECOND);
        let has_faults = outside.random().below(2) == 0;
        if has_faults {
            outside.begin_faults();
        }
        if outside.random().below(2) == 0 {
            outside.pass(delay)?;
        } else {
            outside.ready("ready: ")?;
        }
        outside.end_faults();
        if let Some(count) = count(outside) {
            // A start whose count was written, but not said, may have been between.
            if count <= counted {
                return Err(Broken(format!(
                    "what was flushed is lost: boot count {count} after {counted}"
                )));
            }
            counted = count;
        }
    }
    Ok(())
}

/// Returns the count of starts, if the demo has said that it was written.
fn count(outside: &Outside) -> Option<u64> {
    let line = outside.line("boot count: ")?;
    line.split_once(',')?.0.parse().ok()
}

/// Checks that datagrams and a stream are echoed soon.
fn works(outside: &mut Outside, sent: &mut BTreeSet<Vec<u8>>) -> Result<(), Broken> {
    for len in [1, 100, LARGEST as usize] {
        let payload = payload(outside, len);
        sent.insert(payload.clone());
        outside.peer.send(ECHO, &payload);
        let mut is_there = false;
        outside.wait(SOON, |outside| {
            while let Some(reply) = outside.peer.receive() {
                is_there |= reply == payload;
            }
            is_there
        })?;
        if !is_there {
            return Err(Broken(format!(
                "a datagram of {len} bytes is not echoed although nothing fails"
            )));
        }
    }
    let payload = payload(outside, 3000);
    let connection = outside.peer.connect(ECHO);
    let reply = outside.exchange(connection, &payload, SOON, |reply| {
        reply.len() >= payload.len()
    })?;
    outside.peer.close(connection);
    let has_ended = outside.wait(SOON, |outside| outside.peer.has_ended(connection))?;
    outside.forget(connection, true);
    if reply != payload || !has_ended {
        return Err(Broken(format!(
            "of a stream of {} bytes, {} are echoed although nothing fails; it has ended: {has_ended}",
            payload.len(),
            reply.len()
        )));
    }
    Ok(())
}

/// Sends datagrams and streams while the devices and the link fail. What comes back must have been sent.
fn disturb(outside: &mut Outside, sent: &mut BTreeSet<Vec<u8>>) -> Result<(), Broken> {
    let count = outside.random().between(10, 40);
    let mut stream = None;
    for _ in 0..count {
        let len = outside.random().between(8, LARGEST + 1) as usize;
        let payload = payload(outside, len);
        outside.peer.send(ECHO, &payload);
        sent.insert(payload);
        if outside.random().below(4) == 0 && stream.is_none() {
            let len = outside.random().between(1, 4000) as usize;
            let bytes = self::payload(outside, len);
            stream = Some((outside.peer.connect(ECHO), bytes, 0, Vec::new()));
        }
        let gap = match outside.random().below(8) {
            0 => outside.random().below(2 * SECOND),
            1..4 => 0,
            _ => outside.random().below(20 * MILLISECOND),
        };
        let end = outside.now() + gap;
        while outside.step(end)? {
            if let Some((connection, bytes, at, reply)) = &mut stream {
                *at += outside.peer.write(*connection, &bytes[*at..]);
                outside.peer.read(*connection, reply);
                if !bytes.starts_with(reply) {
                    return Err(Broken("a stream comes back changed".to_owned()));
                }
            }
            while let Some(reply) = outside.peer.receive() {
                if !sent.contains(&reply) {
                    let len = reply.len();
                    return Err(Broken(format!(
                        "a reply of {len} bytes is not what was sent, or longer"
                    )));
                }
            }
        }
        if outside.random().below(8) == 0
            && let Some((connection, ..)) = stream.take()
        {
            let is_told = outside.random().below(2) == 0;
            outside.forget(connection, is_told);
        }
    }
    if let Some((connection, ..)) = stream {
        outside.forget(connection, false);
    }
    Ok(())
}

fn payload(outside: &mut Outside, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    outside.random().fill(&mut bytes);
    bytes
}
