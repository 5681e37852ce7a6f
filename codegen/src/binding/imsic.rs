//! The incoming MSI controllers of RISC-V harts, with an APLIC that sends them the interrupts of
//! lines (The RISC-V Advanced Interrupt Architecture 1.0, chapter 3 and section 4.9).

mod further;
mod indices;
mod layout;
mod level;

use super::aplic;
use super::{riscv, sockets};
use crate::board::{self, Architecture, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{Field, Named, Number, Size, hexadecimal, schema};
use crate::machine::device::Device;
use crate::part::claims::{Claimed, Claims};
use crate::part::draft::{self, Machine, register};
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{
    Binding, Controller, Delivery, Driver, Entered, Further, Inputs, Selection, place,
};
use further::FurtherImsic;
use level::{FILE, FILES, Level};

table! {
    /// The incoming MSI controllers (IMSIC) of RISC-V harts, with an APLIC that sends them
    /// messages.
    pub struct Imsic {
        /// The registers that deliver in M mode, if the kernel may be entered in M mode.
        machine: Level => optional,
        /// The registers that deliver in S mode, if the kernel may be entered in S mode.
        supervisor: Level => optional,
        /// The distance between the interrupt files of harts, a power of two: 4 KiB, or more with
        /// files for guests.
        stride: Size => default("4 KiB"),
        /// The number of interrupt identities of a file, which are numbered from 1. The sources of
        /// the APLIC use the first of them, messages of PCI functions the rest.
        identities: Number<63, 2047> => required,
        /// The number of sources of the APLIC, which are numbered from 1.
        sources: Number<1, 1023> => required,
        /// The number of bits in the index of a hart, in the targets of APLICs, that number the harts
        /// of a socket; the bits above number the sockets (`riscv,hart-index-bits` in a device tree).
        /// Required with `further`.
        hart_index_bits: Number<0, 13> => optional,
        /// The interrupt files and APLICs of other sockets, by a name for each, by which interrupts
        /// select them, in the order of the sockets' harts. The sources of all APLICs have
        /// identities of their own.
        further: Named<FurtherImsic> => optional,
    }
}

/// The largest identity that the driver uses:
/// `vmos_drivers::interrupt_controller::imsic::MOST_IDENTITIES`.
const MOST_IDENTITIES: u32 = 1023;

/// Its messages.
const BY_IMSIC: board::Msi = board::Msi {
    word: "imsic",
    doc: "the interrupt files of RISC-V harts",
    described: "by the harts' interrupt files",
};

impl Imsic {
    /// Returns the number of identities that the driver uses.
    fn used_identities(&self) -> Option<u32> {
        Some(self.identities.value()?.0.min(MOST_IDENTITIES))
    }

    fn levels(&self) -> [(&'static str, Entered, &Field<Level>); 2] {
        level::all(&self.machine, &self.supervisor)
    }

    /// Returns the bytes from the first file of these harts to the end of the last one.
    fn files_of(&self, harts: u32) -> u64 {
        let stride = self.stride.value().map_or(FILE, |stride| stride.0);
        let before = u64::from(harts.saturating_sub(1)).checked_mul(stride);
        before
            .and_then(|bytes| bytes.checked_add(FILE))
            .unwrap_or(FILE)
    }

    /// Reports a distance between files that is no power of two, or less than a file, or more than
    /// the address of a message can express (4.9.1: LHXS has three bits).
    fn check_stride(&self, problems: &mut Problems) {
        let Some(stride) = self.stride.get() else {
            return;
        };
        let bytes = stride.value.0;
        if !bytes.is_power_of_two() || !(FILE..=FILE << 7).contains(&bytes) {
            let title = format!(
                "`{}` is not the distance between interrupt files",
                stride.path
            );
            problems.report(
                Diagnostic::new(Code::Misaligned, stride.at, title)
                    .label("a power of two from \"4 KiB\" to \"512 KiB\""),
            );
        }
    }

    /// Reports sources for which there is no interrupt identity.
    fn check_identities(&self, problems: &mut Problems) {
        let (Some(sources), Some(identities)) = (self.sources.get(), self.identities.get()) else {
            return;
        };
        let count = identities.value.0;
        // A file has 64 identities for each of its registers, less identity 0 (3.2).
        if !(count + 1).is_multiple_of(64) {
            let title = format!(
                "`{}` is not one less than a multiple of 64",
                identities.path
            );
            problems.report(
                Diagnostic::new(Code::BadNumber, identities.at, title)
                    .label("not the number of identities of an interrupt file")
                    .write(((count + 1) / 64 * 64 - 1).to_string()),
            );
            return;
        }
        if sources.value.0 > count {
            let title = format!(
                "`{}` is more than the identities of an interrupt file",
                sources.path
            );
            problems.report(
                Diagnostic::new(Code::BadNumber, sources.at, title)
                    .label(format!(
                        "each source needs an identity, of which there are {count}"
                    ))
                    .also(identities.at, "the identities"),
            );
        }
    }
}

impl Binding for Imsic {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(riscv::ALL)
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let files = sockets::harts(&self.further, 0).map_or(FILE, |harts| self.files_of(harts));
        for (name, _, level) in self.levels() {
            level::claim(&format!("{}.{name}", self.place.path), level, files, claims);
        }
        further::claim(self, claims);
    }

    fn expect(&self, expected: &mut Expected) {
        for (_, _, level) in self.levels() {
            let Some(level) = level.value() else {
                continue;
            };
            let key = format!("{}.files", level.place.path);
            // The size is that of the files of all harts.
            expected
                .part(&level.place, FILES)
                .registers(0, &key, &level.files, &self.stride)
                .or_less()
                .number("riscv,num-ids", &self.identities)
                .number(layout::HART_INDEX_BITS, &self.hart_index_bits);
            level::expect_domain(level, &self.sources, expected);
        }
        further::expect(self, expected);
    }

    fn check(&self, around: &Surroundings<'_>, claimed: &Claimed, problems: &mut Problems) {
        for (name, mode, level) in self.levels() {
            riscv::check_for_mode(&self.place, name, level, mode, around, problems);
        }
        self.check_stride(problems);
        self.check_identities(problems);
        further::check(self, around, problems);
        riscv::check_source_0(aplic::APLIC, &self.place, claimed, problems);
    }
}

impl Controller for Imsic {
    fn inputs(&self) -> Vec<Inputs> {
        let sources = self.sources.value().map_or(1023, |sources| sources.0);
        let own = std::iter::once(aplic::inputs(sources));
        own.chain(sockets::inputs(&self.further, aplic::inputs))
            .collect()
    }

    fn further(&self) -> Vec<Further> {
        further::list(&self.further)
    }

    fn has_all_further(&self) -> bool {
        self.further.optional().is_some()
    }

    fn missing_for_further(&self) -> Option<&'static str> {
        matches!(self.hart_index_bits, Field::Absent).then_some(indices::KEY)
    }

    fn takes_low(&self) -> bool {
        true
    }

    /// The files of harts in further groups are not at a multiple of the stride (3.6).
    fn reach(&self, devices: &[Device], mode: Entered) -> Option<u32> {
        let cause = riscv::cause_of(mode);
        let is_it =
            |files: &&Device| files.is(FILES) && files.interrupts.first() == Some(&Some(cause));
        let described = 1 + self.further.value().map_or(0, |named| named.iter().count());
        let files = devices.iter().find(is_it)?;
        let has_groups = files.number("riscv,group-index-bits").unwrap_or(0) > 0;
        if !has_groups || files.registers.len() <= described {
            return None;
        }
        layout::harts(files, described)
    }

    fn selected(&self) -> Option<Selection> {
        Some(Selection {
            option: "aia",
            values: &["aplic-imsic"],
        })
    }

    fn delivers(&self, msi: board::Msi) -> Delivery {
        match msi {
            BY_IMSIC => Delivery::Yes,
            _ => Delivery::No("interrupt files support only \"imsic\" messages"),
        }
    }
}

