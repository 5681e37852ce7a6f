//! The world: its time, and whose turn it is.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use vmos_drivers::hosted::simulated::{Message, Plan, Random};

use crate::link::{Link, OUTSIDE};
use crate::machine::{Image, Process, Program, Usage};
use crate::trace::Trace;

/// The stream of random numbers of a world.
const STREAM: u64 = 0;

/// The largest number of bytes that a machine may print without a sleep in between.
const MOST_PRINTED: usize = 16 << 20;

/// The number of a machine.
pub type MachineId = usize;

/// The reason why a run failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken(pub String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Broken {}

/// The event at which a step ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// The time limit of the step was reached.
    Time,
    /// An event that involves only machines.
    Inside,
    /// A frame has arrived from a machine.
    Frame(Vec<u8>),
    /// A machine was switched off by its app.
    Ended(MachineId),
}

/// A machine in a world.
#[derive(Debug)]
struct Machine {
    program: Program,
    plan: Plan,
    /// `None` while it is off.
    process: Option<Process>,
    until: u64,
    has_faults: bool,
    disks: Vec<Image>,
    /// What it has printed since it was started.
    console: String,
    status: Option<u8>,
    starts: u64,
}

/// A world.
#[derive(Debug)]
pub struct World {
    now: u64,
    random: Random,
    /// What connects the machines.
    pub link: Link,
    /// What happened.
    pub trace: Trace,
    machines: Vec<Machine>,
    /// The frames in flight, by the time of their arrival and their number: for whom, and the bytes.
    frames: BTreeMap<(u64, u64), (usize, Vec<u8>)>,
    sent: u64,
    /// The first violation that a machine has reported.
    violation: Option<String>,
}

