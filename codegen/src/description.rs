//! A board as its author wrote it, with the location of every value.
//!
//! The trees of all files that a board extends are merged into one (`inherit`), which is then read
//! into the tables of the parts.

mod file;
pub(crate) mod inherit;
pub(crate) mod named_device;
mod waiver;

pub use file::{FileKeys, SCHEMA_VERSION};
pub use named_device::{NamedDisk, NamedNic};
pub use waiver::Waiver;

use crate::binding::{
    Boot, Console, Ethernet, InterruptController, OwnPart, Pci, Power, Rtc, Timer, VirtioMmio,
};
use crate::diagnostic::Problems;
use crate::language::schema::{Kind, Root, Space};
use crate::language::table::table;
use crate::language::tree::{Node, Value};
use crate::language::{Drivers, Field, Given, Named, OneDriver, Read, Undescribed, parse};
use crate::part::Binding;
use crate::part::expect::Expected;
use crate::part::surroundings::{Identity, Memory, Qemu, Surroundings};
use crate::source::{FileId, Sources};

/// The tables of a board file: those that describe the board, and the file's own keys.
pub(crate) const ROOT: &Root = &Root {
    board: &Description::TABLE,
    file: &FileKeys::TABLE,
};

/// The interrupt spaces of board files.
#[must_use]
pub fn spaces() -> Vec<&'static Space> {
    ROOT.spaces(None)
}

table! {
    /// A board: the description of a machine.
    pub struct Description {
        /// The name of the board, and its processor.
        board: Identity => required,
        /// The options of QEMU for this board.
        qemu: Qemu => required,
        /// How the loader loads and enters the kernel.
        boot: OneDriver<Boot> => required,
        /// RAM, reserved memory, and the stack.
        memory: Memory => required,
        /// The interrupt controller.
        interrupt_controller: OneDriver<InterruptController> => required,
        /// The clock and timer of the kernel.
        timer: OneDriver<Timer> => required,
        /// The console, which prints the log.
        console: OneDriver<Console> => required,
        /// Every way to power off and reset the machine.
        power: Drivers<Power> => required,
        /// The real-time clock.
        rtc: OneDriver<Rtc> => optional,
        /// The Ethernet controller of the board.
        ethernet: OneDriver<Ethernet> => optional,
        /// The series of virtio-mmio slots.
        virtio_mmio: VirtioMmio => optional,
        /// The PCI host bridge.
        pci: OneDriver<Pci> => optional,
        /// Parts that apps of the workspace drive, by a name for each.
        part: Named<OwnPart> => optional,
        /// Names of disks, for apps: what identifies each disk.
        disk: Named<NamedDisk> => optional,
        /// Names of network devices, for apps and for the command line: what identifies each device.
        nic: Named<NamedNic> => optional,
        /// Devices of the machine that are left out on purpose: their addresses, with a reason for each.
        undescribed: Undescribed => optional,
        /// Intended overlaps, by a name for each.
        waiver: Named<Waiver> => optional,
    }
}

impl Description {
    /// Reads the board `name` and reports all errors in its text. Also returns the tree from which
    /// it was read. `None` if nothing could be read.
    pub(crate) fn load(
        sources: &dyn Sources,
        name: &str,
        problems: &mut Problems,
    ) -> Option<(Self, inherit::Loaded)> {
        let mut loaded = inherit::load(sources, name, problems)?;
        loaded.told = problems.list().len();
        problems.set_architecture(loaded.architecture());
        let description = Self::of(&loaded.root, problems)?;
        Some((description, loaded))
    }

    /// Reads a merged tree.
    pub(crate) fn of(root: &Node, problems: &mut Problems) -> Option<Self> {
        let given = Given {
            path: "",
            key_at: root.at,
            node: root,
            root: ROOT,
        };
        Self::read(&given, problems)
    }

    /// Returns the bindings of all selected drivers that could be read.
    pub(crate) fn bindings(&self) -> Vec<&dyn Binding> {
        let mut bindings: Vec<&dyn Binding> = Vec::new();
        bindings.extend(self.boot.value().map(|one| one.0.binding() as &dyn Binding));
        bindings.extend(self.controller().map(|one| one.binding() as &dyn Binding));
        bindings.extend(self.timer.value().map(|one| one.0.binding()));
        bindings.extend(self.console.value().map(|one| one.0.binding()));
        bindings.extend(
            self.power
                .value()
                .into_iter()
                .flat_map(|power| power.0.iter().map(|one| one.binding())),
        );
        bindings.extend(self.rtc.value().map(|one| one.0.binding()));
        bindings.extend(self.ethernet.value().map(|one| one.0.binding()));
        bindings.extend(self.virtio_mmio.value().map(|one| one as &dyn Binding));
        bindings.extend(self.pci.value().map(|one| one.0.binding()));
        let parts = self.part.value().into_iter().flat_map(Named::iter);
        bindings.extend(parts.map(|part| &part.value as &dyn Binding));
        bindings
    }

    /// Returns what the bindings expect of the machine.
    pub(crate) fn expected(&self) -> Expected {
        let mut expected = Expected::default();
        for binding in self.bindings() {
            binding.expect(&mut expected);
        }
        expected
    }

    /// Returns the tables that exist and could not be read.
    pub(crate) fn unread(&self) -> impl Iterator<Item = &'static str> {
        let bad = |name, is_bad: bool| is_bad.then_some(name);
        [
            bad("memory", matches!(self.memory, Field::Bad)),
            bad(
                "interrupt-controller",
                matches!(self.interrupt_controller, Field::Bad),
            ),
            bad("timer", matches!(self.timer, Field::Bad)),
            bad("console", matches!(self.console, Field::Bad)),
            bad("rtc", matches!(self.rtc, Field::Bad)),
            bad("ethernet", matches!(self.ethernet, Field::Bad)),
            bad("virtio-mmio", matches!(self.virtio_mmio, Field::Bad)),
            bad("pci", matches!(self.pci, Field::Bad)),
            bad("part", matches!(self.part, Field::Bad)),
        ]
        .into_iter()
        .flatten()
    }

    /// Returns the data of the board that its parts can query.
    pub(crate) fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            identity: self.board.get(),
            qemu: self.qemu.value(),
            memory: self.memory.value(),
            controller: self.controller().map(InterruptController::binding),
            timer: self.timer.value().map(|timer| timer.0.binding()),
            loader: self.boot.value().map(|boot| boot.0.binding()),
            used: &[],
            means_of_power: self.power.value().map_or(0, |power| power.0.len()),
        }
    }

    /// Returns the driver of the interrupt controller, if it is known.
    pub(crate) fn controller(&self) -> Option<&InterruptController> {
        self.interrupt_controller.value().map(|one| &one.0)
    }
}

/// The kind of a file and the board that it extends, found without reading all of it.
pub(crate) struct Outline {
    /// Whether the file describes a board, as opposed to a fragment. A file that is not valid TOML
    /// counts as a board, so that its errors are reported.
    pub(crate) is_board: bool,
    /// The board or fragment that the file extends.
    pub(crate) extends: Option<String>,
}

pub(crate) fn outline(text: &str) -> Outline {
    let mut problems = Problems::default();
    let file: FileId = problems.add_file(String::new(), text.to_owned());
    let root = parse::parse(file, &Kind::Table(&Description::TABLE), &mut problems);
    Outline {
        is_board: root.get("board").is_some() || !problems.is_empty(),
        extends: root
            .get("extends")
            .and_then(|entry| match &entry.node.value {
                Value::Text(base) => Some(base.clone()),
                _ => None,
            }),
    }
}
