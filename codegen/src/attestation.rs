//! The facts about a board that the kernel compares with firmware's tables at boot.
//!
//! They are what the bindings [expect](crate::part::Binding::expect) of the machine, as far as a
//! device tree or the ACPI tables state it. `cargo xtask verify` makes the same comparison on the
//! host.

use crate::board::{Architecture, Fact, Range, Trigger};
use crate::description::Description;
use crate::language::Interrupt;
use crate::language::interned::interned;
use crate::machine::device::WindowKind;
use crate::part::expect::{self, Part};

/// Returns the values that firmware's tables should contain, part by part.
pub(crate) fn facts(description: &Description) -> Vec<Fact> {
    let mut parts = Vec::new();
    let board = description.board.value();
    let architecture = board.and_then(|board| board.architecture.value());
    // Nothing starts a microcontroller's kernel, so there are no tables.
    if architecture.is_some_and(|one| one.is_m_profile()) {
        return Vec::new();
    }
    if architecture == Some(&Architecture::X86_64) {
        let expected = description.expected();
        return expected.parts.iter().filter_map(acpi).collect();
    }
    for part in &description.expected().parts {
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

/// Returns the rows with the interrupt spaces of the interrupt controller.
fn inputs(description: &Description) -> Vec<Fact> {
    let Some(controller) = description.controller() else {
        return Vec::new();
    };
    let rows = controller.binding().inputs();
    rows.iter()
        .map(|inputs| Fact::Inputs {
            space: match inputs.space.controller() {
                None => inputs.space.word(),
                Some(name) => interned(&format!("{} of {name}:", inputs.space.word())),
            },
            cell: inputs.cell,
            first: inputs.first,
        })
        .collect()
}

/// Returns the expected values of a part: those in its own device tree node, and those in the node
/// of the processors.
fn rows(part: &Part, description: &Description) -> (Vec<Fact>, Vec<Fact>) {
    let Rows {
        mut about,
        elsewhere,
    } = Rows::of(part, description);
    // A part with nothing to compare is not searched for.
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

/// The values that firmware's tables should contain about a part.
#[derive(Default)]
struct Rows {
    /// The values in the part's own device tree node.
    about: Vec<Fact>,
    /// The values in the device tree node of the processors.
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
            // The rest is only compared on the host.
            _ => None,
        };
        self.about.extend(row);
    }

    /// Adds a counter's frequency. The device tree has it in the timer's node on Arm, and in the
    /// node of the processors on RISC-V.
    fn timebase(&mut self, part: &Part, key: String, hertz: u64, description: &Description) {
        use Architecture::{Aarch64, Arm, ArmV6M, ArmV7M, ArmV8M, Riscv32, Riscv64, X86_64};
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
            Some(ArmV6M | ArmV7M | ArmV8M | X86_64) | None => {}
        }
    }
}

/// Returns the expected values of a part in the ACPI tables, if any. PCs have no device tree.
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

/// Returns the expected values of a row of devices, if its description is complete.
fn slots(row: &expect::Row, description: &Description) -> Option<Fact> {
    Some(Fact::Slots {
        base: row.base.as_ref()?.value,
        stride: row.stride.as_ref()?.value,
        count: u32::try_from(row.count.as_ref()?.value).ok()?,
        interrupt: number(row.interrupt.as_ref()?.value, description)?,
    })
}

/// Returns the controller's own number of an interrupt.
fn number(interrupt: Interrupt, description: &Description) -> Option<u32> {
    // The trigger does not change the number.
    let interrupt = description
        .surroundings()
        .number(interrupt, 1, Trigger::Level)?;
    Some(interrupt.number)
}

/// Returns a key path relative to the part's table.
fn below(part: &Part, path: &str) -> String {
    let rest = path.strip_prefix(part.path());
    rest.and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or_default()
        .to_owned()
}

/// Returns the code of a window's space (PCI Bus Binding to Open Firmware 2.1, 2.2.1.1).
fn space_code(kind: WindowKind) -> u32 {
    match kind {
        WindowKind::Io => 1,
        WindowKind::Memory32 => 2,
        WindowKind::Memory64 => 3,
    }
}