impl World {
    /// Begins a world.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            now: 0,
            random: Random::new(seed, STREAM),
            link: Link::new(),
            trace: Trace::new(),
            machines: Vec::new(),
            frames: BTreeMap::new(),
            sent: 0,
            violation: None,
        }
    }

    /// Returns the time in nanoseconds.
    #[must_use]
    pub const fn now(&self) -> u64 {
        self.now
    }

    /// Returns the generator of the random choices outside machines.
    pub const fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// Adds a machine and starts it.
    ///
    /// # Errors
    ///
    /// If the program cannot be started or does not begin.
    pub fn add(&mut self, program: Program, plan: Plan) -> Result<MachineId, Broken> {
        let id = self.machines.len();
        let disks = usize::from(plan.sectors > 0);
        self.machines.push(Machine {
            program,
            plan,
            process: None,
            until: 0,
            has_faults: false,
            disks: vec![Image::default(); disks],
            console: String::new(),
            status: None,
            starts: 0,
        });
        self.start(id)?;
        Ok(id)
    }

    /// Starts a machine that is off, with the disks as they are.
    ///
    /// # Errors
    ///
    /// If the program cannot be started or does not begin.
    pub fn start(&mut self, id: MachineId) -> Result<(), Broken> {
        let now = self.now;
        let machine = &mut self.machines[id];
        let mut plan = machine.plan.clone();
        // The random choices of each start differ.
        plan.seed = Random::new(plan.seed, 2 + machine.starts).next();
        machine.starts += 1;
        let failed = |error| Broken(format!("machine {id} cannot be started: {error}"));
        let mut process = Process::start(&machine.program, &plan).map_err(failed)?;
        for (disk, Image(sectors)) in machine.disks.iter().enumerate() {
            process.tell(&Message::Image {
                disk: disk as u8,
                sectors: sectors.clone(),
            });
        }
        process.tell(&Message::Faults(machine.has_faults));
        machine.process = Some(process);
        machine.console.clear();
        machine.status = None;
        self.trace
            .add(now, b"start", || format!("machine {id} starts"));
        self.wake(id, now, now).map(drop)
    }

    /// Lets a machine's devices fail by its plan, or lets them work.
    pub fn set_faults(&mut self, id: MachineId, on: bool) {
        self.machines[id].has_faults = on;
        if let Some(process) = &mut self.machines[id].process {
            process.tell(&Message::Faults(on));
        }
        let at = self.now;
        let word = if on { "fail" } else { "work" };
        self.trace
            .add(at, word.as_bytes(), || format!("devices {word}"));
    }

    /// Returns whether a machine is on.
    #[must_use]
    pub fn is_on(&self, id: MachineId) -> bool {
        self.machines[id].process.is_some()
    }

    /// Returns the exit status of a machine that its app switched off.
    #[must_use]
    pub fn status(&self, id: MachineId) -> Option<u8> {
        self.machines[id].status
    }

    /// Returns what a machine has printed since its last start.
    #[must_use]
    pub fn console(&self, id: MachineId) -> &str {
        &self.machines[id].console
    }

    /// Cuts the power of a machine. Its disks keep what was flushed, and a random part of the rest.
    ///
    /// # Errors
    ///
    /// If the machine does not answer.
    pub fn crash(&mut self, id: MachineId) -> Result<(), Broken> {
        let at = self.now;
        self.trace
            .add(at, b"crash", || format!("machine {id} loses power"));
        let Some(process) = &mut self.machines[id].process else {
            return Ok(());
        };
        process.tell(&Message::Crash);
        let lost = |error: io::Error| Broken(format!("machine {id} does not lose power: {error}"));
        process.send().map_err(lost)?;
        for disk in 0..self.machines[id].disks.len() {
            let process = self.machines[id].process.as_mut();
            let message = process.map(Process::read).transpose().map_err(lost)?;
            match message {
                Some(Message::Image { sectors, .. }) => {
                    self.machines[id].disks[disk] = Image(sectors);
                }
                _ => {
                    return Err(Broken(format!(
                        "machine {id} does not give its disk {disk}"
                    )));
                }
            }
        }
        // Only now the next message is not for this machine any more.
        let process = self.machines[id].process.as_mut();
        match process.map(Process::read).transpose().map_err(lost)? {
            Some(Message::End { .. }) => {}
            other => return Err(Broken(format!("machine {id} does not end: {other:?}"))),
        }
        self.turn_off(id);
        Ok(())
    }

    /// Takes away the process of a machine that has said its last word.
    fn turn_off(&mut self, id: MachineId) {
        let machine = &mut self.machines[id];
        if let Some(process) = machine.process.take() {
            machine.program.keep(process);
        }
    }

    /// Returns the use of a machine's heap.
    ///
    /// # Errors
    ///
    /// If the machine is off or does not answer.
    pub fn usage(&mut self, id: MachineId) -> Result<Usage, Broken> {
        let Some(process) = &mut self.machines[id].process else {
            return Err(Broken(format!("machine {id} is off")));
        };
        process.tell(&Message::Ask);
        match process.send().and_then(|()| process.read()) {
            Ok(Message::State { bytes, buffers }) => Ok(Usage { bytes, buffers }),
            other => Err(Broken(format!(
                "machine {id} does not tell its state: {other:?}"
            ))),
        }
    }

    /// Sends a frame from the outside.
    pub fn send(&mut self, frame: &[u8]) {
        self.transmit(OUTSIDE, self.now, frame);
    }

    /// Lets the world go on to the next event, at most until `limit`.
    ///
    /// # Errors
    ///
    /// If a machine fails, or has reported a violation.
    pub fn step(&mut self, limit: u64) -> Result<Step, Broken> {
        let wakes = self.machines.iter().enumerate();
        let wakes = wakes.filter(|(_, machine)| machine.process.is_some());
        let wake = wakes.map(|(id, machine)| (machine.until, id)).min();
        let frame = self.frames.first_key_value().map(|(key, _)| *key);
        let first = wake
            .map(|(at, _)| at)
            .into_iter()
            .chain(frame.map(|(at, _)| at));
        let Some(first) = first.min().filter(|first| *first < limit) else {
            self.now = self.now.max(limit);
            return Ok(Step::Time);
        };
        self.now = self.now.max(first);
        if let Some(key) = frame.filter(|(at, _)| *at <= first)
            && let Some((to, bytes)) = self.frames.remove(&key)
        {
            if to == OUTSIDE {
                return Ok(Step::Frame(bytes));
            }
            return self.deliver(to, bytes, limit);
        }
        match wake {
            Some((at, id)) => self.wake(id, at, limit),
            None => Ok(Step::Inside),
        }
    }

    /// Goes on until `is_done` says so. Frames to the outside are lost.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step); or if it is not done at `limit`.
    pub fn run_until(
        &mut self,
        limit: u64,
        mut is_done: impl FnMut(&Self) -> bool,
    ) -> Result<(), Broken> {
        while !is_done(self) {
            if self.step(limit)? == Step::Time {
                let seconds = limit / 1_000_000_000;
                return Err(Broken(format!(
                    "the expected event has not happened within {seconds} s"
                )));
            }
        }
        Ok(())
    }

    fn deliver(&mut self, id: MachineId, bytes: Vec<u8>, limit: u64) -> Result<Step, Broken> {
        let at = self.now;
        let Some(process) = &mut self.machines[id].process else {
            return Ok(Step::Inside);
        };
        self.trace
            .add(at, &bytes, || format!("machine {id} <- {}", shown(&bytes)));
        process.tell(&Message::Frame { port: 0, at, bytes });
        self.wake(id, at, limit)
    }

    fn transmit(&mut self, from: usize, at: u64, bytes: &[u8]) {
        self.trace.add(at, bytes, || match from {
            OUTSIDE => format!("outside  -> {}", shown(bytes)),
            id => format!("machine {id} -> {}", shown(bytes)),
        });
        for to in (0..self.machines.len()).chain([OUTSIDE]) {
            if to == from {
                continue;
            }
            for delay in self.link.copies(&mut self.random) {
                self.sent += 1;
                self.frames
                    .insert((at + delay, self.sent), (to, bytes.to_vec()));
            }
        }
    }

    /// Wakes a machine, and waits until it sleeps again. `limit` is when the program wants to act.
    fn wake(&mut self, id: MachineId, at: u64, limit: u64) -> Result<Step, Broken> {
        let others = self.machines.iter().enumerate();
        let others = others.filter(|(other, machine)| *other != id && machine.process.is_some());
        let frame = self.frames.first_key_value().map(|((at, _), _)| *at);
        let next = others.map(|(_, machine)| machine.until).chain(frame);
        let horizon = next.chain([limit]).min().unwrap_or(limit);
        let Some(process) = &mut self.machines[id].process else {
            return Ok(Step::Inside);
        };
        process.tell(&Message::Wake { at, horizon });
        // The end of the process is found when it is read from.
        let _ = process.send();
        let mut printed = 0;
        loop {
            let Some(process) = &mut self.machines[id].process else {
                return Ok(Step::Inside);
            };
            match process.read() {
                Ok(Message::Sleep { now, until }) => {
                    self.trace.count(now, &until.to_le_bytes());
                    self.machines[id].until = until;
                    break;
                }
                Ok(Message::Frame { at, bytes, .. }) => self.transmit(id, at, &bytes),
                Ok(Message::Console { at, bytes }) => {
                    // The program may act on what was printed, which is not before.
                    self.now = self.now.max(at);
                    self.trace.add(at, &bytes, || {
                        format!("machine {id} prints {:?}", String::from_utf8_lossy(&bytes))
                    });
                    self.machines[id].console += &String::from_utf8_lossy(&bytes);
                    printed += bytes.len();
                    if printed > MOST_PRINTED {
                        self.machines[id].process = None;
                        return Err(Broken(format!("machine {id} prints without end")));
                    }
                }
                Ok(Message::Note { at, text }) => {
                    self.trace
                        .add(at, text.as_bytes(), || format!("machine {id}: {text}"));
                }
                Ok(Message::Violation { text, .. }) => {
                    self.violation.get_or_insert(text);
                }
                Ok(Message::Image { disk, sectors }) => {
                    if let Some(image) = self.machines[id].disks.get_mut(usize::from(disk)) {
                        *image = Image(sectors);
                    }
                }
                Ok(Message::End { at, status }) => {
                    self.now = self.now.max(at);
                    self.trace.add(at, &[status.unwrap_or(u8::MAX)], || {
                        format!("machine {id} ends with {status:?}")
                    });
                    self.machines[id].status = status;
                    self.turn_off(id);
                    return self.judge().map(|()| Step::Ended(id));
                }
                Ok(other) => return Err(Broken(format!("machine {id} says {other:?}"))),
                Err(error) => return Err(self.lost(id, &error)),
            }
        }
        self.judge().map(|()| Step::Inside)
    }

    fn judge(&mut self) -> Result<(), Broken> {
        match self.violation.take() {
            Some(text) => Err(Broken(text)),
            None => Ok(()),
        }
    }

    /// Returns why a machine does not answer.
    fn lost(&mut self, id: MachineId, error: &io::Error) -> Broken {
        let said = self.machines[id].process.take().map(Process::end);
        let said = said.unwrap_or_default();
        let console = self.machines[id].console.lines().rev().take(5);
        let last: Vec<_> = console.collect();
        let last: Vec<_> = last.into_iter().rev().collect();
        let why = match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "computes without end",
            _ => "has ended without notice",
        };
        Broken(format!("machine {id} {why}: {said}\n{}", last.join("\n")))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for id in 0..self.machines.len() {
            // The process of a machine that does not lose power is not used again.
            let _ = self.crash(id);
        }
    }
}

