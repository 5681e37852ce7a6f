//! The platform-level interrupt controller of RISC-V machines (RISC-V PLIC Specification 1.0).

mod contexts;
mod further;

use super::{relays, riscv, sockets};
use crate::board::{self, Architecture};
use crate::board::{Block, Lines, Register};
use crate::diagnostic::Problems;
use crate::language::schema;
use crate::language::table::table;
use crate::language::{Address, Located, Named, Number, Size, Space, hexadecimal};
use crate::machine::device::Device;
use crate::part::claims::{Claimed, Claims, Rule};
use crate::part::draft::{Machine, register};
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{
    Binding, Controller, Delivery, Driver, Entered, Further, Inputs, Selection, place,
};
use contexts::HartModes;
use further::{FurtherPlic, Resolved};

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
        /// The PLICs of other sockets, by a name for each, by which interrupts select them. The first
        /// hart of such a socket passes the interrupts on to the kernel's hart.
        further: Named<FurtherPlic> => optional,
    }
}

/// The interrupt space by which board files number the sources.
const PLIC: Space = Space::new("plic");

/// The offset of the contexts' registers, and their size for each context (PLIC 1.0, chapter 3).
const CONTEXTS: u64 = 0x20_0000;
const CONTEXT: u64 = 0x1000;

/// Returns a row of inputs that starts with source 0, which stands for no interrupt.
fn inputs(sources: u32) -> Inputs {
    Inputs {
        space: PLIC,
        cell: None,
        first: 0,
        least: 1,
        count: sources.saturating_add(1),
        private: None,
    }
}

/// Returns the number of sources of a PLIC in a machine. Some trees and QEMU's model count source
/// 0, which does not exist.
fn sources(plic: &Device) -> Option<u32> {
    match (plic.number("riscv,ndev"), plic.number("num-sources")) {
        (Some(sources), _) if sources % 32 != 0 => Some(sources),
        (Some(counted), _) | (None, Some(counted)) => counted.checked_sub(1),
        (None, None) => None,
    }
}

impl Binding for Plic {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(riscv::ALL)
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let contexts = contexts::count(&self.contexts).unwrap_or(1);
        let least = CONTEXTS + CONTEXT * contexts;
        let rule = Rule::registers("the registers of this PLIC's contexts", 0x1000, least);
        claims.device(&self.place, &self.base, &self.size, rule);
        further::claim(&self.further, claims);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, Self::KINDS)
            .registers(0, &self.place.path, &self.base, &self.size)
            .sources("riscv,ndev", &self.sources);
        further::expect(&self.further, expected);
    }

    fn check(&self, around: &Surroundings<'_>, claimed: &Claimed, problems: &mut Problems) {
        contexts::check_mode(&self.contexts, around, problems);
        further::check(&self.further, around, problems);
        riscv::check_source_0(PLIC, &self.place, claimed, problems);
    }
}

impl Controller for Plic {
    fn inputs(&self) -> Vec<Inputs> {
        let sources = self.sources.value().map_or(1023, |sources| sources.0);
        let own = std::iter::once(inputs(sources));
        own.chain(sockets::inputs(&self.further, inputs)).collect()
    }

    fn further(&self) -> Vec<Further> {
        further::list(&self.further)
    }

    fn has_all_further(&self) -> bool {
        self.further.optional().is_some()
    }

    fn reach(&self, devices: &[Device], mode: Entered) -> Option<u32> {
        let bases: Vec<u64> = std::iter::once(self.base.value()?.0)
            .chain(further::bases(&self.further))
            .collect();
        riscv::reach(devices, Self::KINDS, &bases, mode)
    }

    fn selected(&self) -> Option<Selection> {
        Some(Selection {
            option: "aia",
            values: &["none"],
        })
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
        let first = Resolved {
            key: self.place.path.clone(),
            number: 0,
            first_hart: 0,
            registers: board::Range {
                base: self.base.value()?.0,
                size: self.size.value()?.0,
            },
            sources: self.sources.value()?.0,
            harts: contexts::harts(&self.contexts)?,
        };
        let others = further::resolve(&self.further)?;
        let msip = relays::registers(&self.further, around)?;
        let code = match others.as_slice() {
            [] => board::Code {
                imports: vec![
                    ("vmos_drivers::mmio", "Mmio"),
                    ("vmos_drivers::riscv", "self"),
                    ("vmos_drivers::interrupt_controller::plic", "self"),
                    ("vmos_drivers::interrupt_controller::plic", "Plic"),
                ],
                driver: "Plic<Mmio, P>".to_owned(),
                config_type: "plic::Config".to_owned(),
                config: further::config(&first),
                processor: vec!["riscv::LocalInterrupts"],
            },
            others => further::code(&first, others, &msip),
        };
        let all = std::iter::once(&first).chain(&others);
        let registers = all.map(|plic| Block {
            key: plic.key.clone(),
            base: plic.registers.base,
            registers: names(around.used, plic),
        });
        let raised = others.iter().zip(msip.iter().skip(1));
        let raised = raised.filter_map(|(plic, msip)| relays::block(&plic.key, *msip));
        let registers = registers.chain(raised).collect();
        let mut card = format!("PLIC, sources 1 to {}", first.sources);
        if !others.is_empty() {
            card = format!("{} PLICs, one for each socket", 1 + others.len());
        }
        let own = std::iter::once(Lines {
            word: "PLIC",
            first: 0,
            count: first.sources + 1,
        });
        Some(board::InterruptController {
            number: "source",
            lines: own.chain(sockets::lines(&self.further, inputs)).collect(),
            relays: relays::relays(&self.place, &self.further, &msip, around)?,
            part: board::Part {
                key: self.place.path.clone(),
                card,
                code,
                registers,
                entry: Vec::new(),
            },
        })
    }

    fn import(machine: &Machine<'_>, plic: &Device) -> Option<Section> {
        let mut plics = machine.all(Self::KINDS);
        plics.dedup_by_key(|plic| plic.base());
        let msip = relays::import(machine, plics.len());
        let is_alone = msip.is_none();
        if is_alone {
            plics.truncate(1);
        }
        let msip = msip.unwrap_or_else(|| vec![None]);
        let plic = plics.first().copied().unwrap_or(plic);
        let (registers, sources) = (register(plic, 0)?, sources(plic)?);
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
            .with_inputs(&[inputs(sources)])
            .optional_note(is_alone.then_some(relays::NEED_SOFTWARE_INTERRUPTS));
        let section = further::import(section, &plics, &msip)?;
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

/// The registers of a PLIC by name, for a debugger (PLIC 1.0, 3): the priority of each source that the
/// board uses, the pending bits, and the enable bits and thresholds of the contexts of its first hart. The
/// claim register is left out, because reading it claims an interrupt.
fn names(used: &[board::Claim<board::Interrupt>], plic: &Resolved) -> Vec<Register> {
    const WORD: u32 = u32::BITS;
    let lines = sockets::used(used, plic.number, plic.sources);
    let priorities = lines.map(|line| (format!("priority{line}"), 4 * u64::from(line), 4));
    let mut registers: Vec<Register> = priorities.collect();
    let words = plic.sources / WORD + 1;
    for word in 0..words {
        let offset = 0x1000 + 4 * u64::from(word);
        registers.push((format!("pending{word}"), offset, 4));
    }
    let contexts: &[&str] = match plic.harts.first() {
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
