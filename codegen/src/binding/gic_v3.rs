//! The Arm Generic Interrupt Controller, version 3 and 4 (Arm IHI 0069).

use super::block::{self, block};
use super::gic_v2::{self, BY_V2M, V2m};
use crate::board::{self, Architecture};
use crate::board::{Block, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::schema;
use crate::language::table::table;
use crate::language::{Address, Field, Size};
use crate::machine::device::Device;
use crate::part::claims::{Claimed, Claims, Rule};
use crate::part::draft::{self, Machine, register};
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Controller, Delivery, Driver, Inputs, Selection, place};

table! {
    /// The Arm Generic Interrupt Controller, version 3 and 4.
    pub struct GicV3 {
        /// The distributor, GICD.
        distributor: Distributor => required,
        /// The redistributors, GICR, consecutive in memory.
        redistributors: Redistributors => required,
        /// The interrupt translation service (ITS), which converts messages to interrupts. Without
        /// it, there is none.
        its: Its => optional,
        /// A GICv2m frame, which converts messages to interrupts in a machine without an ITS.
        v2m: V2m => optional,
    }
}

block! {
    /// The distributor (IHI 0069, 12.8).
    pub struct Distributor: "a GICv3's distributor", "64 KiB", 0x1_0000, 0x1_0000
}

block! {
    /// The interrupt translation service: GITS_CTLR's frame and GITS_TRANSLATER's (IHI 0069,
    /// 12.18). Its frames have 64 KiB each, but machines place them at any page.
    pub struct Its: "an ITS", "128 KiB", 0x1000, 0x2_0000
}

table! {
    /// The redistributors, one for each processor.
    pub struct Redistributors {
        /// The address of the first redistributor.
        base: Address => required,
        /// The size of the whole range, a multiple of 128 KiB. What is left behind the last whole
        /// stride is not used.
        size: Size => required,
        /// The distance between redistributors: 128 KiB, or 256 KiB in a GICv4.
        stride: Size => default("128 KiB"),
    }
}

/// Its messages.
const BY_ITS: board::Msi = board::Msi {
    word: "its",
    doc: "the interrupt translation service of a GICv3",
    described: "by the ITS",
};

/// RD_base and SGI_base, 64 KiB each (IHI 0069, 12.10).
const REDISTRIBUTOR: u64 = 0x2_0000;

impl Redistributors {
    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule::registers("a GICv3's redistributors", 0x1_0000, REDISTRIBUTOR);
        claims.device(&self.place, &self.base, &self.size, rule);
    }

    /// Returns how many redistributors fit into the range.
    fn count(&self) -> Option<u32> {
        let (size, stride) = (self.size.value()?.0, self.stride.value()?.0);
        u32::try_from(size.checked_div(stride)?).ok()
    }

    fn check(&self, problems: &mut Problems) {
        let (Some(size), Some(stride)) = (self.size.get(), self.stride.get()) else {
            return;
        };
        if stride.value.0 != REDISTRIBUTOR && stride.value.0 != 2 * REDISTRIBUTOR {
            let title = format!("`{}` is not the size of a redistributor", stride.path);
            problems.report(
                Diagnostic::new(Code::BlockTooSmall, stride.at, title)
                    .label("a GICv3 has \"128 KiB\", a GICv4 \"256 KiB\""),
            );
        } else if size.value.0 < stride.value.0 {
            // A size that is less than the smallest stride has been reported with the range.
            if size.value.0 >= REDISTRIBUTOR {
                let title = format!("`{}` has no room for a redistributor", size.path);
                problems.report(
                    Diagnostic::new(Code::BlockTooSmall, size.at, title)
                        .label(format!("the stride is {}", stride.value.written())),
                );
            }
        } else if !size.value.0.is_multiple_of(REDISTRIBUTOR) {
            // One that is not a multiple of a page has been reported with the range.
            if size.value.0.is_multiple_of(0x1_0000) {
                let title = format!("`{}` is not a multiple of 128 KiB", size.path);
                problems.report(
                    Diagnostic::new(Code::Misaligned, size.at, title)
                        .label("a redistributor has at least two frames of 64 KiB"),
                );
            }
        }
    }
}

