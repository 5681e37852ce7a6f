//! Starts and controls a machine that is measured.

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

/// The size of the disk, in bytes.
const DISK: u64 = 128 << 20;

/// The time limit for the machine to become ready, or to print its next result.
const LIMIT: Duration = Duration::from_secs(120);

/// The task of a machine, passed as the word `bench=` on its command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// The machine provides the network services.
    Net,
    /// The machine measures the disk.
    Disk,
    /// The machine measures the timer.
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

/// The disk's backend, which stores nothing: writes are discarded, so that no file is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullDisk {
    /// A backend that answers as fast as QEMU can. The cost of a request then depends on the
    /// relative speed of the processor and QEMU.
    Fast,
    /// A backend that answers after 100 microseconds, so that an idle processor always sleeps in
    /// between. The cost of a request is then always the same.
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

/// The settings of a machine to start.
#[derive(Debug)]
pub struct Start<'a> {
    /// The workspace with the board's generated files.
    pub workspace: &'a Workspace,
    /// The board of the machine.
    pub board: &'a Board,
    /// How the devices are attached.
    pub attachment: Attachment,
    /// The path of the kernel to run.
    pub kernel: &'a Path,
    /// What the machine does.
    pub task: Task,
    /// The disk's backend, if there is a disk.
    pub disk: Option<NullDisk>,
    /// Additional words for the kernel's command line.
    pub append: &'a str,
    /// Additional arguments for QEMU.
    pub words: &'a [String],
    /// The plugin that counts instructions; `None` for no counting.
    pub plugin: Option<&'a Plugin>,
}

/// A running machine. It is killed on drop.
#[derive(Debug)]
pub struct Running {
    /// The machine's process and its output.
    pub machine: Machine,
    /// The machine's network link, if it has one.
    link: Option<Link>,
    /// The machine's instruction counters, if the plugin is loaded.
    counter: Option<Counter>,
    /// The time at which QEMU was started.
    pub started: Instant,
    /// The folder with the machine's sockets.
    _folder: TempDir,
}

/// The position in the machine's results.
#[derive(Debug)]
pub struct Results {
    /// The number of the next line to read.
    next: usize,
}

impl Start<'_> {
    /// Starts the machine with a network link.
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

    /// Starts the machine with this network connection.
    ///
    /// # Errors QEMU does not start.
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

/// Adds the machine's last output to an error message.
fn complaint(machine: &Machine, what: &str) -> String {
    let text = machine.serial.text();
    let last: Vec<_> = text.lines().rev().take(10).collect();
    let last: Vec<_> = last.into_iter().rev().collect();
    format!(
        "{what}; the last output of the machine:\n{}",
        last.join("\n")
    )
}

impl Running {
    /// Waits until the machine serves; returns the time since QEMU was started.
    ///
    /// # Errors
    /// The machine does not become ready in time.
    pub fn ready(&self) -> Outcome<Duration> {
        self.line("READY", |line| (line == "READY").then_some(()))?;
        Ok(self.started.elapsed())
    }

    /// Waits for a line for which `wanted` returns a result.
    ///
    /// # Errors
    /// The line does not appear in time.
    pub fn line<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> Outcome<T> {
        let found = self.machine.serial.wait_for(what, LIMIT, wanted);
        Ok(found.map_err(|error| complaint(&self.machine, &error))?)
    }

    /// Waits until the machine starts to measure; returns the position of its first result.
    ///
    /// # Errors
    /// It does not start in time.
    pub fn results(&self) -> Outcome<Results> {
        self.ready()?;
        Ok(Results { next: 0 })
    }

    /// Returns the next result that the machine prints.
    ///
    /// # Errors
    /// There are no more results.
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

    /// Returns the machine's counters and its link.
    ///
    /// # Errors The machine was started without one of them.
    pub fn parts(&mut self) -> Outcome<(&mut Counter, &mut Link)> {
        let counter = self
            .counter
            .as_mut()
            .ok_or("the machine was started without the counting plugin")?;
        let link = self
            .link
            .as_mut()
            .ok_or("the machine was started without a network link")?;
        Ok((counter, link))
    }

    /// Returns the machine's counters.
    ///
    /// # Errors The machine was started without the plugin.
    pub fn counter(&mut self) -> Outcome<&mut Counter> {
        Ok(self
            .counter
            .as_mut()
            .ok_or("the machine was started without the counting plugin")?)
    }

    /// Returns the machine's link.
    ///
    /// # Errors The machine was started without a link.
    pub fn link(&mut self) -> Outcome<&mut Link> {
        Ok(self
            .link
            .as_mut()
            .ok_or("the machine was started without a network link")?)
    }
}
