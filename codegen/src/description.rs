//! What the author of a board file wrote, with the place of everything.
//!
//! A file becomes a located tree (`parse`), the trees of all the files that a board extends become
//! one (`inherit`), and that is read into the tables declared here and in [`crate::binding`]. What
//! cannot be read is told and left out; nothing stops at the first mistake.

pub(crate) mod driver;
mod file;
mod identity;
pub(crate) mod inherit;
mod memory;
mod misplaced;
mod named;
mod parse;
mod qemu;
pub(crate) mod reader;
pub(crate) mod scalar;
pub mod schema;
mod statement;
pub(crate) mod suggest;
pub(crate) mod table;
pub mod tree;
mod waiver;

pub use driver::{Class, Drivers, OneDriver};
pub use file::FileKeys;
pub use identity::Identity;
pub use inherit::SCHEMA_VERSION;
pub use memory::{Memory, Ram, Reserved};
pub use named::{Named, NamedEntry, Undescribed, UndescribedEntry};
pub use qemu::Qemu;
pub use reader::{Field, Given, Located, Place, Read};
pub use scalar::{
    Address, Frequency, Interrupt, Name, Number, Port, Size, Space, Text, Words, hexadecimal, port,
};
pub use waiver::Waiver;

use crate::binding::{
    Binding, Boot, Console, InterruptController, Pci, Power, Rtc, Timer, VirtioMmio,
};
use crate::board;
use crate::diagnostic::Problems;
use crate::source::{FileId, Sources};
use table::table;
use tree::{Integer, Value};

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
        /// The virtio-mmio slots.
        virtio_mmio: VirtioMmio => optional,
        /// The PCI host bridge.
        pci: OneDriver<Pci> => optional,
        /// Devices of the machine that are left out on purpose: their addresses, with a reason for each.
        undescribed: Undescribed => optional,
        /// Intended overlaps, by a name for each.
        waiver: Named<Waiver> => optional,
    }
}

impl Description {
    /// Reads the board `name`; tells all that is wrong with what is written. The tree that it was
    /// read from comes with it. `None` if nothing could be read.
    pub(crate) fn load(
        sources: &dyn Sources,
        name: &str,
        problems: &mut Problems,
    ) -> Option<(Self, inherit::Loaded)> {
        let mut loaded = inherit::load(sources, name, problems)?;
        loaded.told = problems.list().len();
        problems.set_architecture(loaded.architecture());
        let given = Given {
            path: "",
            key_at: loaded.root.at,
            node: &loaded.root,
        };
        Some((Self::read(&given, problems)?, loaded))
    }

    /// The bindings of all drivers that the board picks and that could be read.
    pub(crate) fn bindings(&self) -> Vec<&dyn Binding> {
        let mut bindings: Vec<&dyn Binding> = Vec::new();
        bindings.extend(self.boot.value().map(|one| one.0.binding()));
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
        bindings.extend(self.virtio_mmio.value().map(|one| one as &dyn Binding));
        bindings.extend(self.pci.value().map(|one| one.0.binding()));
        bindings
    }

    /// The tables that are there and could not be read.
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
            bad("virtio-mmio", matches!(self.virtio_mmio, Field::Bad)),
            bad("pci", matches!(self.pci, Field::Bad)),
        ]
        .into_iter()
        .flatten()
    }

    /// The interrupt controller's own number of the first of a row of interrupts.
    pub(crate) fn number(
        &self,
        first: Interrupt,
        count: u32,
        usual: board::Trigger,
    ) -> Option<board::Interrupt> {
        let inputs = self.controller()?.binding().inputs();
        let inputs = inputs.iter().find(|inputs| inputs.space == first.space)?;
        let number = inputs.first.checked_add(first.number)?;
        Some(board::Interrupt {
            number,
            count,
            trigger: first.trigger.unwrap_or(usual),
        })
    }

    /// The driver of the interrupt controller, if it is known.
    pub(crate) fn controller(&self) -> Option<&InterruptController> {
        self.interrupt_controller.value().map(|one| &one.0)
    }
}

/// What a file is, told without reading all of it.
pub(crate) struct Outline {
    /// Whether it is a board rather than a fragment. One that is not TOML counts as a board, so that
    /// its mistakes are told.
    pub(crate) is_board: bool,
    /// What it extends.
    pub(crate) extends: Option<String>,
}

pub(crate) fn outline(text: &str) -> Outline {
    let mut problems = Problems::default();
    let file: FileId = problems.add_file(String::new(), text.to_owned());
    let root = parse::parse(file, &mut problems);
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

/// A default as the macro is given it: an integer or an empty list as in TOML, else text. A word to
/// choose is text, though it may look like a number.
pub(crate) fn default_value(default: &str, kind: &schema::Kind) -> Value {
    if matches!(kind, schema::Kind::Choice(_)) {
        return Value::Text(default.to_owned());
    }
    let plain = default.replace('_', "");
    let (digits, radix) = plain
        .strip_prefix("0x")
        .map_or((&*plain, 10), |digits| (digits, 16));
    match (default, i128::from_str_radix(digits, radix)) {
        ("[]", _) => Value::List(Vec::new()),
        (_, Ok(value)) => Value::Integer(Integer {
            value: Some(value),
            radix,
        }),
        (_, Err(_)) => Value::Text(default.to_owned()),
    }
}
