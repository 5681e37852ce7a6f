//! Who is measured: a kernel, another revision of it, or something to compare it with.

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

/// Somebody who is measured.
#[derive(Clone, Debug)]
pub struct Side {
    /// What it is called.
    pub name: String,
    /// The workspace whose generated files describe the machine.
    pub workspace: Workspace,
    /// The board.
    pub board: Board,
    /// What the machine is given.
    pub kernel: PathBuf,
    /// Its ELF file, where firmware is to be told apart from it.
    pub elf: Option<PathBuf>,
    /// What it can be asked to do.
    pub abilities: Abilities,
    /// Words for its command line in addition.
    pub append: String,
    /// Words for QEMU in addition.
    pub words: Vec<String>,
}

/// What a side can be asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Whether it has TCP, and a timer that it can measure.
    pub is_a_kernel: bool,
    /// Whether it serves though there is a disk: one that has no kernel does one thing at a time.
    pub serves_with_disk: bool,
    /// Whether it has many connections, and opens as many ports as it is told to.
    pub has_many_sockets: bool,
    /// Whether it has an echo that answers after a timer, and other timers pending meanwhile.
    pub answers_later: bool,
}

/// Part of a measurement, for which a machine is started. The sides take turns at each, so that what
/// else the computer does meanwhile falls on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Counts of a machine that serves.
    Count,
    /// Counts of a machine with many sockets, or many timers.
    CountCrowd,
    /// Counts of a machine that measures its disk.
    CountDisk,
    /// Times of a machine with a wire.
    Frames,
    /// Times of a disk.
    Disk,
    /// Times of a timer.
    Timer,
    /// Times of TCP through QEMU's own network.
    Tcp,
}

impl Phase {
    /// What is counted: once is enough.
    pub const COUNTS: [Self; 3] = [Self::Count, Self::CountCrowd, Self::CountDisk];
    /// What is timed: several times.
    pub const TIMES: [Self; 4] = [Self::Frames, Self::Disk, Self::Timer, Self::Tcp];

    /// What it is called while it goes on.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Count => "counting what answers cost",
            Self::CountCrowd => "counting what answers cost among many sockets and timers",
            Self::CountDisk => "counting what the disk costs",
            Self::Frames => "timing answers",
            Self::Disk => "timing the disk",
            Self::Timer => "timing the timer",
            Self::Tcp => "timing TCP",
        }
    }
}

/// How long a machine is watched while it is idle.
const IDLE: Duration = Duration::from_secs(2);

/// How many datagrams are under way at the points of the plot of cost against load.
const WINDOWS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

impl Side {
    /// Measures a phase, into `column`. A side that cannot do it is left alone.
    ///
    /// # Errors
    /// The machine does not start, or does not do what it should.
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
