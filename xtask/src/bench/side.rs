//! The programs under measurement: a kernel, another revision of it, or something to compare with.

use std::path::PathBuf;
use std::time::Duration;

use vmos_codegen::Board;

use super::counting::{self, Plan};
use super::crowd::{SOCKETS, TIMERS};
use super::image_text;
use super::running::{NullDisk, Start, Task};
use super::sheet::Column;
use super::timing;
use crate::guest::outcome::Outcome;
use crate::plugin::Plugin;
use crate::transport::Attachment;
use crate::workspace::Workspace;

/// A program under measurement.
#[derive(Clone, Debug)]
pub struct Side {
    /// The program's name, for messages.
    pub name: String,
    /// The workspace whose generated files describe the machine.
    pub workspace: Workspace,
    /// The board that the program runs on.
    pub board: Board,
    /// The file to pass to QEMU.
    pub kernel: PathBuf,
    /// The program's ELF file, if firmware is counted separately.
    pub elf: Option<PathBuf>,
    /// The measurements that the program supports.
    pub abilities: Abilities,
    /// Additional words for the kernel's command line.
    pub append: String,
    /// Additional arguments for QEMU.
    pub words: Vec<String>,
}

/// The measurements that a program supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Whether the program has TCP and timers.
    pub is_a_kernel: bool,
    /// Whether the program serves the network while a disk is attached. A program without a kernel
    /// does one thing at a time.
    pub serves_with_disk: bool,
    /// Whether the program supports many connections, and opens the requested number of ports.
    pub has_many_sockets: bool,
    /// Whether the program has an echo service that answers after a timer, with other timers
    /// pending.
    pub answers_later: bool,
}

/// A part of a measurement, with its own machines. The programs alternate within each phase, so
/// that the load of the host affects all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Counts the operations of a serving machine.
    Count,
    /// Counts the operations of a machine with many sockets or timers.
    CountCrowd,
    /// Counts the requests of a machine that measures its disk.
    CountDisk,
    /// Times the operations of a machine with a network link.
    Frames,
    /// Times the requests of the disk.
    Disk,
    /// Times the timer.
    Timer,
    /// Times TCP through QEMU's user network.
    Tcp,
}

impl Phase {
    /// The phases that count; each runs once.
    pub const COUNTS: [Self; 3] = [Self::Count, Self::CountCrowd, Self::CountDisk];
    /// The phases that use a clock; each runs several times.
    pub const TIMES: [Self; 4] = [Self::Frames, Self::Disk, Self::Timer, Self::Tcp];

    /// The description shown while the phase runs.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Count => "counting the cost of replies",
            Self::CountCrowd => "counting the cost of replies with many sockets and timers",
            Self::CountDisk => "counting the cost of disk requests",
            Self::Frames => "timing answers",
            Self::Disk => "timing the disk",
            Self::Timer => "measuring how late timers are",
            Self::Tcp => "timing TCP",
        }
    }
}

/// How long the idle machine is observed.
const IDLE: Duration = Duration::from_secs(2);

/// The numbers of datagrams in flight in the plot of cost by load.
const WINDOWS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

impl Side {
    /// Measures a phase, into `column`. Does nothing if the program does not support it.
    ///
    /// # Errors The machine does not start, or gives a wrong answer.
    pub fn measure(
        &self,
        phase: Phase,
        attachment: Attachment,
        plugin: &Plugin,
        column: &mut Column,
    ) -> Outcome {
        let Abilities {
            is_a_kernel,
            serves_with_disk,
            has_many_sockets,
            answers_later,
        } = self.abilities;
        let start = |task, disk| Start {
            workspace: &self.workspace,
            board: &self.board,
            attachment,
            kernel: &self.kernel,
            task,
            disk,
            append: &self.append,
            words: &self.words,
            plugin: None,
        };
        let serving = || start(Task::Net, serves_with_disk.then_some(NullDisk::Fast));
        match phase {
            Phase::Count => {
                let plugin = Some(plugin);
                let plan = Plan {
                    text: self.elf.as_deref().map(image_text::of).transpose()?,
                    idle: IDLE,
                    tcp: is_a_kernel,
                    looks_at_instructions: false,
                };
                let start = Start {
                    plugin,
                    ..serving()
                };
                let (mut running, costs) = counting::serving(&start, &plan)?;
                column.add(counting::values(&costs));
                column.load = counting::load(&mut running, &WINDOWS)?;
            }
            Phase::CountCrowd => {
                let start = Start {
                    plugin: Some(plugin),
                    ..serving()
                };
                let sockets = SOCKETS.iter().filter(|_| has_many_sockets);
                let timers = TIMERS.iter().filter(|_| answers_later);
                for crowd in sockets.chain(timers) {
                    column.add(counting::values(&crowd.count(&start)?));
                }
            }
            Phase::CountDisk => {
                let plugin = Some(plugin);
                let start = start(Task::Disk, Some(NullDisk::Slow));
                let costs = counting::disk(&Start { plugin, ..start }, false)?;
                column.add(counting::values(&costs));
            }
            Phase::Frames => {
                let (values, trips) = timing::frames(&serving())?;
                column.add(values);
                column.trips.extend(trips);
            }
            Phase::Disk => {
                column.add(timing::disk(&start(Task::Disk, Some(NullDisk::Fast)))?);
            }
            Phase::Timer if is_a_kernel => {
                column.add(timing::timer(&start(Task::Timer, None))?);
            }
            Phase::Tcp if is_a_kernel => column.add(timing::tcp(&serving())?),
            Phase::Timer | Phase::Tcp => {}
        }
        Ok(())
    }
}
