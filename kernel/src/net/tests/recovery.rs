//! Measures the speed of TCP on a wire that loses, duplicates, delays and reorders frames: a table,
//! stored as a snapshot. `UPDATE_GOLDEN=1` updates it.

use std::collections::BTreeMap;
use std::format;
use std::string::String;

use embedded_io_async::{Read, Write};

use super::interop::{Theirs, connect_theirs, listen_theirs};
use super::*;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/net/tests/recovery.txt");
const LOSSES: [u32; 6] = [0, 1, 3, 10, 20, 30];
/// The number of runs with different random numbers for each figure.
const RUNS: u32 = 15;
const SHORT: usize = 30_000;
const LONG: usize = 300_000;
/// The time limit of a run.
const LIMIT: u64 = 600 * SECOND;

/// The properties of the wire, the same in both directions.
#[derive(Clone, Copy)]
struct Wire {
    /// How many frames per hundred are lost.
    lost: u32,
    doubled: u32,
    /// How many frames per hundred take twice as long, so that others overtake them.
    late: u32,
    /// The delay in one direction, in nanoseconds.
    delay: u64,
    /// Whether SYNs lack the option that permits selective acknowledgements.
    plain: bool,
    random: u32,
    carried: usize,
}

impl Wire {
    fn below(&mut self, hundredths: u32) -> bool {
        self.random = self
            .random
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        (self.random >> 8) % 100 < hundredths
    }

    /// Schedules the arrival of a frame that is not lost, and of its duplicate, if it is
    /// duplicated.
    fn carry(&mut self, frame: &[u8], now: u64, under_way: &mut BTreeMap<(u64, usize), Vec<u8>>) {
        let copies = if self.below(self.lost) {
            0
        } else {
            1 + usize::from(self.below(self.doubled))
        };
        for _ in 0..copies {
            let delay = if self.below(self.late) {
                2 * self.delay
            } else {
                self.delay
            };
            let mut frame = frame.to_vec();
            if self.plain {
                forbid_ranges(&mut frame);
            }
            self.carried += 1;
            under_way.insert((now + delay, self.carried), frame);
        }
    }
}

/// Replaces the option of a SYN that permits selective acknowledgements.
fn forbid_ranges(frame: &mut [u8]) {
    let is_syn =
        frame.len() > 54 && frame[12..14] == [8, 0] && frame[23] == 6 && frame[47] & 2 != 0;
    let end = if is_syn {
        34 + usize::from(frame[46] >> 4) * 4
    } else {
        0
    };
    for place in 54..end.max(55) - 1 {
        if is_syn && frame[place..place + 2] == [4, 2] {
            frame[place..place + 2].fill(1);
            let addresses =
                [26, 30].map(|at| Ipv4Addr::from_octets(frame[at..at + 4].try_into().unwrap()));
            let length = usize::from(u16::from_be_bytes([frame[16], frame[17]]));
            let [from, to] = addresses.map(smoltcp::wire::IpAddress::Ipv4);
            smoltcp::wire::TcpPacket::new_unchecked(&mut frame[34..14 + length])
                .fill_checksum(&from, &to);
            return;
        }
    }
}

/// One of the two machines on the simulated wire.
trait End {
    fn turn(&mut self, now: u64) -> bool;
    fn deadline(&mut self, now: u64) -> u64;
    fn sent(&mut self) -> Vec<Vec<u8>>;
    fn receive(&mut self, frame: Vec<u8>);
}

impl End for Machine {
    fn turn(&mut self, now: u64) -> bool {
        Machine::turn(self, now)
    }

    fn deadline(&mut self, _: u64) -> u64 {
        self.stack.next_deadline().unwrap_or(u64::MAX)
    }

    fn sent(&mut self) -> Vec<Vec<u8>> {
        self.card.sent.drain(..).collect()
    }

    fn receive(&mut self, frame: Vec<u8>) {
        self.card.received.push_back(frame);
    }
}

