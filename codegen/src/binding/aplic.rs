//! The advanced platform-level interrupt controller of RISC-V machines, with direct delivery (The
//! RISC-V Advanced Interrupt Architecture 1.0, chapter 4).

mod further;

use super::block::{self, block};
use super::{relays, riscv, sockets};
use crate::board::{self, Architecture, Block, Lines, Register, Value};
use crate::diagnostic::Problems;
use crate::language::table::table;
use crate::language::{Field, Named, Number, Space, schema};
use crate::machine::device::Device;
use crate::part::claims::{Claimed, Claims};
use crate::part::draft::{self, Machine, register};
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{
    Binding, Controller, Delivery, Driver, Entered, Further, Inputs, Selection, place,
};
use further::FurtherAplic;

table! {
    /// The advanced platform-level interrupt controller (APLIC) of RISC-V machines, with direct
    /// delivery.
    pub struct Aplic {
        /// The registers of the APLIC's domain for M mode, if the kernel may be entered in M mode.
        machine: Domain => optional,
        /// The registers of the APLIC's domain for S mode, if the kernel may be entered in S mode.
        supervisor: Domain => optional,
        /// The number of the APLIC's sources, which are numbered from 1.
        sources: Number<1, 1023> => required,
        /// The APLICs of other sockets, by a name for each, by which interrupts select them. The first
        /// hart of such a socket passes the interrupts on to the kernel's hart.
        further: Named<FurtherAplic> => optional,
    }
}

block! {
    /// The registers of a domain (4.5), with those of the direct delivery to each hart (4.8).
    pub struct Domain: "an APLIC's domain", "32 KiB", 0x1000, 0x5000
}

/// The interrupt space by which board files number the sources.
pub(super) const APLIC: Space = Space::new("aplic");

/// The `compatible` string of a domain.
pub(super) const DOMAIN: &[&str] = &["riscv,aplic"];

/// The interrupt space of the APLIC's sources.
pub(super) const SPACES: &[schema::Space] = &[schema::Space {
    word: APLIC.word(),
    doc: "A source of an APLIC, counted from 1.",
    first: 0,
    count: 1024,
}];

/// Returns the sources as inputs.
pub(super) fn inputs(sources: u32) -> Inputs {
    Inputs {
        space: APLIC,
        cell: None,
        first: 0,
        least: 1,
        count: sources.saturating_add(1),
        private: None,
    }
}

/// Returns the sources as rows for `board.md`.
pub(super) fn lines(sources: u32) -> Lines {
    Lines {
        word: "APLIC",
        first: 0,
        count: sources + 1,
    }
}

/// Returns the number of sources of a domain in a device tree. Some trees count source 0, which
/// does not exist.
pub(super) fn sources(domain: &Device) -> Option<u32> {
    let sources = domain.number("riscv,num-sources")?;
    Some(sources.saturating_sub(u32::from(sources.is_multiple_of(32))))
}

/// Returns the domains with their keys and the modes that they deliver in.
fn domains<'d>(
    machine: &'d Field<Domain>,
    supervisor: &'d Field<Domain>,
) -> [(&'static str, Entered, &'d Field<Domain>); 2] {
    [
        ("machine", Entered::Machine, machine),
        ("supervisor", Entered::Supervisor, supervisor),
    ]
}

impl Aplic {
    fn domains(&self) -> [(&'static str, Entered, &Field<Domain>); 2] {
        domains(&self.machine, &self.supervisor)
    }
}

impl Binding for Aplic {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(riscv::ALL)
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        for (name, _, domain) in self.domains() {
            block::claim(&self.place, name, domain, claims);
        }
        further::claim(&self.further, claims);
    }

    fn expect(&self, expected: &mut Expected) {
        for (_, _, domain) in self.domains() {
            if let Some(domain) = domain.value() {
                expected
                    .part(&domain.place, DOMAIN)
                    .registers(0, &domain.place.path, &domain.base, &domain.size)
                    .sources("riscv,num-sources", &self.sources);
            }
        }
        further::expect(&self.further, expected);
    }

    fn check(&self, around: &Surroundings<'_>, claimed: &Claimed, problems: &mut Problems) {
        for (name, mode, domain) in self.domains() {
            riscv::check_for_mode(&self.place, name, domain, mode, around, problems);
        }
        further::check(&self.further, around, problems);
        riscv::check_source_0(APLIC, &self.place, claimed, problems);
    }
}

impl Controller for Aplic {
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

    fn takes_low(&self) -> bool {
        true
    }

    fn reach(&self, devices: &[Device], mode: Entered) -> Option<u32> {
        let domains = self.domains().into_iter();
        let bases = domains.filter_map(|(_, _, domain)| Some(domain.value()?.base.value()?.0));
        let bases: Vec<u64> = bases.chain(further::bases(&self.further)).collect();
        riscv::reach(devices, DOMAIN, &bases, mode)
    }

    fn selected(&self) -> Option<Selection> {
        Some(Selection {
            option: "aia",
            values: &["aplic"],
        })
    }

    fn delivers(&self, _msi: board::Msi) -> Delivery {
        Delivery::No("an APLIC with direct delivery does not support messages")
    }
}

