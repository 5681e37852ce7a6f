//! What is said, and done, where the description and the machine contradict each other.

use vmos_drivers::{error, warn};

use super::CannotStart;
use crate::attestation::contradiction::{Address, Bytes, Hertz};
use crate::attestation::{self, Survey};
use crate::firmware::Table;
use crate::machine;
use crate::memory::discovery::Finding;
use vmos_drivers::address::PhysicalAddress;

const PARTS: usize = attestation::parts(machine::ATTESTATION);

/// The description held against the machine.
pub(super) struct Attestation<'a> {
    table: Option<Table>,
    survey: Option<Survey<'a, PARTS>>,
    contradictions: usize,
}

impl Attestation<'static> {
    /// Looks up what the firmware's table has of the board, and says nothing yet.
    #[cold]
    pub(super) fn of(table: Option<Table>) -> Self {
        let tree = table.and_then(|table| table.device_tree());
        let survey = tree.map(|tree| Survey::of(tree, machine::ATTESTATION));
        let read = survey
            .as_ref()
            .map(|survey| Table::DeviceTree(survey.tree()));
        Self {
            table: read.or(table),
            survey,
            contradictions: 0,
        }
    }

    /// The firmware's table. A device tree was read once by now.
    pub(super) fn table(&self) -> Option<Table> {
        self.table
    }

    /// What was found of the board in a device tree. That there is none where no loader leaves one
    /// is known when this is compiled, if the table is asked once more.
    fn survey(&self) -> Option<&Survey<'static, PARTS>> {
        self.table?.device_tree()?;
        self.survey.as_ref()
    }

    /// Where the console is, should the description be wrong about that.
    pub(super) fn console(&self) -> Option<PhysicalAddress> {
        self.survey()?.console()
    }

    /// Says what was found about RAM.
    #[cold]
    pub(super) fn take(&mut self, finding: Finding) {
        let table = self.table.map_or("the loader", |table| table.name());
        match finding {
            Finding::Confirmed { .. } => {}
            Finding::Unchecked { ram } => warn!(
                "no firmware table says how much RAM there is: believing {} about {} at {}",
                ram.key,
                Bytes(ram.expected_size),
                Address(ram.base.0)
            ),
            Finding::Resized { ram, found } => {
                self.contradictions += 1;
                error!(
                    "{}: the description says {} at {}, {table} says {}",
                    ram.key,
                    Bytes(ram.expected_size),
                    Address(ram.base.0),
                    Bytes(found.size)
                );
            }
            Finding::Missing {
                ram,
                instead: Some(found),
            } => {
                self.contradictions += 1;
                error!(
                    "{}: the description says RAM begins at {}, {table} says {} at {}: leaving \
                     both alone",
                    ram.key,
                    Address(ram.base.0),
                    Bytes(found.size),
                    Address(found.base.0)
                );
            }
            Finding::Missing { ram, instead: None } => {
                self.contradictions += 1;
                error!(
                    "{}: the description says RAM begins at {}, {table} says there is none: \
                     leaving it alone",
                    ram.key,
                    Address(ram.base.0)
                );
            }
            Finding::Undescribed { found } => warn!(
                "{table} reports {} of RAM at {}, which memory.ram does not describe: leaving it \
                 alone",
                Bytes(found.size),
                Address(found.base.0)
            ),
            Finding::OutOfReach { ram, beyond } => warn!(
                "{} of {} are out of a {}-bit processor's reach, from {} on: leaving them alone",
                Bytes(beyond.size),
                ram.key,
                usize::BITS,
                Address(beyond.base.0)
            ),
        }
    }

    /// Says what else contradicts the description.
    ///
    /// # Errors
    ///
    /// In a debug build, where anything did.
    #[cold]
    pub(super) fn conclude(mut self) -> Result<(), CannotStart> {
        if let Some(survey) = self.survey() {
            self.contradictions += survey.contradictions(|found| error!("{found}"));
        }
        if let Some(tables) = self.table.and_then(|table| table.acpi()) {
            let (facts, lines) = (machine::ATTESTATION, machine::INTERRUPTS);
            self.contradictions += tables.contradictions(facts, lines, |found| error!("{found}"));
        }
        self.compare_clock();
        match self.contradictions {
            0 => Ok(()),
            _ if cfg!(debug_assertions) => Err(CannotStart::Contradicted),
            count => {
                error!(
                    "conflicts between board file and machine: {count}; continuing with the board \
                     file. Try: cargo xtask verify {}",
                    machine::NAME
                );
                Ok(())
            }
        }
    }

    /// What firmware says of a clock is exact; what was measured may be off by a little.
    fn compare_clock(&mut self) {
        const PER_CENT: u64 = 100;
        let described = machine::clock_frequency();
        let Some(told) = machine::told_clock_frequency() else {
            return;
        };
        if described.abs_diff(told) > told / PER_CENT {
            self.contradictions += 1;
            error!(
                "{}.frequency: the description says {}, the machine says {}",
                attestation::key(machine::ATTESTATION, "timer.").unwrap_or("timer"),
                Hertz(described),
                Hertz(told)
            );
        }
    }
}