impl End for Theirs {
    fn turn(&mut self, now: u64) -> bool {
        self.poll(now)
    }

    fn deadline(&mut self, now: u64) -> u64 {
        self.poll_at(now).unwrap_or(u64::MAX)
    }

    fn sent(&mut self) -> Vec<Vec<u8>> {
        self.take_sent()
    }

    fn receive(&mut self, frame: Vec<u8>) {
        self.give(frame);
    }
}

/// Runs both ends and `act` until `act` returns that all is done; returns the time, in nanoseconds.
fn run<A: End, B: End>(
    mut wire: Wire,
    a: &mut A,
    b: &mut B,
    mut act: impl FnMut(&mut A, &mut B) -> bool,
) -> u64 {
    let mut under_way = [BTreeMap::new(), BTreeMap::new()];
    let mut now = MILLISECOND;
    while now < LIMIT {
        loop {
            let mut busy = a.turn(now) | b.turn(now);
            if act(a, b) {
                return now - MILLISECOND;
            }
            busy |= a.turn(now) | b.turn(now);
            for frame in a.sent() {
                wire.carry(&frame, now, &mut under_way[0]);
            }
            for frame in b.sent() {
                wire.carry(&frame, now, &mut under_way[1]);
            }
            while let Some(entry) = under_way[0]
                .first_entry()
                .filter(|next| next.key().0 <= now)
            {
                b.receive(entry.remove());
                busy = true;
            }
            while let Some(entry) = under_way[1]
                .first_entry()
                .filter(|next| next.key().0 <= now)
            {
                a.receive(entry.remove());
                busy = true;
            }
            if !busy {
                break;
            }
        }
        let arrivals = under_way.iter().filter_map(|frames| frames.keys().next());
        let next = arrivals.map(|key| key.0).min().unwrap_or(u64::MAX);
        let next = next.min(a.deadline(now)).min(b.deadline(now));
        assert_ne!(
            next,
            u64::MAX,
            "neither end has a deadline: {} % loss",
            wire.lost
        );
        now = next.max(now + 1000);
    }
    LIMIT
}

fn data(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

/// Transfers data between two machines that run this stack.
fn ours_to_ours(wire: Wire, length: usize) -> u64 {
    let mut a = Machine::new(1, "10.0.2.15/24");
    let mut b = Machine::new(2, "10.0.2.2/24");
    let listener = b.net.tcp_listen(80).unwrap();
    let net = a.net;
    let sent = data(length);
    let mut task = pin!(async {
        let writing = async {
            let mut stream = loop {
                if let Ok(stream) = net.tcp_connect(at(B, 80)).await {
                    break stream;
                }
            };
            stream.write_all(&sent).await.unwrap();
            stream.close().await
        };
        let reading = async {
            let (mut stream, mut received) = (listener.accept().await.unwrap(), Vec::new());
            let mut buffer = [0; 4000];
            while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                received.extend_from_slice(&buffer[..read]);
            }
            assert!(received == sent);
        };
        let both = embassy_futures::join::join(writing, reading);
        let _ = both.await;
    });
    run(wire, &mut a, &mut b, |_, _| is_done(task.as_mut()))
}

/// Transfers data from a machine with this stack to one with smoltcp.
fn ours_to_theirs(wire: Wire, length: usize) -> u64 {
    let mut a = Machine::new(1, "10.0.2.15/24");
    let mut b = listen_theirs();
    let net = a.net;
    let sent = data(length);
    let mut task = pin!(async {
        let mut stream = loop {
            if let Ok(stream) = net.tcp_connect(at(B, 80)).await {
                break stream;
            }
        };
        stream.write_all(&sent).await.unwrap();
        let _ = stream.close().await;
    });
    let mut received = Vec::new();
    run(wire, &mut a, &mut b, |_, b| {
        b.read(&mut received);
        assert!(received == sent[..received.len()]);
        is_done(task.as_mut()) && received.len() == length
    })
}

