//! The timer in the local APIC, with the time stamp counter for a clock (Intel SDM volume 3A, 12.5.4
//! and 18.17), and what their rates are measured by.

use super::block::{self, block};
use super::{Binding, Driver, InterruptController, place};
use crate::board::{self, Architecture};
use crate::check::Claimed;
use crate::check::claims::Claims;
use crate::description::driver::drivers;
use crate::description::table::table;
use crate::description::{Description, Frequency, OneDriver, Port};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::machine::expect::Expected;

table! {
    /// The timer in the local APIC, and the time stamp counter as the clock.
    pub struct LocalApic {
        /// The reference counter by which the kernel measures their frequencies at boot.
        reference: OneDriver<Reference> => required,
    }
}

drivers! {
    /// A counter of a known rate.
    pub enum Reference: Binding => board::TimeReference {
        Pit(Pit),
        Hpet(Hpet),
        AcpiPm(AcpiPm),
        Stated(Stated),
    }
}

table! {
    /// Channel 0 of an 8254 interval timer.
    pub struct Pit {
        /// The first of its four I/O ports.
        port: Port => default("0x40"),
    }
}

block! {
    /// The main counter of an HPET.
    pub struct Hpet: "an HPET", "1 KiB", 0x400, 0x400
}

table! {
    /// The power management timer of ACPI.
    pub struct AcpiPm {
        /// The first of its four I/O ports.
        port: Port => required,
    }
}

table! {
    /// The local APIC's timer itself, for machines without a counter of known frequency.
    pub struct Stated {
        /// Its frequency, before division.
        frequency: Frequency => required,
    }
}

impl Binding for LocalApic {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::X86_64])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        if let Some(reference) = self.reference.value() {
            reference.0.binding().claim(claims);
        }
    }

    fn expect(&self, expected: &mut Expected) {
        if let Some(reference) = self.reference.value() {
            reference.0.binding().expect(expected);
        }
    }

    /// Its registers are the interrupt controller's.
    fn check(&self, description: &Description, _claimed: &Claimed, problems: &mut Problems) {
        let Some(controller) = description.controller() else {
            return;
        };
        if !matches!(controller, InterruptController::Apic(_)) {
            let title = "the timer belongs to an interrupt controller that the board does not have";
            problems.report(
                Diagnostic::new(Code::WrongSpace, self.place.at, title)
                    .label("needs [interrupt-controller.apic]")
                    .also(controller.binding().place().at, "the interrupt controller"),
            );
        }
    }
}

impl Driver for LocalApic {
    const NAME: &'static str = "local-apic";
    type Resolved = board::Timer;

    fn resolve(&self, description: &Description) -> Option<Self::Resolved> {
        Some(board::Timer::LocalApic {
            reference: self.reference.value()?.0.resolve(description)?,
        })
    }
}

impl Binding for Pit {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        claims.ports(&self.place.path, &self.port, 4);
    }
}

impl Driver for Pit {
    const NAME: &'static str = "pit";
    type Resolved = board::TimeReference;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        let port = self.port.value()?.0;
        Some(board::TimeReference::Pit { port })
    }
}

impl Binding for Hpet {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        block::claim_own(&self.place, self, claims);
    }
}

impl Driver for Hpet {
    const NAME: &'static str = "hpet";
    type Resolved = board::TimeReference;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        let registers = block::range(self)?;
        Some(board::TimeReference::Hpet { registers })
    }
}

impl Binding for AcpiPm {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        claims.ports(&self.place.path, &self.port, 4);
    }

    fn expect(&self, expected: &mut Expected) {
        let part = expected.part(&self.place, &[]).model("acpi,pm-timer");
        part.ports(&self.port, |port| port.0.into());
    }
}

impl Driver for AcpiPm {
    const NAME: &'static str = "acpi-pm";
    type Resolved = board::TimeReference;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        let port = self.port.value()?.0;
        Some(board::TimeReference::AcpiPm { port })
    }
}

impl Binding for Stated {
    place!();
}

impl Driver for Stated {
    const NAME: &'static str = "stated";
    type Resolved = board::TimeReference;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        let frequency = self.frequency.value()?.0;
        Some(board::TimeReference::Stated { frequency })
    }
}
