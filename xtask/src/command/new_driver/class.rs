//! What the skeletons of the drivers of each class differ in.

const BINDING: &str = include_str!("../../../../templates/driver/binding.rs.in");
const DRIVER: &str = include_str!("../../../../templates/driver/driver.rs.in");
const TESTS: &str = include_str!("../../../../templates/driver/tests.rs.in");

/// A class of drivers.
#[derive(Debug)]
pub(super) struct Class {
    /// Its table in a board file.
    pub(super) key: &'static str,
    /// The enum of its bindings.
    pub(super) variant: &'static str,
    /// What may raise an interrupt: `optional` or `required`, or nothing.
    interrupt: Option<&'static str>,
    /// What a binding resolves to, made of `part`.
    resolved: (&'static str, &'static str),
    /// The trait of a driver, where it is, and its methods.
    driver: (&'static str, &'static str, &'static str),
    /// The golden board that a new one extends, and what it says besides.
    golden: (&'static str, &'static str),
}

pub(super) const CLASSES: &[Class] = &[
    Class {
        key: "console",
        variant: "Console",
        interrupt: Some("optional"),
        resolved: (
            "Console",
            "board::Console {\n            interrupt: around.optional_number(&self.interrupt, USUAL)?,\n            part,\n        }",
        ),
        driver: (
            "Console",
            "\nuse super::Console;",
            "    fn write(&mut self, bytes: &[u8]) -> usize {
        // TODO as many as there is room for.
        for byte in bytes {
            self.registers.write32(FIRST, u32::from(*byte));
        }
        bytes.len()
    }

    fn read(&mut self) -> Option<u8> {
        // TODO the byte that waits, if one does.
        None
    }

    fn notify_when_writable(&mut self, _notify: bool) {
        // TODO let the interrupt through that says that there is room.
    }

    fn acknowledge_interrupt(&mut self) {
        // TODO what ends the interrupt.
    }
",
        ),
        golden: ("smallest", ""),
    },
    Class {
        key: "interrupt-controller",
        variant: "InterruptController",
        interrupt: None,
        resolved: (
            "InterruptController",
            "board::InterruptController {\n            number: \"input\",\n            lines: vec![Lines {\n                word: \"@NAME@\",\n                first: 0,\n                count: INPUTS,\n            }],\n            part,\n        }",
        ),
        driver: (
            "InterruptController",
            "use crate::interrupt::{Interrupt, InterruptController};",
            "    fn initialize(&mut self) {
        // TODO every line disabled, none pending, every priority let through.
        self.registers.write32(FIRST, 0);
    }

    fn enable(&mut self, _interrupt: Interrupt) {
        // TODO
    }

    fn disable(&mut self, _number: u32) {
        // TODO
    }

    fn claim(&mut self) -> Option<u32> {
        // TODO a number from the device is checked before it is an index.
        None
    }

    fn complete(&mut self, _number: u32) {
        // TODO
    }
",
        ),
        golden: ("riscv", "\n[console.ns16550]\ninterrupt = { @NAME@ = 1 }\n"),
    },
    Class {
        key: "power",
        variant: "Power",
        interrupt: None,
        resolved: (
            "Power",
            "board::Power {\n            doubles_status: false,\n            part,\n        }",
        ),
        driver: (
            "Power",
            "\nuse super::Power;",
            "    fn off(&mut self, status: u8) {
        // TODO
        self.registers.write32(FIRST, u32::from(status));
    }

    fn reset(&mut self) {
        // TODO
    }
",
        ),
        golden: ("smallest", ""),
    },
    Class {
        key: "rtc",
        variant: "Rtc",
        interrupt: Some("optional"),
        resolved: ("Part", "part"),
        driver: (
            "Clock",
            "\nuse core::time::Duration;\n\nuse super::Clock;",
            "    fn since_1970(&self) -> Option<Duration> {
        // TODO in the units of the clock.
        Some(Duration::from_secs(self.registers.read32(FIRST).into()))
    }
",
        ),
        golden: ("smallest", ""),
    },
    Class {
        key: "timer",
        variant: "Timer",
        interrupt: Some("required"),
        resolved: (
            "Timer",
            "board::Timer {\n            interrupt: Value::Interrupt(around.number(*self.interrupt.value()?, 1, USUAL)?),\n            part,\n        }",
        ),
        driver: (
            "Timer",
            "\nuse super::Timer;",
            "    fn now(&self) -> u64 {
        // TODO in ticks of `frequency`.
        self.registers.read32(FIRST).into()
    }

    fn set_deadline(&mut self, _deadline: Option<u64>) {
        // TODO
    }

    fn frequency(&self) -> u64 {
        // TODO from the configuration.
        1_000_000
    }
",
        ),
        golden: ("smallest", "interrupt = { spi = 20 }\n"),
    },
];

/// The class of a name.
pub(super) fn named(key: &str) -> Result<&'static Class, String> {
    let found = CLASSES.iter().find(|class| class.key == key);
    found.ok_or_else(|| {
        let all: Vec<&str> = CLASSES.iter().map(|class| class.key).collect();
        format!("there are {}", all.join(", "))
    })
}

