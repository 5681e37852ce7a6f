//! The nested vectored interrupt controller of Arm's M profile (Arm DDI 0403, B3.4).

use super::vector_table;
use crate::board::{self, Architecture, M_PROFILE};
use crate::board::{Block, Lines, Register, Value};
use crate::diagnostic::Problems;
use crate::language::schema::{self, Kind};
use crate::language::table::table;
use crate::language::tree;
use crate::language::{Given, Number, Read, Space};
use crate::machine::device::Device;
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Controller, Delivery, Driver, Inputs, place};

table! {
    /// The nested vectored interrupt controller (NVIC) of a microcontroller. Its registers have the
    /// same addresses in all of them.
    pub struct Nvic {
        /// The number of the controller's external interrupts, which are numbered from 0.
        interrupts: ExternalInterrupts => required,
    }
}

/// The number of external interrupts, of which the vector table can have fewer than a controller
/// (DDI 0403, B3.4.1: up to 496).
#[derive(Clone, Copy, Debug)]
pub struct ExternalInterrupts(u32);

const MOST: u32 = 496;

/// The number of external interrupts whose vectors leave space for the code behind them.
const VECTORS: u32 = vector_table::MOST_INTERRUPTS;

type Sound = Number<1, VECTORS>;

impl Read for ExternalInterrupts {
    const KIND: Kind = Sound::KIND;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let count = match &given.node.value {
            tree::Value::Integer(integer) => integer.value,
            _ => None,
        };
        let has_no_vectors = (i128::from(VECTORS) + 1)..=i128::from(MOST);
        if let Some(count) = count.filter(|count| has_no_vectors.contains(count)) {
            problems.report(vector_table::too_many(count, given.node.at));
            return None;
        }
        Sound::read(given, problems).map(|count| Self(count.0))
    }
}

/// The interrupt space by which board files number the external interrupts.
const IRQ: Space = Space::new("irq");

/// The exception number of external interrupt 0 (DDI 0403, B1.5.2).
const FIRST: u32 = 16;

/// The address of the system control space (DDI 0403, B3.2).
const SYSTEM_CONTROL_SPACE: u64 = 0xE000_E000;

/// Returns the row of the external interrupts.
fn inputs(count: u32) -> Inputs {
    Inputs {
        space: IRQ,
        cell: None,
        first: FIRST,
        least: 0,
        count,
        private: None,
    }
}

impl Binding for Nvic {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(M_PROFILE)
    }

    fn expect(&self, expected: &mut Expected) {
        // A vector table without space for all interrupts has been reported as such.
        let all = |count: ExternalInterrupts| (count.0 < VECTORS).then_some(count.0 + FIRST);
        expected
            .part(&self.place, Self::KINDS)
            .model("armv7m_nvic")
            .number_or("num-irq", None, &self.interrupts, all, |all| {
                all.saturating_sub(FIRST).min(VECTORS).to_string()
            });
    }
}

impl Controller for Nvic {
    fn inputs(&self) -> Vec<Inputs> {
        vec![inputs(
            self.interrupts.value().map_or(MOST, |count| count.0),
        )]
    }

    fn delivers(&self, _msi: board::Msi) -> Delivery {
        Delivery::No("an NVIC does not support messages")
    }
}

impl Driver for Nvic {
    const NAME: &'static str = "nvic";
    const KINDS: &'static [&'static str] = &["arm,armv7m-nvic", "arm,armv6m-nvic"];
    const MODELS: &'static [&'static str] = &["armv7m_nvic"];
    const SPACES: &'static [schema::Space] = &[schema::Space {
        word: IRQ.word(),
        doc: "An external interrupt of an NVIC: 0 is exception 16.",
        first: FIRST,
        count: MOST,
    }];
    type Resolved = board::InterruptController;

    fn import(_machine: &Machine<'_>, nvic: &Device) -> Option<Section> {
        let section = Section::new("interrupt-controller.nvic");
        // QEMU's model counts the exceptions of the processor too.
        let external = nvic
            .number("num-irq")
            .and_then(|all| all.checked_sub(FIRST));
        let Some(external) = external.filter(|count| *count > 0) else {
            return Some(section.todo(
                "interrupts",
                "32",
                "the number of external interrupts: see the interrupt map in the manual",
            ));
        };
        let interrupts = external.min(VECTORS);
        let section = section.line("interrupts", interrupts);
        let section = match interrupts < external {
            true => section.beside(format!(
                "of {external}: the vector table has no space for more"
            )),
            false => section,
        };
        Some(section.with_inputs(&[inputs(interrupts)]))
    }

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let interrupts = self.interrupts.value()?.0;
        Some(board::InterruptController {
            number: "exception",
            lines: vec![Lines {
                word: "IRQ",
                first: FIRST,
                count: interrupts,
            }],
            relays: Vec::new(),
            part: board::Part {
                key: self.place.path.clone(),
                card: format!("NVIC, {interrupts} external interrupts"),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::mmio", "Mmio"),
                        ("vmos_drivers::interrupt_controller::nvic", "self"),
                        ("vmos_drivers::interrupt_controller::nvic", "Nvic"),
                    ],
                    driver: "Nvic<Mmio>".to_owned(),
                    config_type: "nvic::Config".to_owned(),
                    config: Value::structure(
                        "nvic::Config",
                        vec![("external_interrupts", Value::Decimal(interrupts.into()))],
                    ),
                    processor: Vec::new(),
                },
                registers: vec![Block {
                    key: self.place.path.clone(),
                    base: SYSTEM_CONTROL_SPACE,
                    registers: names(around.used),
                }],
                entry: vec![("interrupts", interrupts.into())],
            },
        })
    }
}

/// The registers by name, for a debugger (DDI 0403, B3.2.2): those of the processor's exceptions,
/// and the words of the NVIC with interrupts that the board uses.
fn names(used: &[board::Claim<board::Interrupt>]) -> Vec<Register> {
    let own = [
        ("ICSR", 0xD04),
        ("VTOR", 0xD08),
        ("AIRCR", 0xD0C),
        ("SHCSR", 0xD24),
        ("CFSR", 0xD28),
        ("HFSR", 0xD2C),
        ("MMFAR", 0xD34),
        ("BFAR", 0xD38),
        ("MPU_CTRL", 0xD94),
    ];
    let mut registers: Vec<Register> = own
        .into_iter()
        .map(|(name, offset)| (name.to_owned(), offset, 4))
        .collect();
    let lines = used
        .iter()
        .flat_map(|claim| claim.what.number..claim.what.number + claim.what.count);
    let mut words: Vec<u32> = lines
        .filter_map(|number| Some(number.checked_sub(FIRST)? / u32::BITS))
        .collect();
    words.dedup();
    for word in words {
        let offset = 4 * u64::from(word);
        registers.push((format!("ISER{word}"), 0x100 + offset, 4));
        registers.push((format!("ISPR{word}"), 0x200 + offset, 4));
    }
    registers
}