/// Returns a frame for the trace.
fn shown(bytes: &[u8]) -> String {
    let kind = match bytes.get(12..14) {
        Some([0x08, 0x06]) => "ARP".to_owned(),
        Some([0x08, 0x00]) => match bytes.get(23) {
            Some(6) => tcp(bytes),
            Some(17) => "UDP".to_owned(),
            Some(protocol) => format!("IPv4 protocol {protocol}"),
            None => "IPv4".to_owned(),
        },
        _ => "frame".to_owned(),
    };
    format!("{kind}, {} bytes", bytes.len())
}

/// Returns what a TCP segment says.
fn tcp(frame: &[u8]) -> String {
    const SEGMENT: usize = 34;
    let number = |at: usize| {
        let bytes = frame.get(SEGMENT + at..SEGMENT + at + 4);
        bytes.map_or(0, |bytes| {
            bytes.iter().fold(0_u32, |n, b| n << 8 | u32::from(*b))
        })
    };
    let flags = frame.get(SEGMENT + 13).copied().unwrap_or_default();
    let names = ["FIN", "SYN", "RST", "PSH", "ACK"].iter().enumerate();
    let set = names.filter(|(bit, _)| flags & 1 << bit != 0);
    let set: Vec<_> = set.map(|(_, name)| *name).collect();
    let (ports, sequence, acknowledged) = (number(0), number(4), number(8));
    format!(
        "TCP {}>{} {} seq {sequence} ack {acknowledged}",
        ports >> 16,
        ports & 0xffff,
        set.join(" ")
    )
}
