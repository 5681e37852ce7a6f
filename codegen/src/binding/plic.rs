//! The platform-level interrupt controller of RISC-V machines (RISC-V PLIC Specification 1.0).

use super::riscv;
use crate::board::{self, Architecture};
use crate::board::{Block, Lines, Register, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::scalar::choices;
use crate::language::schema;
use crate::language::table::table;
use crate::language::{Address, Located, Number, Size, Space, hexadecimal};
use crate::machine::device::Device;
use crate::part::Entered;
use crate::part::claims::{Claimed, Claims, Extent, Rule};
use crate::part::draft::{Machine, register};
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Controller, Delivery, Driver, Inputs, place};

table! {
    /// The platform-level interrupt controller (PLIC) of RISC-V machines.
    pub struct Plic {
        /// The first address of the device's registers.
        base: Address => required,
        /// The size of the PLIC's registers: 2 MiB, and 4 KiB for each context.
        size: Size => default("64 MiB"),
        /// The number of the PLIC's sources, which are numbered from 1.
        sources: Number<1, 1023> => required,
        /// The privilege modes that the PLIC delivers to, for each hart from hart 0 on; the last
        /// entry applies to all further harts. Each mode is a context; contexts are numbered in
        /// this order. Without it, every hart has M and S mode.
        contexts: Vec<Located<HartModes>> => default("[]"),
    }
}

/// The modes of a hart to which a PLIC delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HartModes {
    /// The PLIC delivers to M mode only.
    Machine,
    /// The PLIC delivers to S mode only.
    Supervisor,
    /// The PLIC delivers to M mode and S mode; the context of M mode comes first.
    Both,
}

choices! { HartModes {
    Machine = "M": "M mode",
    Supervisor = "S": "S mode",
    Both = "MS": "M mode, then S mode",
} }

/// The interrupt space by which board files number the sources.
const PLIC: Space = Space("plic");

/// The offset of the contexts' registers, and their size for each context (PLIC 1.0, chapter 3).
const CONTEXTS: u64 = 0x20_0000;
const CONTEXT: u64 = 0x1000;

impl Plic {
    /// Returns the modes of the contexts, stated or by default; `None` if they are invalid.
    fn harts(&self) -> Option<Vec<HartModes>> {
        let given = self.contexts.value()?;
        let harts: Vec<HartModes> = given.iter().map(|one| one.value).collect();
        Some(match harts.is_empty() {
            true => vec![HartModes::Both],
            false => harts,
        })
    }

    /// Returns the number of contexts of the listed harts.
    fn context_count(&self) -> Option<u64> {
        let count = |modes: &HartModes| match modes {
            HartModes::Machine | HartModes::Supervisor => 1,
            HartModes::Both => 2,
        };
        Some(self.harts()?.iter().map(count).sum())
    }

    /// Reports that no hart has a context for the mode of the kernel.
    fn check_mode(&self, around: &Surroundings<'_>, problems: &mut Problems) {
        let (Some(harts), Some((entered, at))) = (self.harts(), riscv::entered(around)) else {
            return;
        };
        let has = |wanted| harts.iter().any(|m| *m == HartModes::Both || *m == wanted);
        let (machine, supervisor) = (has(HartModes::Machine), has(HartModes::Supervisor));
        let (mode, is_there) = match entered {
            Entered::Machine => ("M", machine),
            Entered::Supervisor => ("S", supervisor),
            Entered::Either if machine => ("S", supervisor),
            Entered::Either => ("M", machine),
        };
        if let (false, Some(contexts)) = (is_there, self.contexts.get()) {
            let title = format!("the PLIC delivers to no hart in {mode} mode");
            problems.report(
                Diagnostic::new(Code::WrongMode, contexts.at, title)
                    .label("no context for the kernel")
                    .also(at, format!("the kernel is entered in {mode} mode")),
            );
        }
    }
}

impl Binding for Plic {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(riscv::ALL)
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let contexts = self.context_count().unwrap_or(1);
        let least = CONTEXTS + CONTEXT * contexts;
        let rule = Rule::registers("the registers of this PLIC's contexts", 0x1000, least);
        let size = self.size.get().map(Extent::from);
        claims.range(&self.place.path, &self.base, size, rule);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, Self::KINDS)
            .registers(0, &self.place.path, &self.base, &self.size)
            .sources("riscv,ndev", &self.sources);
    }

    fn check(&self, around: &Surroundings<'_>, claimed: &Claimed, problems: &mut Problems) {
        self.check_mode(around, problems);
        riscv::check_source_0(PLIC, &self.place, claimed, problems);
    }
}

impl Controller for Plic {
    fn inputs(&self) -> Vec<Inputs> {
        let sources = self.sources.value().map_or(1023, |sources| sources.0);
        vec![Inputs {
            space: PLIC,
            cell: None,
            first: 0,
            count: sources + 1,
            private: None,
        }]
    }

    fn delivers(&self, _msi: board::Msi) -> Delivery {
        Delivery::No("a PLIC does not support messages")
    }
}

