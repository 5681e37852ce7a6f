//! The Arm Generic Interrupt Controller, version 2 (Arm IHI 0048).

use super::block::{self, Block as _, block};
use crate::board::{self, Architecture};
use crate::board::{Block, Lines, Value};
use crate::language::schema;
use crate::language::table::table;
use crate::language::{Field, Space};
use crate::machine::device::Device;
use crate::part::claims::{Claims, Rule};
use crate::part::draft::{self, Machine, register};
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Controller, Delivery, Driver, Inputs, Selection, place};

table! {
    /// The Arm Generic Interrupt Controller, version 2.
    pub struct GicV2 {
        /// The distributor, GICD.
        distributor: Distributor => required,
        /// The CPU interface, GICC.
        cpu_interface: CpuInterface => required,
        /// The GICv2m frame, which converts messages to interrupts. Without it, there is none.
        v2m: V2m => optional,
    }
}

/// The delivery of messages by a GICv2m frame.
pub(super) const BY_V2M: board::Msi = board::Msi {
    word: "v2m",
    doc: "a GICv2m frame",
    described: "by the v2m frame",
};

block! {
    /// The distributor (IHI 0048, 4.1.2).
    pub struct Distributor: "a GICv2's distributor", "4 KiB", 0x1000, 0x1000
}

block! {
    /// The CPU interface; GICC_DIR is in its second page (IHI 0048, 4.1.3). That of a Cortex-A9 MPCore
    /// has 256 bytes.
    pub struct CpuInterface: "a GICv2's CPU interface", "8 KiB", 0x1000, 0x2000
}

/// The CPU interface of a Cortex-A9 MPCore and of other parts of architecture version 1, in bytes:
/// it has no GICC_DIR, and may be anywhere on a grid of its size (Arm DDI 0407, table 1-3).
const VERSION_1: u64 = 0x100;

impl CpuInterface {
    /// Returns the rule for an interface of the size that the description gives it.
    fn rule(&self) -> Rule {
        match self.size.value() {
            Some(size) if size.0 == VERSION_1 => Rule {
                base: VERSION_1,
                size: VERSION_1,
                least: VERSION_1,
                ..Self::RULE
            },
            _ => Self::RULE,
        }
    }
}

block! {
    /// A GICv2m frame. Its register MSI_TYPER contains the numbers of its interrupts.
    pub struct V2m: "a GICv2m frame", "4 KiB", 0x1000, 0x1000
}

/// IHI 0048, 2.2.1: INTIDs 16 to 31 are private peripheral interrupts, 32 to 1019 shared ones.
pub(super) const INPUTS: &[Inputs] = &[
    Inputs {
        space: Space::new("ppi"),
        cell: Some(1),
        first: 16,
        least: 0,
        count: 16,
        private: Some(true),
    },
    Inputs {
        space: Space::new("spi"),
        cell: Some(0),
        first: 32,
        least: 0,
        count: 988,
        private: Some(false),
    },
];

/// The interrupt spaces in which board files number the inputs of a GIC.
pub(super) const SPACES: &[schema::Space] = &[
    schema::Space {
        word: "spi",
        doc: "A shared peripheral interrupt of a GIC: 0 is INTID 32.",
        first: 32,
        count: 988,
    },
    schema::Space {
        word: "ppi",
        doc: "A private peripheral interrupt of a GIC, one for each processor: 0 is INTID 16.",
        first: 16,
        count: 16,
    },
];

/// The interrupt types and their numbering in the GIC's manual (IHI 0048, 2.2.1).
pub(super) fn lines() -> Vec<Lines> {
    let row = |word, first, count| Lines { word, first, count };
    vec![
        row("SGI", 0, 16),
        row("PPI", 16, 16),
        row("SPI", 32, 988),
        row("LPI", 1020, 0),
    ]
}

impl Binding for GicV2 {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::Aarch64, Architecture::Arm])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        block::claim(&self.place, "distributor", &self.distributor, claims);
        let interface = &self.cpu_interface;
        let rule = interface
            .value()
            .map_or(CpuInterface::RULE, CpuInterface::rule);
        block::claim_by(rule, &self.place, "cpu-interface", interface, claims);
        block::claim(&self.place, "v2m", &self.v2m, claims);
    }

    fn expect(&self, expected: &mut Expected) {
        let gic = expected.part(&self.place, Self::KINDS);
        gic.model("arm_gic");
        block::expect(gic, 0, "distributor", &self.distributor);
        block::expect(gic, 1, "cpu-interface", &self.cpu_interface);
        expect_frame(&self.v2m, expected);
    }
}

/// States a GICv2m frame, if there is one.
pub(super) fn expect_frame(v2m: &Field<V2m>, expected: &mut Expected) {
    if let Some(v2m) = v2m.value() {
        expected
            .part(&v2m.place, V2M_FRAME)
            .model("arm-gicv2m")
            .registers(0, &v2m.place.path, &v2m.base, &v2m.size);
    }
}

impl Controller for GicV2 {
    fn inputs(&self) -> Vec<Inputs> {
        INPUTS.to_vec()
    }

    fn selected(&self) -> Option<Selection> {
        Some(Selection {
            option: "gic-version",
            values: &["2"],
        })
    }

    fn delivers(&self, msi: board::Msi) -> Delivery {
        match (msi, &self.v2m) {
            (BY_V2M, Field::Given(_)) => Delivery::Yes,
            (BY_V2M, Field::Absent) => Delivery::No("it has no `v2m`"),
            (BY_V2M, Field::Bad) => Delivery::Unknown,
            (_, _) => Delivery::No("a GICv2 supports only \"v2m\" messages"),
        }
    }
}

