//! What firmware's own tables should say of a board: for the kernel, which looks when it starts.
//!
//! It follows from what the bindings expect to find in the machine
//! ([`Expected`](crate::machine::expect::Expected)), so that a part that `verify` knows is held
//! against the device tree by the kernel too.

use crate::board::{Architecture, Range, Trigger};
use crate::check::Claimed;
use crate::description::{Description, Interrupt, Located, Space};
use crate::machine::device::WindowKind;
use crate::machine::expect::{Expected, Fact as Expectation, Part, Registers, Row};

/// One row of the table; each is explained at `vmos_drivers::attestation::Fact`. Keys are relative to
/// the part's.
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
        count: u64,
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
    /// The number that a property is.
    Number {
        key: String,
        property: &'static str,
        number: u64,
    },
}

/// Everything that is to be found in the tables, part by part.
pub(crate) fn facts(
    description: &Description,
    claimed: &Claimed,
    architecture: Architecture,
) -> Vec<Fact> {
    let mut expected = Expected::default();
    for binding in description.bindings() {
        binding.expect(&mut expected);
    }
    let mut table = Table {
        description,
        claimed,
        architecture,
        facts: inputs(description),
    };
    for part in &expected.parts {
        table.part(part);
    }
    table.facts
}

/// The rows of the controller's inputs. Only a GIC's interrupts begin with a cell that tells them
/// apart (Linux, bindings/interrupt-controller/arm,gic.yaml).
fn inputs(description: &Description) -> Vec<Fact> {
    let Some(controller) = description.controller() else {
        return Vec::new();
    };
    let rows = controller.binding().inputs().into_iter();
    rows.map(|inputs| Fact::Inputs {
        space: inputs.space.word(),
        cell: match inputs.space {
            Space::Spi => Some(0),
            Space::Ppi => Some(1),
            _ => None,
        },
        first: inputs.first,
    })
    .collect()
}

struct Table<'a> {
    description: &'a Description,
    claimed: &'a Claimed,
    architecture: Architecture,
    facts: Vec<Fact>,
}

impl Table<'_> {
    fn part(&mut self, part: &Part) {
        let path = part.path();
        if let [compatible, others @ ..] = part.kinds {
            let key = path.to_owned();
            self.facts.push(Fact::Part { key, compatible });
            // QEMU's names of its models, which have no vendor in front, are in no device tree.
            let others = others.iter().filter(|kind| kind.contains(','));
            self.facts
                .extend(others.map(|compatible| Fact::Or { compatible }));
            for registers in &part.registers {
                self.registers(path, registers);
            }
            if let Some(row) = &part.row {
                self.row(row);
            }
            for fact in &part.facts {
                self.facts.extend(self.fact(path, fact));
            }
        }
        for fact in &part.facts {
            self.facts.extend(self.timebase(path, fact));
        }
    }

    fn registers(&mut self, path: &str, registers: &Registers) {
        let claims = &self.claimed.ranges;
        let claim = claims.iter().find(|claim| claim.key == registers.key);
        let size = registers.size.as_ref().map(|size| size.value);
        if let Some(size) = size.or(claim.map(|claim| claim.range.size)) {
            self.facts.push(Fact::Registers {
                key: below(path, &registers.base.path),
                index: registers.nth,
                range: Range {
                    base: registers.base.value,
                    size,
                },
            });
        }
    }

    fn row(&mut self, row: &Row) {
        let interrupt = row.interrupt.as_ref().and_then(|one| self.number(one));
        if let (Some(base), Some(stride), Some(count), Some(interrupt)) =
            (&row.base, &row.stride, &row.count, interrupt)
        {
            self.facts.push(Fact::Slots {
                base: base.value,
                stride: stride.value,
                count: count.value,
                interrupt,
            });
        }
    }

    fn fact(&self, path: &str, fact: &Expectation) -> Option<Fact> {
        Some(match fact {
            Expectation::Interrupt(index, interrupt) => Fact::Interrupt {
                key: below(path, &interrupt.path),
                index: *index,
                number: self.number(interrupt)?,
            },
            Expectation::Clock(clock) => Fact::Frequency {
                key: below(path, &clock.path),
                property: "clock-frequency",
                hertz: clock.value,
            },
            Expectation::Number(property, number) => Fact::Number {
                key: below(path, &number.path),
                property,
                number: number.value,
            },
            Expectation::Word(property, word) => Fact::Text {
                key: below(path, &word.path),
                property,
                text: word.value,
            },
            Expectation::Window(kind, key, base, size) => Fact::Window {
                key: below(path, key),
                space: space_code(*kind),
                range: Range {
                    base: base.value,
                    size: size.value,
                },
            },
            Expectation::Intx(interrupt) => Fact::Intx {
                key: below(path, &interrupt.path),
                number: self.number(interrupt)?,
            },
            // The timebase comes last. What else `verify` compares the kernel leaves to it: a device
            // tree knows no ports, a board may use fewer buses than there are, and how registers
            // lie, or how many sources there are, is told in other terms than the board's.
            _ => return None,
        })
    }

    /// The frequency of the processor's counter: RISC-V has it among the processors (Devicetree
    /// Specification 0.4, 3.8.1), others at the timer's own node.
    fn timebase(&self, path: &str, fact: &Expectation) -> Vec<Fact> {
        let Expectation::Timebase(frequency) = fact else {
            return Vec::new();
        };
        let told_by = |property| Fact::Frequency {
            key: below(path, &frequency.path),
            property,
            hertz: frequency.value,
        };
        match self.architecture {
            Architecture::Riscv64 | Architecture::Riscv32 => {
                let property = "timebase-frequency";
                let key = path.to_owned();
                vec![Fact::Holder { key, property }, told_by(property)]
            }
            Architecture::Aarch64 | Architecture::Arm | Architecture::X86_64 => {
                vec![told_by("clock-frequency")]
            }
        }
    }

    fn number(&self, interrupt: &Located<Interrupt>) -> Option<u32> {
        // How the line is wired does not matter here.
        let usual = Trigger::Level;
        let interrupt = self.description.number(interrupt.value, 1, usual)?;
        Some(interrupt.number)
    }
}

/// The code of a window's space (PCI Bus Binding to Open Firmware 2.1, 2.2.1.1).
fn space_code(kind: WindowKind) -> u32 {
    match kind {
        WindowKind::Io => 1,
        WindowKind::Memory32 => 2,
        WindowKind::Memory64 => 3,
    }
}

/// A key without the part's own.
fn below(part: &str, key: &str) -> String {
    let rest = key
        .strip_prefix(part)
        .and_then(|rest| rest.strip_prefix('.'));
    rest.unwrap_or(key).to_owned()
}