impl Binding for GicV3 {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::Aarch64, Architecture::Arm])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        block::claim(&self.place, "distributor", &self.distributor, claims);
        match self.redistributors.value() {
            Some(redistributors) => redistributors.claim(claims),
            None => claims.drop_claim(&format!("{}.redistributors", self.place.path)),
        }
        block::claim(&self.place, "its", &self.its, claims);
        block::claim(&self.place, "v2m", &self.v2m, claims);
    }

    fn expect(&self, expected: &mut Expected) {
        let gic = expected.part(&self.place, Self::KINDS);
        gic.model("arm-gicv3");
        block::expect(gic, 0, "distributor", &self.distributor);
        if let Some(redistributors) = self.redistributors.value() {
            let (base, size) = (&redistributors.base, &redistributors.size);
            gic.registers(1, &redistributors.place.path, base, size);
        }
        if let Some(its) = self.its.value() {
            let part = expected.part(&its.place, ITS);
            part.model("arm-gicv3-its")
                .registers(0, &its.place.path, &its.base, &its.size);
        }
        gic_v2::expect_frame(&self.v2m, expected);
    }

    fn check(&self, _around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        if let Some(redistributors) = self.redistributors.value() {
            redistributors.check(problems);
        }
    }
}

impl Controller for GicV3 {
    /// The number spaces of private and shared peripheral interrupts, the same as in a GICv2 (IHI
    /// 0069, 2.2).
    fn inputs(&self) -> Vec<Inputs> {
        gic_v2::INPUTS.to_vec()
    }

    fn selected(&self) -> Option<Selection> {
        Some(Selection {
            option: "gic-version",
            values: &["3", "4", "max", "host"],
        })
    }

    fn delivers(&self, msi: board::Msi) -> Delivery {
        match (msi, &self.its, &self.v2m) {
            (BY_ITS, Field::Given(_), Field::Absent) | (BY_V2M, Field::Absent, Field::Given(_)) => {
                Delivery::Yes
            }
            (BY_ITS, Field::Absent, _) => Delivery::No("it has no `its`"),
            (BY_V2M, _, Field::Absent) => Delivery::No("it has no `v2m`"),
            (BY_ITS | BY_V2M, Field::Given(_), Field::Given(_)) => {
                Delivery::No("it has `its` and `v2m`: leave out what receives no messages")
            }
            (BY_ITS | BY_V2M, ..) => Delivery::Unknown,
            _ => Delivery::No("a GICv3 supports only \"its\" and \"v2m\" messages"),
        }
    }
}