impl Driver for Plic {
    const NAME: &'static str = "plic";
    const KINDS: &'static [&'static str] = &["riscv,plic0", "sifive,plic-1.0.0"];
    const MODELS: &'static [&'static str] = &["riscv.sifive.plic"];
    const SPACES: &'static [schema::Space] = &[schema::Space {
        word: PLIC.word(),
        doc: "A source of a PLIC, counted from 1.",
        first: 0,
        count: 1024,
    }];
    type Resolved = board::InterruptController;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let registers = board::Range {
            base: self.base.value()?.0,
            size: self.size.value()?.0,
        };
        let (sources, harts) = (self.sources.value()?.0, self.harts()?);
        let modes = harts.iter().map(|modes| {
            Value::path(match modes {
                HartModes::Machine => "plic::Modes::Machine",
                HartModes::Supervisor => "plic::Modes::Supervisor",
                HartModes::Both => "plic::Modes::Both",
            })
        });
        let config = vec![
            ("registers", Value::Range(registers)),
            ("sources", Value::Decimal(sources.into())),
            ("contexts", Value::List(modes.collect())),
        ];
        Some(board::InterruptController {
            number: "source",
            lines: vec![Lines {
                word: "PLIC",
                first: 0,
                count: sources + 1,
            }],
            part: board::Part {
                key: self.place.path.clone(),
                card: format!("PLIC, sources 1 to {sources}"),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::mmio", "Mmio"),
                        ("vmos_drivers::riscv", "self"),
                        ("vmos_drivers::interrupt_controller::plic", "self"),
                        ("vmos_drivers::interrupt_controller::plic", "Plic"),
                    ],
                    driver: "Plic<Mmio, P>".to_owned(),
                    config_type: "plic::Config".to_owned(),
                    config: Value::structure("plic::Config", config),
                    processor: vec!["riscv::LocalInterrupts"],
                },
                registers: vec![Block {
                    key: self.place.path.clone(),
                    base: registers.base,
                    registers: names(around.used, sources, harts.first().copied()),
                }],
                entry: Vec::new(),
            },
        })
    }

    fn import(_machine: &Machine<'_>, plic: &Device) -> Option<Section> {
        let registers = register(plic, 0)?;
        // Some trees and QEMU's model count source 0, which does not exist.
        let sources = match (plic.number("riscv,ndev"), plic.number("num-sources")) {
            (Some(sources), _) if sources % 32 != 0 => sources,
            (Some(counted), _) | (None, Some(counted)) => counted.checked_sub(1)?,
            (None, None) => return None,
        };
        let contexts: Vec<u32> = plic.interrupts.iter().flatten().copied().collect();
        let is_usual = contexts
            .chunks(2)
            .all(|pair| pair == [riscv::MACHINE_EXTERNAL, riscv::SUPERVISOR_EXTERNAL]);
        let modes = plic.word("hart-config");
        let is_usual =
            is_usual && modes.is_none_or(|modes| modes.split(',').all(|one| one == "MS"));
        let section = Section::new("interrupt-controller.plic")
            .line("base", hexadecimal(registers.base))
            .line("size", Size(registers.size).written())
            .line("sources", sources)
            .with_owners([registers.base])
            .with_inputs(&[Inputs {
                space: PLIC,
                cell: None,
                first: 0,
                count: sources + 1,
                private: None,
            }]);
        Some(match is_usual {
            true => section,
            false => section.todo(
                "contexts",
                "[\"M\", \"MS\"]",
                "the privilege modes of each hart that it delivers to: see `interrupts-extended` of its node",
            ),
        })
    }
}

/// The registers by name, for a debugger (PLIC 1.0, 3): the priority of each source that the board
/// uses, the pending bits, and the enable bits and thresholds of the contexts of hart 0. The claim
/// register is left out, because reading it claims an interrupt.
fn names(
    used: &[board::Claim<board::Interrupt>],
    sources: u32,
    modes: Option<HartModes>,
) -> Vec<Register> {
    const WORD: u32 = u32::BITS;
    let mut registers: Vec<Register> = Vec::new();
    for claim in used {
        let lines = claim.what.number..claim.what.number + claim.what.count;
        registers.extend(lines.map(|line| (format!("priority{line}"), 4 * u64::from(line), 4)));
    }
    let words = sources / WORD + 1;
    for word in 0..words {
        let offset = 0x1000 + 4 * u64::from(word);
        registers.push((format!("pending{word}"), offset, 4));
    }
    let contexts: &[&str] = match modes {
        Some(HartModes::Machine) => &["M"],
        Some(HartModes::Supervisor) => &["S"],
        Some(HartModes::Both) | None => &["M", "S"],
    };
    for (context, mode) in (0_u64..).zip(contexts) {
        for word in 0..words {
            let offset = 0x2000 + 0x80 * context + 4 * u64::from(word);
            registers.push((format!("{mode} enable{word}"), offset, 4));
        }
        let offset = 0x20_0000 + 0x1000 * context;
        registers.push((format!("{mode} threshold"), offset, 4));
    }
    registers
}