/// Transfers data from a machine with smoltcp to one with this stack.
fn theirs_to_ours(wire: Wire, length: usize) -> u64 {
    let mut a = Machine::new(1, "10.0.2.15/24");
    let mut b = connect_theirs();
    let listener = a.net.tcp_listen(80).unwrap();
    let sent = data(length);
    let mut task = pin!(async {
        let (mut stream, mut received) = (listener.accept().await.unwrap(), Vec::new());
        let mut buffer = [0; 4000];
        while received.len() < length {
            let read = stream.read(&mut buffer).await.unwrap();
            received.extend_from_slice(&buffer[..read]);
        }
        assert!(received == sent);
    });
    let mut written = 0;
    run(wire, &mut a, &mut b, |_, b| {
        written += b.write(&sent[written..]);
        is_done(task.as_mut())
    })
}

fn is_done(task: core::pin::Pin<&mut impl Future>) -> bool {
    task.poll(&mut Context::from_waker(Waker::noop()))
        .is_ready()
}

/// Transfers this many bytes over the wire; returns the time, in nanoseconds.
type Transfer = fn(Wire, usize) -> u64;

/// Returns a wire on which `lost` frames per hundred are lost, and others duplicated or delayed.
fn wire(lost: u32, plain: bool) -> Wire {
    Wire {
        lost,
        doubled: 1,
        late: 2,
        delay: 10 * MILLISECOND,
        plain,
        random: 0,
        carried: 0,
    }
}

/// Returns the times of several runs, in milliseconds, the shortest first.
fn times(kind: Transfer, wire: Wire, length: usize, runs: u32) -> Vec<u64> {
    let mut times: Vec<_> = (1..=runs)
        .map(|seed| {
            kind(
                Wire {
                    random: seed.wrapping_mul(0x9e37_79b9),
                    ..wire
                },
                length,
            ) / MILLISECOND
        })
        .collect();
    times.sort_unstable();
    times
}

const KINDS: [(&str, Transfer, bool); 4] = [
    ("VMOS to VMOS", ours_to_ours, false),
    ("the same without SACK", ours_to_ours, true),
    ("VMOS to smoltcp", ours_to_theirs, false),
    ("smoltcp to VMOS", theirs_to_ours, false),
];

#[test]
fn lost_data_is_sent_again() {
    for (name, kind, plain) in KINDS {
        let time = times(kind, wire(10, plain), 10_000, 1)[0];
        assert!(time < 6000, "{name} takes {time} ms");
    }
}

#[test]
#[cfg_attr(
    miri,
    ignore = "it takes hours; `lost_data_is_sent_again` is one of its transfers"
)]
fn throughput_against_loss_is_as_in_the_table() {
    let mut table = String::from(
        "TCP over a wire with a round trip of 20 ms, on which each frame of either direction is lost,\n\
         duplicated (1 %) or delayed by 10 ms (2 %): the time for 30 KB with the handshake (median and longest\n\
         of 15 runs), and the throughput of 300 KB (median of 5).\n\n\
         direction              loss     30 KB    longest     300 KB\n",
    );
    for (name, kind, plain) in KINDS {
        for lost in LOSSES {
            let wire = wire(lost, plain);
            let short = times(kind, wire, SHORT, RUNS);
            let long = times(kind, wire, LONG, 5);
            let (median, longest) = (short[short.len() / 2], short[short.len() - 1]);
            let rate = LONG as u64 / long[long.len() / 2];
            table +=
                &format!("{name:22} {lost:3} %  {median:5} ms  {longest:6} ms  {rate:5} KB/s\n");
            if lost <= 10 && !name.starts_with("smoltcp") {
                assert!(longest < 6000, "{name}, {lost} %: {short:?}");
            }
            let slowest = long[long.len() - 1];
            assert!(slowest < LIMIT / MILLISECOND, "{name}, {lost} %: {long:?}");
        }
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(TABLE, &table).unwrap();
    }
    let expected = std::fs::read_to_string(TABLE).unwrap_or_default();
    assert!(table == expected, "not as in {TABLE}:\n{table}");
}
