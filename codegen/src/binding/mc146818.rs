//! The Motorola MC146818 real-time clock (Motorola, MC146818A data sheet, 1984), the CMOS clock of
//! PCs.

use super::{Binding, Driver, place};
use crate::board::{self, Architecture};
use crate::check::claims::{Claims, Wiring};
use crate::description::table::table;
use crate::description::{Description, Interrupt, Number, Port};
use crate::machine::expect::Expected;

table! {
    /// The Motorola MC146818 real-time clock behind two I/O ports, the CMOS clock of PCs. The kernel
    /// assumes that it runs in UTC.
    pub struct Mc146818 {
        /// The first of its two I/O ports.
        port: Port => default("0x70"),
        /// The register with the century: 0x32 on most PCs; the ACPI table FADT contains it.
        /// Without it, the years are 1970 to 2069.
        century: Number<14, 127> => optional,
        /// The interrupt of its alarm, which the kernel does not use.
        interrupt: Interrupt => optional,
    }
}

/// A PC latches the line as it is asserted.
const USUAL: board::Trigger = board::Trigger::Edge;

impl Binding for Mc146818 {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::X86_64])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        claims.ports(&self.place.path, &self.port, 2);
        let key = format!("{}.interrupt", self.place.path);
        claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Shared, USUAL);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, &["motorola,mc146818"])
            .model("mc146818rtc")
            .ports(&self.port, |port| port.0.into())
            .number("century", &self.century)
            .interrupt(0, &self.interrupt);
    }
}

impl Driver for Mc146818 {
    const NAME: &'static str = "mc146818";
    type Resolved = board::Rtc;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        let century = self.century.optional()?;
        Some(board::Rtc::Mc146818 {
            port: self.port.value()?.0,
            century: century.and_then(|century| u8::try_from(century.value.0).ok()),
        })
    }
}
