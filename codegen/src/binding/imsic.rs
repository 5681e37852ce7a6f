//! The incoming MSI controllers of RISC-V harts, with an APLIC that sends them the interrupts of
//! lines (The RISC-V Advanced Interrupt Architecture 1.0, chapter 3 and section 4.9).

use super::aplic;
use super::block::{self, block};
use super::riscv;
use crate::board::{self, Architecture, Block, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{Address, Field, Number, Size, hexadecimal, schema};
use crate::machine::device::Device;
use crate::part::claims::{Claimed, Claims, Extent, Rule};
use crate::part::draft::{self, Machine, register};
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Controller, Delivery, Driver, Entered, Inputs, Selection, place};

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
    }
}

table! {
    /// The registers that deliver in a privilege mode.
    pub struct Level {
        /// The address of the interrupt file of hart 0. Those of the other harts follow.
        files: Address => required,
        /// The registers of the domain of the APLIC.
        aplic: Domain => required,
    }
}

block! {
    /// The registers of a domain of an APLIC that sends messages (4.5).
    pub struct Domain: "an APLIC's domain", "32 KiB", 0x1000, 0x4000
}

/// The `compatible` string of the interrupt files of a privilege mode.
const FILES: &[&str] = &["riscv,imsics"];

/// The size of an interrupt file (3.5).
const FILE: u64 = 0x1000;

/// Its messages.
const BY_IMSIC: board::Msi = board::Msi {
    word: "imsic",
    doc: "the interrupt files of RISC-V harts",
    described: "by the harts' interrupt files",
};

impl Imsic {
    fn levels(&self) -> [(&'static str, Entered, &Field<Level>); 2] {
        [
            ("machine", Entered::Machine, &self.machine),
            ("supervisor", Entered::Supervisor, &self.supervisor),
        ]
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

/// Returns the number of harts of the first group of interrupt files, if there are further groups.
fn harts_of_group(files: &Device) -> Option<u32> {
    let groups = files.number("riscv,group-index-bits").unwrap_or(0);
    let bits = files.number("riscv,hart-index-bits");
    // Without the property, the bits that all harts need (Linux, riscv,imsics.yaml).
    let bits = bits.unwrap_or_else(|| files.interrupts.len().max(1).next_power_of_two().ilog2());
    (groups > 0).then(|| 1_u32.checked_shl(bits).unwrap_or(u32::MAX))
}

impl Binding for Imsic {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(riscv::ALL)
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule::registers("an interrupt file", FILE, FILE);
        for (name, _, level) in self.levels() {
            let path = format!("{}.{name}", self.place.path);
            match level {
                Field::Given(given) => {
                    let (files, place) = (&given.value.files, &given.value.place);
                    let size = files.get().map(|files| Extent {
                        bytes: FILE,
                        at: files.at,
                    });
                    claims.range(&format!("{path}.files"), files, size, rule);
                    block::claim(place, "aplic", &given.value.aplic, claims);
                }
                Field::Absent => {}
                Field::Bad => claims.drop_claim(&path),
            }
        }
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
                .number("riscv,num-ids", &self.identities);
            if let Some(domain) = level.aplic.value() {
                expected
                    .part(&domain.place, aplic::DOMAIN)
                    .registers(0, &domain.place.path, &domain.base, &domain.size)
                    .sources("riscv,num-sources", &self.sources);
            }
        }
    }

    fn check(&self, around: &Surroundings<'_>, claimed: &Claimed, problems: &mut Problems) {
        for (name, mode, level) in self.levels() {
            riscv::check_for_mode(&self.place, name, level, mode, around, problems);
        }
        self.check_stride(problems);
        self.check_identities(problems);
        riscv::check_source_0(aplic::APLIC, &self.place, claimed, problems);
    }
}

impl Controller for Imsic {
    fn inputs(&self) -> Vec<Inputs> {
        let sources = self.sources.value().map_or(1023, |sources| sources.0);
        vec![aplic::inputs(sources)]
    }

    fn takes_low(&self) -> bool {
        true
    }

    /// The files of harts in further groups are not at a multiple of the stride (3.6).
    fn reach(&self, devices: &[Device], mode: Entered) -> Option<u32> {
        let cause = riscv::cause_of(mode);
        let is_it =
            |files: &&Device| files.is(FILES) && files.interrupts.first() == Some(&Some(cause));
        harts_of_group(devices.iter().find(is_it)?)
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
        let mut config = Vec::new();
        let mut registers = Vec::new();
        for (name, _, level) in self.levels() {
            let Some(level) = level.optional()? else {
                config.push((name, Value::optional(None)));
                continue;
            };
            let domain = block::range(level.value.aplic.value()?)?;
            let fields = vec![
                ("files", Value::Address(level.value.files.value()?.0)),
                ("aplic", Value::Range(domain)),
            ];
            let fields = Value::structure("imsic::Level", fields);
            config.push((name, Value::optional(Some(fields))));
            registers.push(Block {
                key: format!("{}.{name}.aplic", self.place.path),
                base: domain.base,
                registers: aplic::domain_registers(around.used, sources),
            });
        }
        config.extend([
            ("stride", Value::Hexadecimal(self.stride.value()?.0)),
            ("identities", Value::Decimal(identities.into())),
            ("sources", Value::Decimal(sources.into())),
        ]);
        Some(board::InterruptController {
            number: "identity",
            lines: vec![aplic::lines(sources)],
            part: board::Part {
                key: self.place.path.clone(),
                card: format!("IMSIC, identities 1 to {identities}; APLIC, sources 1 to {sources}"),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::mmio", "Mmio"),
                        ("vmos_drivers::interrupt_controller::imsic", "self"),
                        ("vmos_drivers::interrupt_controller::imsic", "Imsic"),
                    ],
                    driver: "Imsic<Mmio, P>".to_owned(),
                    config_type: "imsic::Config".to_owned(),
                    config: Value::structure("imsic::Config", config),
                    processor: vec!["imsic::InterruptFile"],
                },
                registers,
                entry: Vec::new(),
            },
        })
    }

    /// Interrupt files name the external interrupts of the harts for their mode; a domain names the
    /// files that it sends messages to.
    fn import(machine: &Machine<'_>, _files: &Device) -> Option<Section> {
        let (all, domains) = (machine.all(FILES), machine.all(aplic::DOMAIN));
        let mut section = Section::new("interrupt-controller.imsic");
        let mut counts = None;
        for (name, cause) in riscv::modes_of(machine) {
            let is_it = |files: &&&Device| files.interrupts.first() == Some(&Some(cause));
            let files = all.iter().find(is_it)?;
            let handle = files.number("phandle")?;
            let sends = |domain: &&&Device| domain.number("msi-parent") == Some(handle);
            let domain = domains.iter().find(sends)?;
            let block = draft::block(register(domain, 0)?);
            let files_at = hexadecimal(register(files, 0)?.base);
            section = section
                .line(name, format!("{{ files = {files_at}, aplic = {block} }}"))
                .with_owners(domain.base());
            let guests = files.number("riscv,guest-index-bits").unwrap_or(0);
            counts = Some((
                guests,
                files.number("riscv,num-ids")?,
                aplic::sources(domain)?,
            ));
        }
        let (guests, identities, sources) = counts?;
        let stride = FILE.checked_shl(guests).filter(|_| guests > 0);
        Some(
            section
                .optional("stride", stride.map(|stride| Size(stride).written()))
                .line("identities", identities)
                .line("sources", sources)
                .with_inputs(&[aplic::inputs(sources)])
                .with_messages(Some(BY_IMSIC))
                .with_option("aia=aplic-imsic"),
        )
    }
}
