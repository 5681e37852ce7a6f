//! The test finisher of SiFive's test chips (`sifive,test1`).

use super::{Binding, Driver, place};
use crate::board;
use crate::check::claims::{Claims, Extent, Rule};
use crate::description::table::table;
use crate::description::{Address, Description, Size};
use crate::machine::expect::Expected;

table! {
    /// A register that ends the machine, with an exit status.
    pub struct SifiveTest {
        /// The address of the register.
        base: Address => required,
        /// The size of the range reserved for it.
        size: Size => default("4 KiB"),
    }
}

impl Binding for SifiveTest {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule::registers("a test finisher", 4, 4);
        let size = self.size.get().map(Extent::from);
        claims.range(&self.place.path, &self.base, size, rule);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, &["sifive,test1", "sifive,test0"])
            .registers(0, &self.place.path, &self.base, &self.size);
    }
}

impl Driver for SifiveTest {
    const NAME: &'static str = "sifive-test";
    type Resolved = board::Power;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        Some(board::Power::SifiveTest {
            registers: board::Range {
                base: self.base.value()?.0,
                size: self.size.value()?.0,
            },
        })
    }
}