impl Driver for Imsic {
    const NAME: &'static str = "imsic";
    const KINDS: &'static [&'static str] = FILES;
    const SPACES: &'static [schema::Space] = aplic::SPACES;
    const MESSAGES: &'static [board::Msi] = &[BY_IMSIC];
    type Resolved = board::InterruptController;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let (sources, identities) = (self.sources.value()?.0, self.identities.value()?.0);
        let used = self.used_identities()?;
        let mut config = Vec::new();
        let mut registers = Vec::new();
        for (name, _, given) in self.levels() {
            config.push((name, level::config(given)?));
            registers.extend(level::registers(given, 0, sources, around.used)?);
        }
        let others = further::resolve(self, around.used)?;
        let mut card = format!("IMSIC, identities 1 to {used}; APLIC, sources 1 to {sources}");
        let code = if others.is_empty() {
            config.extend([
                ("stride", Value::Hexadecimal(self.stride.value()?.0)),
                ("identities", Value::Decimal(identities.into())),
                ("sources", Value::Decimal(sources.into())),
            ]);
            board::Code {
                imports: vec![
                    ("vmos_drivers::mmio", "Mmio"),
                    ("vmos_drivers::interrupt_controller::imsic", "self"),
                    ("vmos_drivers::interrupt_controller::imsic", "Imsic"),
                ],
                driver: "Imsic<Mmio, P>".to_owned(),
                config_type: "imsic::Config".to_owned(),
                config: Value::structure("imsic::Config", config),
                processor: vec!["imsic::InterruptFile"],
            }
        } else {
            let all = further::sources(self)?;
            card = format!(
                "IMSIC, identities 1 to {used}, the first {all} for the sources of {} APLICs, one \
                 for each socket",
                1 + others.len()
            );
            further::code(self, config, &others)?
        };
        let own = std::iter::once(aplic::lines(sources));
        Some(board::InterruptController {
            number: if others.is_empty() {
                "identity"
            } else {
                "number"
            },
            lines: own
                .chain(sockets::lines(&self.further, aplic::inputs))
                .collect(),
            relays: Vec::new(),
            part: board::Part {
                key: self.place.path.clone(),
                card,
                code,
                registers: registers
                    .into_iter()
                    .chain(others.into_iter().flat_map(|one| one.registers))
                    .collect(),
                entry: Vec::new(),
            },
        })
    }

    /// Interrupt files name the external interrupts of the harts for their mode; a domain names the
    /// files that it sends messages to.
    fn import(machine: &Machine<'_>, _files: &Device) -> Option<Section> {
        let modes = further::imported(machine)?;
        let mut section = Section::new("interrupt-controller.imsic");
        let mut counts = None;
        for mode in &modes {
            let (files, domain) = (mode.files, mode.domains.first()?);
            let block = draft::block(register(domain, 0)?);
            let files_at = hexadecimal(register(files, 0)?.base);
            section = section
                .line(
                    mode.name,
                    format!("{{ files = {files_at}, aplic = {block} }}"),
                )
                .with_owners(domain.base());
            counts = Some((
                layout::stride(files)?,
                files.number("riscv,num-ids")?,
                aplic::sources(domain)?,
            ));
        }
        let (stride, identities, sources) = counts?;
        let section = section
            .optional("stride", (stride > FILE).then(|| Size(stride).written()))
            .line("identities", identities)
            .line("sources", sources)
            .with_inputs(&[aplic::inputs(sources)])
            .with_messages(Some(BY_IMSIC))
            .with_option("aia=aplic-imsic");
        further::import(section, &modes)
    }
}
