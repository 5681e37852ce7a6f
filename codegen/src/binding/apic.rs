//! The APICs of PCs: the processor's local one and the I/O APICs (Intel SDM volume 3A, chapter 12;
//! 82093AA).

use super::block::{self, block};
use crate::board::{self, Architecture};
use crate::board::{Lines, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::schema;
use crate::language::table::table;
use crate::language::{Address, Field, Named, Number, Port, Size, Space, hexadecimal};
use crate::machine::device::Device;
use crate::part::claims::{Claimed, Claims, Extent, Rule};
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Controller, Delivery, Driver, Inputs, place};

table! {
    /// The APICs of PCs. The local APIC is used as an x2APIC if the processor supports it.
    pub struct Apic {
        /// The local APIC.
        local: Local => required,
        /// The I/O APICs. The board file names each of them.
        io: Named<IoApic> => required,
        /// The two 8259 interrupt controllers, which the kernel masks. Without it, there are none.
        i8259: I8259 => optional,
    }
}

block! {
    /// The local APIC's registers.
    pub struct Local: "a local APIC", "4 KiB", 0x1000, 0x1000
}

table! {
    /// An I/O APIC.
    pub struct IoApic {
        /// The first address of the device's registers.
        base: Address => required,
        /// The size of the I/O APIC's registers.
        size: Size => default("0x20"),
        /// The global system interrupt of the I/O APIC's first input.
        first: Number<0, 1000> => required,
        /// The number of the I/O APIC's inputs.
        inputs: Number<1, 240> => default("24"),
    }
}

table! {
    /// The two 8259 interrupt controllers of a PC.
    pub struct I8259 {
        /// The first of the two ports of the controller that is wired to the processor.
        primary: Port => default("0x20"),
        /// The first of the two ports of the second controller, which is cascaded to the first.
        secondary: Port => default("0xA0"),
    }
}

/// The interrupt space of the I/O APICs: the global system interrupts, which count the inputs of
/// all I/O APICs.
const GSI: Space = Space::new("gsi");

/// The names of the local APIC and of the I/O APIC in firmware's tables, and QEMU's name of the
/// 8259s.
const LOCAL: &str = "acpi,local-apic";
const IO: &str = "acpi,io-apic";
const I8259_MODEL: &str = "isa-i8259";

/// The number of inputs of an I/O APIC (82093AA, 1.0), which firmware's tables do not contain.
const INPUTS: u32 = 24;

/// The index register and the data window, with their offsets in a page (82093AA, 3.0).
const IO_APIC: u64 = 0x20;

impl Apic {
    /// Returns the first input and the number of inputs of each I/O APIC that was read.
    fn inputs_of(&self) -> impl Iterator<Item = (u32, u32)> {
        let io = self.io.value().into_iter().flat_map(|io| io.iter());
        io.filter_map(|one| Some((one.value.first.value()?.0, one.value.inputs.value()?.0)))
    }

    /// Returns whether there are I/O APICs, and the inputs of all could be read.
    fn knows_inputs(&self) -> bool {
        let all = self.io.value().map_or(0, |io| io.iter().count());
        all > 0 && self.inputs_of().count() == all
    }

    /// Reports interrupts between the inputs of two I/O APICs, and a first input that is not 0.
    fn check_gaps(&self, claimed: &Claimed, problems: &mut Problems) {
        let last = self.inputs_of().map(|(first, count)| first + count).max();
        let Some(last) = last.filter(|_| self.knows_inputs()) else {
            return;
        };
        let io = self.io.value().into_iter().flat_map(|io| io.iter());
        let firsts = io.filter_map(|one| one.value.first.get());
        let lowest = firsts.min_by_key(|first| first.value.0);
        if let Some(lowest) = lowest.filter(|first| first.value.0 > 0) {
            // Where the inputs are used, nothing is wrong.
            problems.report(
                Diagnostic::new(Code::BadNumber, lowest.at, "no I/O APIC has the input 0")
                    .label("global system interrupts start with the 16 of ISA, from 0 on")
                    .write_number(0),
            );
            return;
        }
        let is_input = |number: u32| {
            self.inputs_of()
                .any(|(first, count)| (first..first + count).contains(&number))
        };
        for claim in &claimed.interrupts {
            let first = claim.first.number;
            let numbers = first..first.saturating_add(claim.count);
            // Greater numbers are reported for every controller.
            if claim.first.space != GSI || numbers.end > last {
                continue;
            }
            let Some(number) = numbers.clone().find(|number| !is_input(*number)) else {
                continue;
            };
            let title = format!("there is no interrupt `{}`", GSI.said(number.into()));
            let rows = self
                .inputs_of()
                .map(|(first, count)| format!("{first} to {}", first + count - 1));
            let rows: Vec<String> = rows.collect();
            problems.report(
                Diagnostic::new(Code::InterruptOutOfRange, claim.at, title)
                    .label("no I/O APIC has this input")
                    .also(self.place.at, format!("their inputs: {}", rows.join(", "))),
            );
        }
    }

