//! Counts the cost of operations, which does not depend on the host.

use core::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use super::cost::Cost;
use super::echo::{self, Kind, Requests};
use super::figure::{self, Values};
use super::operation::{self, LARGE, SMALL, Service};
use super::running::{Running, Start};
use super::watch::Watch;
use crate::guest::outcome::Outcome;

/// The time limit for the machine's first answer.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// The number of datagrams that warm up a machine.
const WARM_UP: usize = 20;

/// The figures of operations of a serving machine.
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

/// The settings of a measurement.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The addresses of the image's code; everything else counts as firmware. `None` if firmware is
    /// not counted separately.
    pub text: Option<Range<u64>>,
    /// How long the idle machine is observed.
    pub idle: Duration,
    /// Whether the program under measurement supports TCP.
    pub tcp: bool,
    /// Whether to count each instruction, and not only their number.
    pub looks_at_instructions: bool,
}

/// The costs of operations, with the keys of their figures.
pub type Costs = Vec<(&'static str, Cost)>;

/// The cost of a datagram for each number of datagrams in flight.
pub type Load = Vec<(usize, f64)>;

/// Starts a serving machine, and counts the cost of its operations and of idling.
///
/// # Errors
/// The machine does not start, or does not answer.
pub fn serving(start: &Start<'_>, plan: &Plan) -> Outcome<(Running, Costs)> {
    let mut running = start.wired()?;
    running.ready()?;
    let mut costs = Costs::new();
    let mut watch = Watch::new(running.counter()?, plan.text.is_some());
    let text = plan.text.clone().unwrap_or(0..u64::MAX);
    let (boot, firmware) = operation::boot(&mut watch, &text)?;
    costs.push(("boot", boot));
    if plan.text.is_some() {
        costs.push(("boot.firmware", Cost::instructions(firmware)));
    }
    warm_up(&mut running)?;
    costs.push(("idle", idle(&mut running, plan)?));
    let (counter, link) = running.parts()?;
    let mut watch = Watch::new(counter, plan.looks_at_instructions);
    for (key, service) in SERVICES {
        if plan.tcp || !key.starts_with("tcp-") {
            costs.push((key, service.cost(&mut watch, link)?));
        }
    }
    Ok((running, costs))
}

/// Counts the cost of a datagram for each number of datagrams in flight.
///
/// # Errors
/// The machine does not answer.
pub fn load(running: &mut Running, windows: &[usize]) -> Outcome<Load> {
    let (counter, link) = running.parts()?;
    let mut watch = Watch::new(counter, false);
    let mut load = Load::new();
    for &window in windows {
        let payload = SMALL;
        let service = Service::Datagrams { payload, window };
        load.push((window, service.cost(&mut watch, link)?.instructions));
    }
    Ok(load)
}

/// Waits until a serving machine answers, and lets it echo for a while.
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

/// The time without traffic after which a machine counts as idle: the kernel checks its devices
/// once more shortly after they were used last.
const UNUSED: Duration = Duration::from_millis(1500);

/// Counts what the machine does in a second without traffic.
fn idle(running: &mut Running, plan: &Plan) -> Outcome<Cost> {
    thread::sleep(UNUSED);
    let mut watch = Watch::new(running.counter()?, plan.looks_at_instructions);
    let before = watch.settled()?;
    let begin = Instant::now();
    thread::sleep(plan.idle);
    let done = watch.now()?.since(&before);
    Ok(Cost::of(done, begin.elapsed().as_secs_f64()))
}

/// Starts a machine that measures its disk, and counts the cost of its requests.
///
/// # Errors
/// The machine does not start, or does not finish.
pub fn disk(start: &Start<'_>, looks_at_instructions: bool) -> Outcome<Costs> {
    operation::disk(&mut start.wired()?, looks_at_instructions, &DISK)
}

/// Returns the values of all figures that the costs contain.
#[must_use]
pub fn values(costs: &Costs) -> Values {
    let mut values = Values::new();
    for (key, cost) in costs {
        values.insert(*key, cost.instructions);
        for (part, value) in [("accesses", cost.accesses), ("wakeups", cost.wakeups)] {
            if let Some(figure) = figure::find(&format!("{key}.{part}")) {
                values.insert(figure.key, value);
            }
        }
    }
    values
}
