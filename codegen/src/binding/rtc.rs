//! Real-time clocks with registers in memory: the Arm PrimeCell PL031 (Arm DDI 0224), and the
//! goldfish RTC (Android, `docs/GOLDFISH-VIRTUAL-HARDWARE.TXT`, section VI).

use super::{Binding, Driver, place};
use crate::board;
use crate::check::claims::{Claims, Extent, Rule, Wiring};
use crate::description::table::table;
use crate::description::{Address, Description, Interrupt, Size};
use crate::machine::expect::Expected;

table! {
    /// The Arm PrimeCell PL031 real-time clock.
    pub struct Pl031 {
        /// The first address of its registers.
        base: Address => required,
        /// The size of its registers.
        size: Size => default("4 KiB"),
        /// The interrupt of its alarm, which the kernel does not use.
        interrupt: Interrupt => optional,
    }
}

table! {
    /// The goldfish real-time clock of Android's and of RISC-V's virtual machines.
    pub struct Goldfish {
        /// The first address of its registers.
        base: Address => required,
        /// The size of its registers.
        size: Size => default("4 KiB"),
        /// The interrupt of its alarm, which the kernel does not use.
        interrupt: Interrupt => optional,
    }
}

/// An alarm is asserted until it is answered, by both (DDI 0224, 2.2.2).
const USUAL: board::Trigger = board::Trigger::Level;

/// Implements what both need: they differ in their names and in what they count.
macro_rules! clock {
    ($Clock:ident, $name:literal, $what:literal, $compatible:literal, $model:literal) => {
        impl Binding for $Clock {
            place!();

            fn claim(&self, claims: &mut Claims<'_>) {
                let size = self.size.get().map(Extent::from);
                let rule = Rule::registers($what, 0x1000, 0x1000);
                claims.range(&self.place.path, &self.base, size, rule);
                let key = format!("{}.interrupt", self.place.path);
                claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Shared, USUAL);
            }

            fn expect(&self, expected: &mut Expected) {
                expected
                    .part(&self.place, &[$compatible])
                    .model($model)
                    .registers(0, &self.place.path, &self.base, &self.size)
                    .interrupt(0, &self.interrupt);
            }
        }

        impl Driver for $Clock {
            const NAME: &'static str = $name;
            type Resolved = board::Rtc;

            fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
                Some(board::Rtc::$Clock {
                    registers: board::Range {
                        base: self.base.value()?.0,
                        size: self.size.value()?.0,
                    },
                })
            }
        }
    };
}

clock!(Pl031, "pl031", "a PL031", "arm,pl031", "pl031");
clock!(
    Goldfish,
    "goldfish",
    "a goldfish RTC",
    "google,goldfish-rtc",
    "goldfish_rtc"
);