    /// Reports inputs that two I/O APICs have in common.
    fn check_inputs(&self, problems: &mut Problems) {
        let io: Vec<_> = self
            .io
            .value()
            .into_iter()
            .flat_map(|io| io.iter())
            .collect();
        for (index, one) in io.iter().enumerate() {
            let (Some(first), Some(inputs)) = (one.value.first.get(), one.value.inputs.value())
            else {
                continue;
            };
            let row = first.value.0..first.value.0 + inputs.0;
            for earlier in &io[..index] {
                let (Some(other), Some(inputs)) =
                    (earlier.value.first.get(), earlier.value.inputs.value())
                else {
                    continue;
                };
                let others = other.value.0..other.value.0 + inputs.0;
                if row.start < others.end && others.start < row.end {
                    let title = format!(
                        "two I/O APICs have the input {}",
                        row.start.max(others.start)
                    );
                    problems.report(
                        Diagnostic::new(Code::InterruptTwice, first.at, title)
                            .label(format!("{} to {}", row.start, row.end - 1))
                            .also(other.at, format!("{} to {}", others.start, others.end - 1)),
                    );
                }
            }
        }
    }
}

/// The delivery of messages by the local APIC.
const BY_LOCAL_APIC: board::Msi = board::Msi {
    word: "local-apic",
    doc: "the local APIC of an x86 processor",
    described: "by the local APIC",
};

impl Binding for Apic {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::X86_64])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        block::claim(&self.place, "local", &self.local, claims);
        match &self.io {
            Field::Given(io) => {
                for entry in io.value.iter() {
                    let rule = Rule {
                        size: 4,
                        ..Rule::registers("an I/O APIC", 0x400, IO_APIC)
                    };
                    let size = entry.value.size.get().map(Extent::from);
                    claims.range(&entry.value.place.path, &entry.value.base, size, rule);
                }
            }
            _ => claims.drop_claim(&format!("{}.io", self.place.path)),
        }
        if let Some(i8259) = self.i8259.value() {
            for (name, port) in [("primary", &i8259.primary), ("secondary", &i8259.secondary)] {
                claims.ports(&format!("{}.{name}", i8259.place.path), port, 2);
            }
        }
    }

    fn expect(&self, expected: &mut Expected) {
        if let Some(local) = self.local.value() {
            let part = expected.part(&local.place, &[]).model(LOCAL);
            part.registers(0, &local.place.path, &local.base, &local.size);
            // Messages to processors are written to addresses after it.
            part.or_less();
        }
        for entry in self.io.value().into_iter().flat_map(|io| io.iter()) {
            let io = &entry.value;
            // It responds only to the first bytes of its page.
            expected
                .part(&io.place, &[])
                .model(IO)
                .registers(0, &io.place.path, &io.base, &io.size)
                .or_less()
                .number("first", &io.first);
        }
    }

    fn check(&self, _around: &Surroundings<'_>, claimed: &Claimed, problems: &mut Problems) {
        self.check_inputs(problems);
        self.check_gaps(claimed, problems);
        if let Some(io) = self.io.get()
            && io.value.iter().next().is_none()
        {
            let title = "there is no I/O APIC";
            problems.report(
                Diagnostic::new(Code::MissingKey, io.at, title)
                    .label("devices have no interrupt lines")
                    .help(format!(
                        "add [{}.main] with its `base` and `first`",
                        io.path
                    )),
            );
        }
    }
}

impl Controller for Apic {
    /// Returns all inputs as one row: the I/O APICs are numbered consecutively, and numbers in gaps
    /// have no input. If two of them claim the same inputs, which is reported, there are as many as
    /// they have together.
    fn inputs(&self) -> Vec<Inputs> {
        let last = self.inputs_of().map(|(first, count)| first + count).max();
        let sum = self.inputs_of().map(|(_, count)| count).sum();
        let count = last.max(Some(sum)).filter(|_| self.knows_inputs());
        vec![Inputs {
            space: GSI,
            cell: None,
            first: 0,
            least: 0,
            count: count.unwrap_or(u32::MAX),
            private: None,
        }]
    }

