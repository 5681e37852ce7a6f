//! The figures that are counted: what an operation costs a machine, whatever computer it runs on.

use core::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use super::cost::Cost;
use super::echo::{self, Kind, Requests};
use super::figure::Values;
use super::operation::{self, LARGE, SMALL, Service};
use super::running::{Running, Start};
use super::watch::Watch;
use crate::guest::outcome::Outcome;

/// How long a machine may take to answer for its address.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// Datagrams with which a machine is warmed up.
const WARM_UP: usize = 20;

/// The figures of operations of a machine that serves.
pub const SERVICES: [(&str, Service); 7] = [
    ("udp", Service::Datagram),
    ("icmp", Service::Ping),
    (
        "udp-32x64",
        Service::Datagrams {
            payload: SMALL,
            window: 32,
        },
    ),
    (
        "udp-32x1400",
        Service::Datagrams {
            payload: LARGE,
            window: 32,
        },
    ),
    ("tcp-echo", Service::TcpEcho),
    ("tcp-sent", Service::TcpSent),
    ("tcp-received", Service::TcpReceived),
];

/// The figures of requests of a machine that measures its disk.
pub const DISK: [&str; 4] = ["read-1", "read-32", "write-1", "write-32"];

/// What is counted.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the code of the image is: what is executed elsewhere is firmware's. Unknown where the
    /// two are not to be told apart.
    pub text: Option<Range<u64>>,
    /// How long the machine is watched while it is idle.
    pub idle: Duration,
    /// Whether it has TCP.
    pub tcp: bool,
    /// With how many datagrams under way the cost of one is counted, for the plot.
    pub windows: &'static [usize],
}

/// What the cost of a datagram is with so many under way.
pub type Load = Vec<(usize, f64)>;

/// Starts a machine that serves, and counts what its operations cost.
///
/// # Errors
/// The machine does not start, or does not answer.
pub fn serving(start: &Start<'_>, plan: &Plan) -> Outcome<(Values, Load)> {
    let mut running = start.wired()?;
    running.ready()?;
    let mut values = Values::new();
    let mut watch = Watch::new(running.counter()?, plan.text.is_some());
    let text = plan.text.clone().unwrap_or(0..u64::MAX);
    let (boot, firmware) = operation::boot(&mut watch, &text)?;
    values.insert("boot", boot.instructions);
    if plan.text.is_some() {
        values.insert("boot.firmware", firmware);
    }
    warm_up(&mut running)?;
    idle(&mut running, plan.idle, &mut values)?;
    let (counter, link) = running.parts()?;
    let mut watch = Watch::new(counter, false);
    for (key, service) in SERVICES {
        if plan.tcp || !key.starts_with("tcp-") {
            insert(&mut values, key, &service.cost(&mut watch, link)?);
        }
    }
    let mut load = Load::new();
    for &window in plan.windows {
        let payload = SMALL;
        let service = Service::Datagrams { payload, window };
        load.push((window, service.cost(&mut watch, link)?.instructions));
    }
    Ok((values, load))
}

/// Has a machine that serves answer for its address, and echo for a while.
///
/// # Errors
/// It does not answer.
pub fn warm_up(running: &mut Running) -> Outcome {
    let link = running.link()?;
    link.resolve(FIRST_ANSWER)?;
    let requests = Requests::new(Kind::Datagram(SMALL), link.mac());
    echo::one_at_a_time(link, &requests, WARM_UP, || Ok(()))?;
    Ok(())
}

fn idle(running: &mut Running, time: Duration, values: &mut Values) -> Outcome {
    let counter = running.counter()?;
    let before = counter.settled()?;
    let begin = Instant::now();
    thread::sleep(time);
    let done = counter.read()?.since(&before);
    let seconds = begin.elapsed().as_secs_f64();
    values.insert("idle", done.instructions as f64 / seconds);
    values.insert("idle.wakeups", done.resumes as f64 / seconds);
    Ok(())
}

/// Starts a machine that measures its disk, and counts what its requests cost.
///
/// # Errors
/// The machine does not start, or does not come to an end.
pub fn disk(start: &Start<'_>) -> Outcome<Values> {
    let mut values = Values::new();
    for (key, cost) in operation::disk(&mut start.wired()?, false, &DISK)? {
        insert(&mut values, key, &cost);
    }
    Ok(values)
}

/// Puts a cost among the values, with what there is a figure for.
fn insert(values: &mut Values, key: &'static str, cost: &Cost) {
    values.insert(key, cost.instructions);
    for (part, value) in [("accesses", cost.accesses), ("wakeups", cost.wakeups)] {
        if let Some(figure) = super::figure::find(&format!("{key}.{part}")) {
            values.insert(figure.key, value);
        }
    }
}
