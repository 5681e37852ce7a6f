//! A machine that is measured while it runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use vmos_codegen::Board;

use crate::guest::link::Link;
use crate::guest::machine::Machine;
use crate::guest::outcome::Outcome;
use crate::guest::serial::Serial;
use crate::plugin::Plugin;
use crate::plugin::counter::Counter;
use crate::qemu::{self, GUEST_ADDRESS, Network};
use crate::transport::Attachment;
use crate::workspace::Workspace;

/// How large the disk is, in bytes.
const DISK: u64 = 128 << 20;

/// How long a machine may take until it is ready, or until its next result.
const LIMIT: Duration = Duration::from_secs(120);

/// What a machine is asked to do, as the word `bench=` of its command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// To serve.
    Net,
    /// To measure its disk.
    Disk,
    /// To measure its timer.
    Timer,
}

impl Task {
    fn word(self) -> &'static str {
        match self {
            Self::Net => "net",
            Self::Disk => "blk",
            Self::Timer => "timer",
        }
    }
}

/// What is behind the disk: nothing, so that what is written is forgotten and no file is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullDisk {
    /// It answers as fast as QEMU can: what a request costs then depends on whether the processor
    /// or QEMU is faster.
    Fast,
    /// It answers after 100 microseconds, so that a processor with nothing else to do always sleeps
    /// meanwhile: what a request costs is then the same each time.
    Slow,
}

impl NullDisk {
    fn option(self) -> String {
        let latency = match self {
            Self::Fast => "",
            Self::Slow => ",latency-ns=100000",
        };
        format!("null-co,node-name=disk0,size={DISK}{latency}")
    }
}

/// A machine to be started.
#[derive(Debug)]
pub struct Start<'a> {
    /// The workspace that knows the board.
    pub workspace: &'a Workspace,
    /// The board.
    pub board: &'a Board,
    /// How its devices are attached.
    pub attachment: Attachment,
    /// What it runs.
    pub kernel: &'a Path,
    /// What it is asked to do.
    pub task: Task,
    /// What its disk is, if it has one.
    pub disk: Option<NullDisk>,
    /// Words for its command line in addition.
    pub append: &'a str,
    /// Words for QEMU in addition.
    pub words: &'a [String],
    /// What counts its instructions, if they are to be counted.
    pub plugin: Option<&'a Plugin>,
}

/// A machine that runs. It is ended when dropped.
#[derive(Debug)]
pub struct Running {
    /// The machine and what it prints.
    pub machine: Machine,
    /// Its network, if that is a wire.
    link: Option<Link>,
    /// Its counts, if they are counted.
    counter: Option<Counter>,
    /// When QEMU was started.
    pub started: Instant,
    /// Where its sockets are.
    _folder: TempDir,
}

/// How far the results have been read.
#[derive(Debug)]
pub struct Results {
    /// The next line to look at.
    next: usize,
}

impl Start<'_> {
    /// Starts the machine with its network on a wire.
    ///
    /// # Errors
    /// QEMU does not start.
    pub fn wired(&self) -> Outcome<Running> {
        let link = Link::new()?;
        let network = link.network()?;
        let running = self.start(network)?;
        Ok(Running {
            link: Some(link),
            ..running
        })
    }

    /// Starts the machine with QEMU's own network.
    ///
    /// # Errors
    /// QEMU does not start.
    pub fn start(&self, network: Network) -> Outcome<Running> {
        let folder = TempDir::with_prefix("vmos-bench-")?;
        let mut qemu = qemu::Machine::new(self.workspace, self.board, self.kernel.to_owned())?;
        qemu.devices.attachment = self.attachment;
        qemu.devices.network = Some(network);
        qemu.append = format!("ip={GUEST_ADDRESS}/24 bench={}", self.task.word());
        if !self.append.is_empty() {
            qemu.append = format!("{} {}", qemu.append, self.append);
        }
        if let Some(disk) = self.disk {
            let device = qemu.devices.device("blk", ",drive=disk0");
            let words = ["-blockdev", &disk.option(), "-device", &device];
            qemu.extra.extend(words.map(str::to_owned));
        }
        qemu.extra.extend(self.words.iter().cloned());
        let monitor = folder.path().join("monitor");
        qemu.qmp = Some(monitor.clone());
        let socket: PathBuf = folder.path().join("counts");
        if let Some(plugin) = self.plugin {
            qemu.extra.extend(plugin.words(&socket));
        }
        let started = Instant::now();
        let serial = Arc::<Serial>::default();
        let mut machine = Machine::start(&qemu.command(), &monitor, serial)?;
        let counter = match self.plugin {
            Some(_) => {
                let alive = || machine.ended().is_ok_and(|status| status.is_none());
                let counter = Counter::connect(&socket, alive);
                Some(counter.map_err(|error| complaint(&machine, &error.to_string()))?)
            }
            None => None,
        };
        Ok(Running {
            machine,
            link: None,
            counter,
            started,
            _folder: folder,
        })
    }
}

/// What went wrong, with what the machine printed.
fn complaint(machine: &Machine, what: &str) -> String {
    let text = machine.serial.text();
    let last: Vec<_> = text.lines().rev().take(10).collect();
    let last: Vec<_> = last.into_iter().rev().collect();
    format!("{what}; the machine printed last:\n{}", last.join("\n"))
}

impl Running {
    /// Waits until the machine serves.
    ///
    /// # Errors
    /// It does not.
    pub fn ready(&self) -> Outcome<Duration> {
        self.line("READY", |line| (line == "READY").then_some(()))?;
        Ok(self.started.elapsed())
    }

    /// Waits for a line of which `wanted` makes something.
    ///
    /// # Errors
    /// It does not come.
    pub fn line<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> Outcome<T> {
        let found = self.machine.serial.wait_for(what, LIMIT, wanted);
        Ok(found.map_err(|error| complaint(&self.machine, &error))?)
    }

    /// Waits until the machine begins to measure; where in what it prints the results are then to
    /// be looked for.
    ///
    /// # Errors
    /// It does not begin.
    pub fn results(&self) -> Outcome<Results> {
        self.ready()?;
        Ok(Results { next: 0 })
    }

    /// The next result that it prints.
    ///
    /// # Errors
    /// There is none any more.
    pub fn next_result(&self, results: &mut Results) -> Outcome<Value> {
        loop {
            let line = self.machine.serial.wait_for_line(results.next, LIMIT);
            let line = line.map_err(|error| complaint(&self.machine, &error))?;
            results.next += 1;
            if line == "BENCH_DONE" {
                return Err(complaint(&self.machine, "a result is missing").into());
            }
            if line.starts_with('{') {
                let result = serde_json::from_str(&line);
                return Ok(result.map_err(|error| format!("{line}: {error}"))?);
            }
        }
    }

    /// Its counts and its wire.
    ///
    /// # Errors
    /// It was started without one of them.
    pub fn parts(&mut self) -> Outcome<(&mut Counter, &mut Link)> {
        let counter = self.counter.as_mut().ok_or("nothing counts here")?;
        let link = self.link.as_mut().ok_or("this machine has no wire")?;
        Ok((counter, link))
    }

    /// Its counts.
    ///
    /// # Errors
    /// It was started without.
    pub fn counter(&mut self) -> Outcome<&mut Counter> {
        Ok(self.counter.as_mut().ok_or("nothing counts here")?)
    }

    /// Its wire.
    ///
    /// # Errors
    /// It was started without.
    pub fn link(&mut self) -> Outcome<&mut Link> {
        Ok(self.link.as_mut().ok_or("this machine has no wire")?)
    }
}