impl Driver for GicV2 {
    const NAME: &'static str = "gic-v2";
    /// The `compatible` strings of a GICv2: QEMU's first, then those of other machines (Linux,
    /// bindings/interrupt-controller/arm,gic.yaml).
    const KINDS: &'static [&'static str] = &[
        "arm,cortex-a15-gic",
        "arm,gic-400",
        "arm,cortex-a9-gic",
        "arm,cortex-a7-gic",
    ];
    const MODELS: &'static [&'static str] = &["arm_gic"];
    const SPACES: &'static [schema::Space] = SPACES;
    const MESSAGES: &'static [board::Msi] = &[BY_V2M];
    type Resolved = board::InterruptController;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let distributor = block::range(self.distributor.value()?)?;
        let cpu_interface = block::range(self.cpu_interface.value()?)?;
        let v2m = block::optional_range(&self.v2m)?;
        let path = &self.place.path;
        let frame = v2m.map(|v2m| Block::fixed(&format!("{path}.v2m"), v2m.base, V2M));
        let registers = [
            Block::fixed(&format!("{path}.distributor"), distributor.base, GICD),
            Block::fixed(&format!("{path}.cpu-interface"), cpu_interface.base, GICC),
        ];
        let config = vec![
            ("distributor", Value::Range(distributor)),
            ("cpu_interface", Value::Range(cpu_interface)),
            ("v2m", Value::optional(v2m.map(Value::Range))),
        ];
        Some(board::InterruptController {
            number: "INTID",
            lines: lines(),
            relays: Vec::new(),
            part: board::Part {
                key: path.clone(),
                card: match v2m {
                    None => "GICv2".to_owned(),
                    Some(_) => "GICv2, messages through its v2m frame".to_owned(),
                },
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::mmio", "Mmio"),
                        ("vmos_drivers::interrupt_controller::gic_v2", "self"),
                        ("vmos_drivers::interrupt_controller::gic_v2", "GicV2"),
                    ],
                    driver: "GicV2<Mmio>".to_owned(),
                    config_type: "gic_v2::Config".to_owned(),
                    config: Value::structure("gic_v2::Config", config),
                    processor: Vec::new(),
                },
                registers: registers.into_iter().chain(frame).collect(),
                entry: vec![
                    ("version", 2),
                    ("distributor", distributor.base),
                    ("cpu_interface", cpu_interface.base),
                ],
            },
        })
    }

    fn import(machine: &Machine<'_>, gic: &Device) -> Option<Section> {
        let answering = |nth| register(gic, nth).map(|range| machine.answering(range));
        let section = Section::new("interrupt-controller.gic-v2")
            .line("distributor", draft::block(answering(0)?))
            .line("cpu-interface", draft::block(answering(1)?));
        Some(
            with_frame(machine, section)
                .with_owners(gic.base())
                .with_inputs(INPUTS)
                .with_option("gic-version=2"),
        )
    }
}

/// Adds the GICv2m frame that receives the messages of PCI functions, if the machine has one, and
/// states that the controller delivers messages by it. One frame is enough for all functions.
pub(super) fn with_frame(machine: &Machine<'_>, section: Section) -> Section {
    let Some(frame) = machine.receiver_of_messages(V2M_FRAME) else {
        return section;
    };
    let Some(registers) = register(frame, 0) else {
        return section;
    };
    let block = draft::block(registers);
    match OVERRIDES.iter().find(|name| frame.number(name).is_some()) {
        None => section
            .line("v2m", block)
            .with_messages(Some(BY_V2M)),
        Some(name) => section.todo(
            "v2m",
            &block,
            &format!(
                "its node states the interrupts in `{name}`; the driver reads them from MSI_TYPER. If \
                 the manual says that this register is right, write `v2m` and `msi = \"v2m\"` of PCI; \
                 otherwise remove this line"
            ),
        ),
    }
}

/// Properties by which a node overrides the register MSI_TYPER of a frame (Linux,
/// bindings/interrupt-controller/arm,gic.yaml).
const OVERRIDES: &[&str] = &["arm,msi-base-spi", "arm,msi-num-spis"];

/// The `compatible` string of a GICv2m frame.
const V2M_FRAME: &[&str] = &["arm,gic-v2m-frame"];

/// The registers of the distributor (IHI 0048, 4.1.2; IHI 0069, 12.9).
pub(super) const GICD: &[(&str, u64, u8)] = &[
    ("GICD_CTLR", 0x000, 4),
    ("GICD_TYPER", 0x004, 4),
    ("GICD_IIDR", 0x008, 4),
    ("GICD_ISENABLER0", 0x100, 4),
    ("GICD_ISENABLER1", 0x104, 4),
    ("GICD_ISENABLER2", 0x108, 4),
    ("GICD_ISPENDR0", 0x200, 4),
    ("GICD_ISPENDR1", 0x204, 4),
    ("GICD_ISPENDR2", 0x208, 4),
    ("GICD_ISACTIVER0", 0x300, 4),
    ("GICD_ISACTIVER1", 0x304, 4),
];

/// The registers of the CPU interface (IHI 0048, 4.1.3), without GICC_IAR, because reading it
/// claims an interrupt.
const GICC: &[(&str, u64, u8)] = &[
    ("GICC_CTLR", 0x000, 4),
    ("GICC_PMR", 0x004, 4),
    ("GICC_BPR", 0x008, 4),
    ("GICC_RPR", 0x014, 4),
    ("GICC_HPPIR", 0x018, 4),
];

/// The registers of a GICv2m frame (Arm Server Base System Architecture, appendix E).
pub(super) const V2M: &[(&str, u64, u8)] = &[("MSI_TYPER", 0x008, 4), ("MSI_IIDR", 0xFCC, 4)];