    fn takes_low(&self) -> bool {
        true
    }

    /// Each processor has its own timer interrupt, in its local APIC.
    fn timer(&self) -> Option<board::Range> {
        block::range(self.local.value()?)
    }

    fn delivers(&self, msi: board::Msi) -> Delivery {
        match msi {
            BY_LOCAL_APIC => Delivery::Yes,
            _ => Delivery::No("a PC supports only \"local-apic\" messages"),
        }
    }
}

impl Driver for Apic {
    const NAME: &'static str = "apic";
    const KINDS: &'static [&'static str] = &[LOCAL];
    const SPACES: &'static [schema::Space] = &[schema::Space {
        word: GSI.word(),
        doc: "A global system interrupt of a PC: an input of an I/O APIC, counted over all of them.",
        first: 0,
        count: u32::MAX,
    }];
    const MESSAGES: &'static [board::Msi] = &[BY_LOCAL_APIC];
    type Resolved = board::InterruptController;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let mut io = Vec::new();
        for entry in self.io.value()?.iter() {
            let (base, size) = (entry.value.base.value()?.0, entry.value.size.value()?.0);
            io.push((entry.value.first.value()?.0, board::Range { base, size }));
        }
        io.sort_by_key(|(first, _)| *first);
        let io = io.into_iter().map(|(first, registers)| {
            let fields = vec![
                ("registers", Value::Range(registers)),
                ("first", Value::Decimal(first.into())),
            ];
            Value::structure("apic::IoApicConfig", fields)
        });
        let legacy_pic = match self.i8259.optional()? {
            Some(pair) => {
                let fields = vec![
                    ("primary", Value::Ports(pair.value.primary.value()?.0, 2)),
                    (
                        "secondary",
                        Value::Ports(pair.value.secondary.value()?.0, 2),
                    ),
                ];
                Some(Value::structure("apic::LegacyPic", fields))
            }
            None => None,
        };
        let config = vec![
            ("local", Value::Range(block::range(self.local.value()?)?)),
            ("io", Value::Rows(io.collect())),
            ("legacy_pic", Value::optional(legacy_pic)),
        ];
        Some(board::InterruptController {
            number: "input",
            lines: vec![Lines {
                word: "GSI",
                first: 0,
                count: u32::MAX,
            }],
            relays: Vec::new(),
            part: board::Part {
                key: self.place.path.clone(),
                card: "local APIC and I/O APICs".to_owned(),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::mmio", "Mmio"),
                        ("vmos_drivers::interrupt_controller::apic", "self"),
                        ("vmos_drivers::interrupt_controller::apic", "Apic"),
                        ("vmos_drivers::port", "Ports"),
                        ("vmos_drivers::port", "PortIo"),
                        ("vmos_drivers::local_apic", "ModelSpecific"),
                    ],
                    driver: "Apic<Mmio, P, Ports<P>>".to_owned(),
                    config_type: "apic::Config".to_owned(),
                    config: Value::structure("apic::Config", config),
                    processor: vec!["apic::Vectors", "ModelSpecific", "PortIo"],
                },
                // All registers except the index register are accessed indirectly.
                registers: Vec::new(),
                entry: Vec::new(),
            },
        })
    }

    fn import(machine: &Machine<'_>, local: &Device) -> Option<Section> {
        let mut section = Section::new("interrupt-controller.apic").line(
            "local",
            format!("{{ base = {} }}", hexadecimal(local.base()?)),
        );
        let mut count = 0;
        for (index, io) in machine.all(&[IO]).into_iter().enumerate() {
            let (base, first) = (io.base()?, io.number("first")?);
            section = section.line(
                &format!("io.apic{index}"),
                format!("{{ base = {}, first = {first} }}", hexadecimal(base)),
            );
            count = count.max(first.checked_add(INPUTS)?);
        }
        if machine.find(&[I8259_MODEL]).is_some() {
            section = section.line("i8259", "{}").beside("masked");
        }
        Some(section.with_inputs(&[Inputs {
            space: GSI,
            cell: None,
            first: 0,
            least: 0,
            count,
            private: None,
        }]))
    }
}
