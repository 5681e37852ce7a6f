//! What firmware's own tables should say of a board: for the kernel, which looks when it starts.
//!
//! It is what the bindings [expect](crate::binding::Binding::expect) of the machine, as far as a
//! device tree or the tables of ACPI tell it: whatever `cargo xtask verify` compares on the host, the kernel compares
//! where it runs.

use crate::board::{Architecture, Range, Trigger};
use crate::description::{Description, Interrupt, Space};
use crate::machine::device::WindowKind;
use crate::machine::expect::{self, Expected, Part};

/// One row of the table; each is explained at `vmos_drivers::attestation::Fact`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the fields of the kernel's type")]
pub enum Fact {
    /// The first cell of an interrupt says which row of inputs it is in.
    Inputs {
        space: &'static str,
        cell: Option<u32>,
        first: u32,
    },
    /// What follows is about the part of this key.
    Part {
        key: String,
        compatible: &'static str,
    },
    /// The same for a node that is known by a property that it has.
    Holder { key: String, property: &'static str },
    /// Another name of the part's kind.
    Or { compatible: &'static str },
    /// Where an entry of `reg` is.
    Registers {
        key: String,
        index: usize,
        range: Range,
    },
    /// What an entry of `interrupts` says.
    Interrupt {
        key: String,
        index: usize,
        number: u32,
    },
    /// A frequency.
    Frequency {
        key: String,
        property: &'static str,
        hertz: u64,
    },
    /// A node for each slot of a row.
    Slots {
        base: u64,
        stride: u64,
        count: u32,
        interrupt: u32,
    },
    /// A window of a PCI host bridge.
    Window {
        key: String,
        space: u32,
        range: Range,
    },
    /// What pin INTA of slot 0 raises.
    Intx { key: String, number: u32 },
    /// What a property says.
    Text {
        key: String,
        property: &'static str,
        text: &'static str,
    },
    /// Where the local APIC is.
    LocalApic { key: String, range: Range },
    /// Where an I/O APIC is, and its first input.
    IoApic {
        key: String,
        range: Range,
        first: u32,
    },
    /// Where configuration space is.
    Ecam { key: String, range: Range },
    /// Where the power management timer is.
    PowerTimer { key: String, port: u16 },
}

/// Everything that is to be found in the tables, part by part.
pub(crate) fn facts(description: &Description) -> Vec<Fact> {
    let mut parts = Vec::new();
    let board = description.board.value();
    let architecture = board.and_then(|board| board.architecture.value());
    if architecture == Some(&Architecture::X86_64) {
        let expected = Expected::of(description);
        return expected.parts.iter().filter_map(acpi).collect();
    }
    for part in &Expected::of(description).parts {
        let (about, elsewhere) = rows(part, description);
        parts.extend(about);
        parts.extend(elsewhere);
    }
    if parts.is_empty() {
        return parts;
    }
    let mut facts = inputs(description);
    facts.extend(parts);
    facts
}

/// The rows of inputs that the interrupt controller has.
fn inputs(description: &Description) -> Vec<Fact> {
    let Some(controller) = description.controller() else {
        return Vec::new();
    };
    let rows = controller.binding().inputs();
    rows.iter()
        .map(|inputs| Fact::Inputs {
            space: inputs.space.word(),
            cell: cell(inputs.space),
            first: inputs.first,
        })
        .collect()
}

/// What the first cell of an interrupt holds for a space, where there is such a cell: for Arm's
/// controllers by the binding `arm,gic.yaml`.
fn cell(space: Space) -> Option<u32> {
    match space {
        Space::Spi => Some(0),
        Space::Ppi => Some(1),
        _ => None,
    }
}

/// What is said of a part: in its own node, and in another one.
fn rows(part: &Part, description: &Description) -> (Vec<Fact>, Vec<Fact>) {
    let Rows {
        mut about,
        elsewhere,
    } = Rows::of(part, description);
    // A part with nothing to compare is not looked for.
    if let Some((first, others)) = part.compatible.split_first()
        && !about.is_empty()
    {
        let key = part.path().to_owned();
        let others = others.iter().map(|compatible| Fact::Or { compatible });
        let kinds = [Fact::Part {
            key,
            compatible: first,
        }];
        about.splice(0..0, kinds.into_iter().chain(others));
    } else {
        about.clear();
    }
    (about, elsewhere)
}

/// What is said of a part.
#[derive(Default)]
struct Rows {
    /// In its own node.
    about: Vec<Fact>,
    /// In the node of the processors.
    elsewhere: Vec<Fact>,
}

impl Rows {
    fn of(part: &Part, description: &Description) -> Self {
        let mut rows = Self::default();
        for registers in &part.registers {
            rows.about.extend(registers.size.as_ref().map(|size| {
                let (base, size) = (registers.base.value, size.value);
                Fact::Registers {
                    key: below(part, &registers.base.path),
                    index: registers.nth,
                    range: Range { base, size },
                }
            }));
        }
        rows.about
            .extend(part.row.as_ref().and_then(|row| slots(row, description)));
        for fact in &part.facts {
            rows.fact(part, fact, description);
        }
        rows
    }

    fn fact(&mut self, part: &Part, fact: &expect::Fact, description: &Description) {
        let row = match fact {
            expect::Fact::Interrupt(nth, interrupt) => {
                number(interrupt.value, description).map(|number| Fact::Interrupt {
                    key: below(part, &interrupt.path),
                    index: *nth,
                    number,
                })
            }
            expect::Fact::Clock(clock) => Some(Fact::Frequency {
                key: below(part, &clock.path),
                property: "clock-frequency",
                hertz: clock.value,
            }),
            expect::Fact::Timebase(clock) => {
                let key = below(part, &clock.path);
                return self.timebase(part, key, clock.value, description);
            }
            expect::Fact::Word(property, word) => Some(Fact::Text {
                key: below(part, &word.path),
                property,
                text: word.value,
            }),
            expect::Fact::Window(kind, key, base, size) => Some(Fact::Window {
                key: below(part, key),
                space: space_code(*kind),
                range: Range {
                    base: base.value,
                    size: size.value,
                },
            }),
            expect::Fact::Intx(intx) => number(intx.value, description).map(|number| Fact::Intx {
                key: below(part, &intx.path),
                number,
            }),
            // What else is expected is for the host to compare.
            _ => None,
        };
        self.about.extend(row);
    }

    /// A counter's frequency stands in the timer's node on Arm, and in the processors' on RISC-V.
    fn timebase(&mut self, part: &Part, key: String, hertz: u64, description: &Description) {
        use Architecture::{Aarch64, Arm, Riscv32, Riscv64, X86_64};
        let board = description.board.value();
        match board.and_then(|board| board.architecture.value()) {
            Some(Aarch64 | Arm) => self.about.push(Fact::Frequency {
                key,
                property: "clock-frequency",
                hertz,
            }),
            Some(Riscv32 | Riscv64) => {
                let property = "timebase-frequency";
                let holder = part.path().to_owned();
                self.elsewhere.push(Fact::Holder {
                    key: holder,
                    property,
                });
                self.elsewhere.push(Fact::Frequency {
                    key,
                    property,
                    hertz,
                });
            }
            Some(X86_64) | None => {}
        }
    }
}

/// What the tables of ACPI say of a part, if anything. PCs have no device tree.
fn acpi(part: &Part) -> Option<Fact> {
    let key = part.path().to_owned();
    let range = part.registers.first().and_then(|registers| {
        Some(Range {
            base: registers.base.value,
            size: registers.size.as_ref()?.value,
        })
    });
    let number = part.facts.iter().find_map(|fact| match fact {
        expect::Fact::Number("first", number) => u32::try_from(number.value).ok(),
        expect::Fact::Ports(port) => u32::try_from(port.value).ok(),
        _ => None,
    });
    let kind = part
        .kinds
        .iter()
        .find_map(|kind| kind.strip_prefix("acpi,"))?;
    Some(match kind {
        "local-apic" => Fact::LocalApic { key, range: range? },
        "io-apic" => Fact::IoApic {
            key,
            range: range?,
            first: number?,
        },
        "ecam" => Fact::Ecam { key, range: range? },
        "pm-timer" => Fact::PowerTimer {
            key,
            port: u16::try_from(number?).ok()?,
        },
        _ => return None,
    })
}

/// What is said of a row of devices, where its description is whole.
fn slots(row: &expect::Row, description: &Description) -> Option<Fact> {
    Some(Fact::Slots {
        base: row.base.as_ref()?.value,
        stride: row.stride.as_ref()?.value,
        count: u32::try_from(row.count.as_ref()?.value).ok()?,
        interrupt: number(row.interrupt.as_ref()?.value, description)?,
    })
}

/// The controller's own number of an interrupt.
fn number(interrupt: Interrupt, description: &Description) -> Option<u32> {
    // How the line is wired does not change its number.
    let interrupt = description.number(interrupt, 1, Trigger::Level)?;
    Some(interrupt.number)
}

/// The key as it stands below the part's own.
fn below(part: &Part, path: &str) -> String {
    let rest = path.strip_prefix(part.path());
    rest.and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or_default()
        .to_owned()
}

/// The code of a window's space (PCI Bus Binding to Open Firmware 2.1, 2.2.1.1).
fn space_code(kind: WindowKind) -> u32 {
    match kind {
        WindowKind::Io => 1,
        WindowKind::Memory32 => 2,
        WindowKind::Memory64 => 3,
    }
}