/// `MyUart` for `my-uart`.
pub(super) fn type_name(name: &str) -> String {
    let parts = name.split('-').map(|part| {
        let (first, rest) = part.split_at(1.min(part.len()));
        first.to_uppercase() + rest
    });
    parts.collect()
}

impl Class {
    /// The module of its drivers.
    pub(super) fn module(&self) -> String {
        self.key.replace('-', "_")
    }

    fn is_controller(&self) -> bool {
        self.key == "interrupt-controller"
    }

    /// The file of the binding.
    pub(super) fn binding(&self, name: &str) -> String {
        let controller = self.is_controller();
        let pick = |with: &'static str, without: &'static str| match self.interrupt {
            Some(_) => with,
            None => without,
        };
        let key = self.interrupt.map(|presence| {
            format!("        /// What it raises.\n        interrupt: Interrupt => {presence},\n")
        });
        let usual = "\n/// TODO how its line asks for attention, with the section.\nconst USUAL: board::Trigger = board::Trigger::Level;\n";
        let claim = "        let key = format!(\"{}.interrupt\", self.place.path);\n        claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Shared, USUAL);\n";
        let inputs = "\nimpl Controller for @TYPE@ {\n    fn inputs(&self) -> Vec<Inputs> {\n        vec![Inputs {\n            space: SPACE,\n            cell: None,\n            first: 0,\n            count: INPUTS,\n            private: None,\n        }]\n    }\n\n    fn delivers(&self, _msi: board::Msi) -> Delivery {\n        Delivery::No(\"it takes no messages\")\n    }\n}\n";
        let space = "\n/// How board files count its inputs.\nconst SPACE: Space = Space(\"@NAME@\");\n/// TODO how many there are.\nconst INPUTS: u32 = 32;\n";
        let spaces = "    const SPACES: &'static [schema::Space] = &[schema::Space {\n        word: SPACE.word(),\n        doc: \"TODO An input of it, from which number on.\",\n        first: 0,\n        count: INPUTS,\n    }];\n";
        let config = match self.key {
            "rtc" => "Value::optional(Some(Value::structure(\"@MODULE@::Config\", config)))",
            _ => "Value::structure(\"@MODULE@::Config\", config)",
        };
        let uses_around = self.resolved.1.contains("around");
        let text = BINDING
            .replace(
                "@BOARD_USE@",
                if controller {
                    "Block, Lines, Value"
                } else {
                    "Block, Value"
                },
            )
            .replace(
                "@LANGUAGE_USE@",
                match (controller, self.interrupt) {
                    (true, _) => "Address, Size, Space, schema",
                    (false, Some(_)) => "Address, Interrupt, Size",
                    (false, None) => "Address, Size",
                },
            )
            .replace(
                "@CLAIMS_USE@",
                pick("Claims, Extent, Rule, Wiring", "Claims, Extent, Rule"),
            )
            .replace(
                "@PART_USE@",
                match controller {
                    true => "Binding, Controller, Delivery, Driver, Inputs, place",
                    false => "Binding, Driver, place",
                },
            )
            .replace("@KEYS@", &key.unwrap_or_default())
            .replace(
                "@BEFORE@",
                if self.interrupt.is_some() {
                    usual
                } else if controller {
                    space
                } else {
                    ""
                },
            )
            .replace("@CLAIM@", pick(claim, ""))
            .replace(
                "@EXPECT@",
                pick("\n            .interrupt(0, &self.interrupt)", ""),
            )
            .replace("@BETWEEN@", if controller { inputs } else { "" })
            .replace("@SPACES@", if controller { spaces } else { "" })
            .replace("@RESOLVED@", self.resolved.0)
            .replace("@AROUND@", if uses_around { "around" } else { "_around" })
            .replace("@CONFIG@", config)
            .replace("@MADE@", self.resolved.1)
            .replace(
                "@IMPORTED@",
                pick("machine.own_interrupt(section, device)", "section"),
            );
        self.filled(&text, name)
    }

    /// The file of the driver.
    pub(super) fn driver(&self, name: &str) -> String {
        let (of, used, methods) = self.driver;
        let text = DRIVER
            .replace("@TRAIT_USE@", used)
            .replace("@TRAIT@", of)
            .replace("@METHODS@", methods)
            .replace("@CONFIG_TYPE@", "Config");
        self.filled(&text, name)
    }

    /// The file of its tests.
    pub(super) fn tests(&self, name: &str) -> String {
        self.filled(TESTS, name)
    }

    /// The golden board.
    pub(super) fn board(&self, name: &str) -> String {
        let (extends, more) = self.golden;
        let text = format!(
            "schema = 1\nextends = \"{extends}\"\n\n[board]\nname = \"@NAME@\"\ntitle = \"TODO @NAME@\"\n\n\
             [@CLASS@.@NAME@]\nbase = 0x0900_0000\n{more}"
        );
        self.filled(&text, name)
    }

    fn filled(&self, text: &str, name: &str) -> String {
        text.replace("@NAME@", name)
            .replace("@TITLE@", name)
            .replace("@MODULE@", &name.replace('-', "_"))
            .replace("@TYPE@", &type_name(name))
            .replace("@CLASS_MODULE@", &self.module())
            .replace("@CLASS@", self.key)
    }
}
