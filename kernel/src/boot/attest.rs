//! Reports conflicts between the board file and the machine at boot: before the devices are accessed,
//! those about their places; all others after the tasks have run for the first time, or before the machine
//! stops, whichever is earlier. So an app is ready sooner.

use alloc::boxed::Box;
use core::cell::Cell;

use critical_section::Mutex;
use vmos_drivers::{error, warn};

use super::CannotStart;
use crate::arch;
use crate::attestation::contradiction::{Address, Bytes, Contradiction, Hertz};
use crate::attestation::{self, Aspect, Part, Survey};
use crate::firmware::{Table, TableKind};
use crate::machine;
use crate::memory::discovery::Finding;
use crate::optional::Optional;
use crate::part;
use vmos_drivers::address::PhysicalAddress;

const COUNT: usize = Part::count(machine::ATTESTATION);
const STRIDE: u32 = machine::CONTROLLER_STRIDE;
/// The devices in the board file.
static PARTS: [Part; COUNT] = Part::all_of(machine::ATTESTATION);

/// The comparison that is not finished yet.
static REST: Mutex<Cell<Option<Box<Attestation<'static>>>>> = Mutex::new(Cell::new(None));

/// The comparison of the board file with the machine.
pub(super) struct Attestation<'a> {
    table: Option<Table>,
    survey: Option<Survey<'a, COUNT, STRIDE>>,
    contradictions: usize,
    /// Whether an interrupt is another one than in the board file.
    denies_interrupts: bool,
}

impl Attestation<'static> {
    /// Finds the board's devices in firmware's table, without logging anything.
    #[cold]
    pub(super) fn of(mut table: Option<Table>) -> Self {
        let tree = table.as_mut().and_then(Table::device_tree_mut);
        let survey = tree.map(|tree| Survey::of(tree, machine::ATTESTATION, &PARTS));
        Self {
            table,
            survey,
            contradictions: 0,
            denies_interrupts: false,
        }
    }

    /// Returns firmware's table. A device tree has been read completely at this point.
    pub(super) fn table(&self) -> Option<&Table> {
        self.table.as_ref()
    }

    /// Returns the devices found in a device tree. Reading `table` again lets the compiler remove
    /// the code on architectures whose loaders pass no device tree.
    fn survey(&self) -> Option<&Survey<'static, COUNT, STRIDE>> {
        self.table()?.device_tree()?;
        self.survey.as_ref()
    }

    /// Returns the address of the console, if the board file has another one.
    pub(super) fn console(&self) -> Option<PhysicalAddress> {
        self.survey()?.console()
    }

    /// Logs the result of comparing a range of RAM with firmware's tables; nothing if they agree.
    #[cold]
    pub(super) fn take(&mut self, finding: Finding) {
        let table = self.table().map_or("the loader", Table::name);
        match finding {
            Finding::Confirmed { .. } => {}
            Finding::Unchecked { ram } => warn!(
                "no RAM size from firmware: using {} with {} at {}",
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
                    "{}: the description says RAM begins at {}, {table} says {} at {}: using \
                     neither",
                    ram.key,
                    Address(ram.base.0),
                    Bytes(found.size),
                    Address(found.base.0)
                );
            }
            Finding::Missing { ram, instead: None } => {
                self.contradictions += 1;
                error!(
                    "{}: the description says RAM begins at {}, {table} says there is none",
                    ram.key,
                    Address(ram.base.0)
                );
            }
            Finding::Undescribed { found } => warn!(
                "{table} reports {} of RAM at {}, which memory.ram does not describe: not used",
                Bytes(found.size),
                Address(found.base.0)
            ),
            Finding::OutOfReach { ram, beyond } => warn!(
                "{} of {} cannot be addressed by a {}-bit processor, from {} on: not used",
                Bytes(beyond.size),
                ram.key,
                usize::BITS,
                Address(beyond.base.0)
            ),
        }
    }

    /// Reports the conflicts about the places of devices, and leaves out the devices that are not
    /// where the board file says.
    ///
    /// # Errors
    ///
    /// If the kernel cannot do without a device that is not there.
    #[cold]
    pub(super) fn find_misplaced(&mut self) -> Result<(), CannotStart> {
        let mut missing = None;
        let mut tell = |found: Contradiction<'_>| {
            report(&found);
            if found.denies() {
                missing = missing.or(deny(found.part()));
            }
        };
        if let Some(survey) = self.survey() {
            self.contradictions += survey.contradictions(Aspect::Places, &mut tell);
        }
        if let Some(tables) = self.table().and_then(Table::acpi) {
            let (facts, lines) = (machine::ATTESTATION, machine::INTERRUPTS);
            self.contradictions += tables.contradictions(facts, lines, &mut tell);
        }
        match missing {
            Some(key) => {
                self.find_others();
                Err(CannotStart::Missing(key))
            }
            None => Ok(()),
        }
    }

    /// Reports all other conflicts, and returns the number of all.
    #[cold]
    pub(super) fn find_others(&mut self) -> usize {
        let mut is_any_interrupt = false;
        if let Some(survey) = self.survey() {
            let tell = |found: Contradiction<'_>| {
                report(&found);
                is_any_interrupt |= found.is_about_an_interrupt();
            };
            self.contradictions += survey.contradictions(Aspect::Rest, tell);
        }
        self.denies_interrupts = is_any_interrupt;
        self.compare_clock();
        self.contradictions
    }

    /// Leaves the rest of the comparison to [`conclude`]. A debug build does it at once.
    ///
    /// # Errors
    ///
    /// In a debug build, if there is any conflict.
    #[cold]
    pub(super) fn conclude_later(mut self) -> Result<(), CannotStart> {
        if cfg!(debug_assertions) {
            return match self.find_others() {
                0 => Ok(()),
                _ => Err(CannotStart::Contradicted),
            };
        }
        let rest = Some(Box::new(self));
        critical_section::with(|cs| REST.borrow(cs).set(rest));
        machine::call_at_end(|| {
            conclude();
        });
        Ok(())
    }

    /// Reports a frequency in the board file that differs from the machine's. A frequency from
    /// firmware is exact; a measured one may differ slightly.
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

/// Finishes the comparison, if it was [left](Attestation::conclude_later) for later. Returns whether
/// firmware says of any interrupt that it is another one than in the board file.
#[cold]
pub(super) fn conclude() -> bool {
    if arch::FIRMWARE_TABLE == TableKind::None {
        return false;
    }
    let Some(mut attestation) = critical_section::with(|cs| REST.borrow(cs).take()) else {
        return false;
    };
    let count = attestation.find_others();
    if count > 0 {
        error!(
            "conflicts between board file and machine: {count}; continuing with the board file. \
             Try: cargo xtask verify {}",
            machine::NAME
        );
    }
    attestation.denies_interrupts
}

/// Reports a conflict. All callers share its code.
#[cold]
#[inline(never)]
fn report(found: &Contradiction<'_>) {
    error!("{found}");
}

/// Disables an optional device that is not where the board file says. Returns the key of a device
/// that is required.
#[cold]
fn deny(key: &'static str) -> Option<&'static str> {
    match Optional::of(key) {
        Some(optional) if optional.leave_out() => warn!("{key}: left out"),
        None if key.starts_with("interrupt-controller.") || key.starts_with("timer.") => {
            return Some(key);
        }
        None if part::leave_out(key) => warn!("{key}: left out"),
        _ => {}
    }
    None
}