impl Driver for Aplic {
    const NAME: &'static str = "aplic";
    const KINDS: &'static [&'static str] = DOMAIN;
    const SPACES: &'static [schema::Space] = SPACES;
    type Resolved = board::InterruptController;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let sources = self.sources.value()?.0;
        let mut registers = Vec::new();
        for (name, _, domain) in self.domains() {
            let range = block::optional_range(domain)?;
            registers.extend(range.map(|range| Block {
                key: format!("{}.{name}", self.place.path),
                base: range.base,
                registers: [domain_registers(around.used, 0, sources), delivery()].concat(),
            }));
        }
        let own = config(
            block::optional_range(&self.machine)?,
            block::optional_range(&self.supervisor)?,
            sources,
        );
        let others = further::resolve(&self.further, around.used)?;
        let msip = relays::registers(&self.further, around)?;
        let code = match others.as_slice() {
            [] => board::Code {
                imports: vec![
                    ("vmos_drivers::mmio", "Mmio"),
                    ("vmos_drivers::riscv", "self"),
                    ("vmos_drivers::interrupt_controller::aplic", "self"),
                    ("vmos_drivers::interrupt_controller::aplic", "Aplic"),
                ],
                driver: "Aplic<Mmio, P>".to_owned(),
                config_type: "aplic::Config".to_owned(),
                config: own,
                processor: vec!["riscv::LocalInterrupts"],
            },
            others => further::code(own, others, &msip),
        };
        let mut card = format!("APLIC, sources 1 to {sources}");
        if !others.is_empty() {
            card = format!("{} APLICs, one for each socket", 1 + others.len());
        }
        for (one, msip) in others.iter().zip(msip.iter().skip(1)) {
            registers.extend(relays::block(&one.key, *msip));
        }
        registers.extend(others.into_iter().flat_map(|one| one.registers));
        let lines = std::iter::once(lines(sources));
        Some(board::InterruptController {
            number: "source",
            lines: lines.chain(sockets::lines(&self.further, inputs)).collect(),
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

    /// Finds the domains that deliver to a mode of the harts: they refer to the external interrupts of
    /// the harts for this mode.
    fn import(machine: &Machine<'_>, _domain: &Device) -> Option<Section> {
        let domains = machine.all(DOMAIN);
        let of_mode = |cause: u32| {
            let all = domains.iter().copied();
            let of_mode = all.filter(|domain| domain.interrupts.first() == Some(&Some(cause)));
            of_mode.collect::<Vec<&Device>>()
        };
        let modes = riscv::modes_of(machine).into_iter();
        let modes = modes.map(|(name, cause)| (name, of_mode(cause)));
        let mut modes: Vec<(&str, Vec<&Device>)> = modes.collect();
        let sockets = modes.iter().map(|(_, domains)| domains.len()).min()?;
        let msip = relays::import(machine, sockets);
        let is_alone = msip.is_none();
        let msip = msip.unwrap_or_else(|| vec![None]);
        let mut section = Section::new("interrupt-controller.aplic")
            .optional_note(is_alone.then_some(relays::NEED_SOFTWARE_INTERRUPTS));
        let mut count = None;
        for (name, domains) in &mut modes {
            domains.truncate(if is_alone { 1 } else { sockets });
            let domain = domains.first()?;
            section = section
                .line(name, draft::block(register(domain, 0)?))
                .with_owners(domain.base());
            count = Some(sources(domain)?);
        }
        let count = count?;
        let section = section
            .line("sources", count)
            .with_inputs(&[inputs(count)])
            .with_option("aia=aplic");
        further::import(section, &modes, &msip)
    }
}

/// Returns the configuration of an APLIC, with its domains for M and S mode.
fn config(machine: Option<board::Range>, supervisor: Option<board::Range>, sources: u32) -> Value {
    let domain = |range: Option<board::Range>| Value::optional(range.map(Value::Range));
    Value::structure(
        "aplic::Config",
        vec![
            ("machine", domain(machine)),
            ("supervisor", domain(supervisor)),
            ("sources", Value::Decimal(sources.into())),
        ],
    )
}

/// The registers by name (4.5) of a domain whose source 0 has the number `first`: the mode of delivery,
/// the configuration of the sources that the board uses, and which sources are pending, asserted and
/// enabled.
pub(super) fn domain_registers(
    used: &[board::Claim<board::Interrupt>],
    first: u32,
    sources: u32,
) -> Vec<Register> {
    let mut registers: Vec<Register> = vec![("domaincfg".to_owned(), 0, 4)];
    for source in sockets::used(used, first, sources) {
        let place = 4 * u64::from(source);
        registers.push((format!("sourcecfg{source}"), place, 4));
        registers.push((format!("target{source}"), 0x3000 + place, 4));
    }
    for word in 0..=u64::from(sources / u32::BITS) {
        for (name, offset) in [("setip", 0x1C00), ("in_clrip", 0x1D00), ("setie", 0x1E00)] {
            registers.push((format!("{name}{word}"), offset + 4 * word, 4));
        }
    }
    registers
}

/// The registers of the delivery to hart 0 (4.8.1), without `claimi`, because reading it claims an
/// interrupt.
fn delivery() -> Vec<Register> {
    let registers = [
        ("idelivery", 0x00),
        ("iforce", 0x04),
        ("ithreshold", 0x08),
        ("topi", 0x18),
    ];
    let at = |(name, offset): (&str, u64)| (name.to_owned(), 0x4000 + offset, 4);
    registers.map(at).to_vec()
}