impl Driver for GicV3 {
    const NAME: &'static str = "gic-v3";
    const KINDS: &'static [&'static str] = &["arm,gic-v3"];
    const MODELS: &'static [&'static str] = &["arm-gicv3"];
    const SPACES: &'static [schema::Space] = gic_v2::SPACES;
    const MESSAGES: &'static [board::Msi] = &[BY_V2M, BY_ITS];
    type Resolved = board::InterruptController;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let redistributors = self.redistributors.value()?;
        let distributor = block::range(self.distributor.value()?)?;
        let (first, stride) = (
            redistributors.base.value()?.0,
            redistributors.stride.value()?.0,
        );
        let count = redistributors.count()?;
        let its = block::optional_range(&self.its)?;
        let v2m = block::optional_range(&self.v2m)?;
        let frames = board::Range {
            base: first,
            size: redistributors.size.value()?.0,
        };
        let rows = vec![
            ("base", Value::Base(frames)),
            ("stride", Value::Hexadecimal(stride)),
            ("count", Value::Decimal(count.into())),
        ];
        let config = vec![
            ("distributor", Value::Range(distributor)),
            (
                "redistributors",
                Value::structure("gic_v3::Redistributors", rows),
            ),
            ("its", Value::optional(its.map(Value::Range))),
            ("v2m", Value::optional(v2m.map(Value::Range))),
        ];
        let path = &self.place.path;
        let service = its.map(|its| Block::fixed(&format!("{path}.its"), its.base, GITS));
        let registers = [
            Block::fixed(
                &format!("{path}.distributor"),
                distributor.base,
                gic_v2::GICD,
            ),
            Block::fixed(&format!("{path}.redistributors"), first, GICR),
        ];
        Some(board::InterruptController {
            number: "INTID",
            lines: gic_v2::lines(),
            relays: Vec::new(),
            part: board::Part {
                key: path.clone(),
                card: match (its, v2m) {
                    (None, None) => "GICv3".to_owned(),
                    (Some(_), _) => "GICv3, messages through its ITS".to_owned(),
                    (None, Some(_)) => "GICv3, messages through a v2m frame".to_owned(),
                },
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::mmio", "Mmio"),
                        ("vmos_drivers::interrupt_controller::gic_v3", "self"),
                        ("vmos_drivers::interrupt_controller::gic_v3", "GicV3"),
                    ],
                    driver: "GicV3<Mmio, P>".to_owned(),
                    config_type: "gic_v3::Config".to_owned(),
                    config: Value::structure("gic_v3::Config", config),
                    processor: vec!["gic_v3::CpuInterface"],
                },
                registers: registers.into_iter().chain(service).collect(),
                entry: vec![
                    ("version", 3),
                    ("distributor", distributor.base),
                    ("redistributors", first),
                    ("stride", stride),
                ],
            },
        })
    }

    fn import(machine: &Machine<'_>, gic: &Device) -> Option<Section> {
        let range = register(gic, 1)?;
        let redistributors = draft::block(range);
        // What answers is as large as the redistributors of all processors, of which QEMU has one.
        let given = gic.number("redistributor-stride").map(u64::from);
        let seen = machine.answering(range).size;
        let is_wide = seen == 2 * REDISTRIBUTOR && machine.has_one_processor();
        let usual = if is_wide {
            2 * REDISTRIBUTOR
        } else {
            REDISTRIBUTOR
        };
        let stride = Size(given.unwrap_or(usual)).written();
        let section = Section::new("interrupt-controller.gic-v3")
            .line("distributor", draft::block(register(gic, 0)?))
            .line(
                "redistributors",
                format!(
                    "{}, stride = {stride} }}",
                    redistributors.trim_end_matches(" }")
                ),
            );
        let section = match machine
            .receiver_of_messages(ITS)
            .and_then(|its| register(its, 0))
        {
            Some(its) => section
                .line("its", draft::block(its))
                .with_messages(Some(BY_ITS)),
            None => gic_v2::with_frame(machine, section),
        };
        Some(
            section
                .with_owners(gic.base())
                .with_inputs(gic_v2::INPUTS)
                .with_option("gic-version=3"),
        )
    }
}

/// The `compatible` string of an ITS.
const ITS: &[&str] = &["arm,gic-v3-its"];

/// The registers in both frames of the first redistributor (IHI 0069, 12.10).
const GICR: &[(&str, u64, u8)] = &[
    ("GICR_CTLR", 0x0_0000, 4),
    ("GICR_TYPER", 0x0_0008, 8),
    ("GICR_WAKER", 0x0_0014, 4),
    ("GICR_ISENABLER0", 0x1_0100, 4),
    ("GICR_ISPENDR0", 0x1_0200, 4),
    ("GICR_ISACTIVER0", 0x1_0300, 4),
];

/// The registers of the interrupt translation service (IHI 0069, 12.19).
const GITS: &[(&str, u64, u8)] = &[
    ("GITS_CTLR", 0x000, 4),
    ("GITS_TYPER", 0x008, 8),
    ("GITS_CBASER", 0x080, 8),
    ("GITS_CWRITER", 0x088, 8),
    ("GITS_CREADR", 0x090, 8),
    ("GITS_BASER0", 0x100, 8),
    ("GITS_BASER1", 0x108, 8),
];
