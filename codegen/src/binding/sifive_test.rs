//! The test finisher of SiFive's test chips (`sifive,test1`).

use crate::board;
use crate::board::Value;
use crate::language::table::table;
use crate::language::{Address, Size, hexadecimal};
use crate::machine::device::Device;
use crate::part::claims::{Claims, Rule};
use crate::part::draft::{Machine, register};
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// A register that ends the machine, with an exit status.
    pub struct SifiveTest {
        /// The address of the register.
        base: Address => required,
        /// The size of the register block.
        size: Size => default("4 KiB"),
    }
}

impl Binding for SifiveTest {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule::registers("a test finisher", 4, 4);
        claims.device(&self.place, &self.base, &self.size, rule);
    }

    fn expect(&self, expected: &mut Expected) {
        expected.part(&self.place, Self::KINDS).registers(
            0,
            &self.place.path,
            &self.base,
            &self.size,
        );
    }
}

impl Driver for SifiveTest {
    const NAME: &'static str = "sifive-test";
    const KINDS: &'static [&'static str] = &["sifive,test1", "sifive,test0"];
    type Resolved = board::Power;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let registers = board::Range {
            base: self.base.value()?.0,
            size: self.size.value()?.0,
        };
        Some(board::Power {
            doubles_status: false,
            part: board::Part {
                key: self.place.path.clone(),
                card: "test finisher".to_owned(),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::mmio", "Mmio"),
                        ("vmos_drivers::power::sifive_test", "self"),
                        ("vmos_drivers::power::sifive_test", "SifiveTest"),
                    ],
                    driver: "SifiveTest<Mmio>".to_owned(),
                    config_type: "sifive_test::Config".to_owned(),
                    config: Value::structure(
                        "sifive_test::Config",
                        vec![("registers", Value::Range(registers))],
                    ),
                    processor: vec![],
                },
                registers: Vec::new(),
                entry: Vec::new(),
            },
        })
    }

    fn import(_machine: &Machine<'_>, test: &Device) -> Option<Section> {
        let registers = register(test, 0)?;
        let section = Section::new("power.sifive-test").note("ends QEMU with an exit status");
        Some(section.line("base", hexadecimal(registers.base)))
    }
}
