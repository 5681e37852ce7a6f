//! The Arm PrimeCell PL011 UART (Arm DDI 0183).

use super::{Binding, Driver, place};
use crate::board;
use crate::check::Claimed;
use crate::check::claims::{Claims, Extent, Rule, Wiring};
use crate::description::table::table;
use crate::description::{Address, Description, Frequency, Interrupt, Number, Size};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::machine::expect::Expected;

table! {
    /// The Arm PrimeCell PL011 UART.
    pub struct Pl011 {
        /// The first address of its registers.
        base: Address => required,
        /// The size of its registers.
        size: Size => default("4 KiB"),
        /// Its combined interrupt. Without it, the kernel polls for output space and reads no input.
        interrupt: Interrupt => optional,
        /// The frequency of UARTCLK.
        clock: Frequency => required,
        /// The baud rate to set. Without it, firmware's setting is kept.
        baud: Number<1, 4_000_000> => optional,
    }
}

/// UARTINTR stays high until it is answered (DDI 0183, 2.8).
const USUAL: board::Trigger = board::Trigger::Level;

impl Binding for Pl011 {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        // The identification registers are at the end of a page (DDI 0183, 3.2), which some machines
        // leave out.
        let rule = Rule {
            size: 0x200,
            least: 0x200,
            ..Rule::registers("a PL011", 0x1000, 0x1000)
        };
        claims.range(
            &self.place.path,
            &self.base,
            self.size.get().map(Extent::from),
            rule,
        );
        let key = format!("{}.interrupt", self.place.path);
        claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Shared, USUAL);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, &["arm,pl011"])
            .model("pl011")
            .registers(0, &self.place.path, &self.base, &self.size)
            .interrupt(0, &self.interrupt)
            .clock(&self.clock);
    }

    fn choices(&self) -> &'static [&'static str] {
        &["baud"]
    }

    fn check(&self, _description: &Description, _claimed: &Claimed, problems: &mut Problems) {
        let (Some(clock), Some(baud)) = (self.clock.get(), self.baud.get()) else {
            return;
        };
        // The divisor is UARTCLK / (16 * baud), at least 1 and of 16 bits (DDI 0183, 3.3.6).
        let divisor = clock.value.0 / (16 * u64::from(baud.value.0));
        if !(1..=u64::from(u16::MAX)).contains(&divisor) {
            let title = format!("{} baud is not possible with this clock", baud.value.0);
            problems.report(
                Diagnostic::new(Code::BadBaud, baud.at, title)
                    .label(format!(
                        "the divisor would be {divisor}, not from 1 to 65535"
                    ))
                    .also(clock.at, format!("{} Hz", clock.value.0)),
            );
        }
    }
}

impl Driver for Pl011 {
    const NAME: &'static str = "pl011";
    type Resolved = board::Console;

    fn resolve(&self, description: &Description) -> Option<Self::Resolved> {
        let interrupt = match self.interrupt.optional()? {
            Some(interrupt) => Some(description.number(interrupt.value, 1, USUAL)?),
            None => None,
        };
        Some(board::Console::Pl011 {
            registers: board::Range {
                base: self.base.value()?.0,
                size: self.size.value()?.0,
            },
            interrupt,
            clock: self.clock.value()?.0,
            baud: self.baud.optional()?.map(|baud| baud.value.0),
        })
    }
}
