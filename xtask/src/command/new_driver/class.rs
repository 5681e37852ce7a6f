//! The differences between the skeletons for each class of drivers.

const BINDING: &str = include_str!("../../../../templates/driver/binding.rs.in");
const DRIVER: &str = include_str!("../../../../templates/driver/driver.rs.in");
const TESTS: &str = include_str!("../../../../templates/driver/tests.rs.in");

/// A class of drivers.
#[derive(Debug)]
pub(super) struct Class {
    /// The name of the class's table in a board file.
    pub(super) key: &'static str,
    /// The name of the enum of bindings in the class.
    pub(super) variant: &'static str,
    /// Whether a part of the class has an interrupt: `optional`, `required`, or no such key.
    interrupt: Option<&'static str>,
    /// The Rust expression that a binding resolves to, made from `part`.
    resolved: (&'static str, &'static str),
    /// The trait that drivers of the class implement: its module, and stubs of its methods.
    driver: (&'static str, &'static str, &'static str),
    /// What a driver of the class has besides registers: its fields, and their first values.
    state: (&'static str, &'static str),
    /// The golden board that a new golden board extends, and the lines to add.
    golden: (&'static str, &'static str),
}

pub(super) const CLASSES: &[Class] = &[
    Class {
        key: "console",
        variant: "Console",
        interrupt: Some("optional"),
        resolved: (
            "Console",
            "board::Console {\n            interrupt: around.optional_number(&self.interrupt, USUAL)?,\n            transmit: None,\n            part,\n        }",
        ),
        driver: (
            "Console",
            "\nuse super::Console;",
            "    fn write(&mut self, bytes: &[u8]) -> usize {
        // TODO write as many bytes as the transmitter accepts.
        for byte in bytes {
            self.registers.write32(FIRST, u32::from(*byte));
        }
        bytes.len()
    }

    fn read(&mut self) -> Option<u8> {
        // TODO return the received byte, if there is one.
        None
    }

    fn notify_when_writable(&mut self, _notify: bool) {
        // TODO enable or disable the interrupt for transmitter space.
    }

    fn acknowledge_interrupt(&mut self) {
        // TODO acknowledge the interrupt.
    }
",
        ),
        state: ("", ""),
        golden: ("smallest", ""),
    },
    Class {
        key: "ethernet",
        variant: "Ethernet",
        interrupt: Some("optional"),
        resolved: (
            "Ethernet",
            "board::Ethernet {\n            interrupt: around.optional_number(&self.interrupt, USUAL)?,\n            stack: None,\n            part,\n        }",
        ),
        driver: (
            "Ethernet",
            "use crate::dma::{Frame, Frames};
use crate::virtio::{Failure, Pulse, SetupError};

use alloc::rc::Rc;

use super::{Ethernet, LONGEST, Statistics};",
            "    fn start(&mut self) -> Result<(), SetupError> {
        // TODO check that it is this device, reset it, read its address, and start it.
        self.registers.write32(FIRST, 0);
        Ok(())
    }

    fn mac(&self) -> [u8; 6] {
        // TODO return the address that `start` has read.
        [0; 6]
    }

    fn frames(&self) -> &Rc<Frames> {
        &self.frames
    }

    fn link_up(&self) -> bool {
        // TODO return the state of the link, as last read.
        false
    }

    fn has_news(&mut self) -> bool {
        // TODO
        false
    }

    fn arrived(&mut self) -> u16 {
        // TODO return the number of frames that the device has.
        0
    }

    fn receive(&mut self) -> Option<Frame> {
        // TODO take a frame from the pool and copy the device's next frame to it. Check the length.
        None
    }

    fn room(&mut self) -> u16 {
        // TODO return the number of frames of any length that the device has room for.
        0
    }

    fn send(&mut self, frame: Frame) {
        // TODO copy the frame to the device.
        drop(frame);
    }

    fn take_unsent(&mut self) -> usize {
        // TODO
        0
    }

    fn rearm(&mut self) -> bool {
        // TODO enable the interrupt.
        self.has_news()
    }

    fn acknowledge_interrupt(&mut self) {
        // TODO acknowledge and disable the interrupt.
    }

    fn pulse(&mut self) -> Pulse {
        // TODO return what the device owes, so that the kernel notices if it does not respond.
        Pulse::default()
    }

    fn inspect(&mut self) {
        // TODO read what an interrupt would report.
    }

    fn failure(&self) -> Option<Failure> {
        // TODO
        None
    }

    fn give_up(&mut self) {
        // TODO
    }

    fn statistics(&self) -> Statistics {
        self.statistics
    }
",
        ),
        state: (
            "    frames: Rc<Frames>,\n    statistics: Statistics,\n",
            "            // TODO the number of frames in memory, from the configuration.
            frames: Rc::new(Frames::limited(LONGEST, 8)),
            statistics: Statistics::default(),
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
            "board::InterruptController {\n            number: \"input\",\n            lines: vec![Lines {\n                word: \"@NAME@\",\n                first: 0,\n                count: INPUTS,\n            }],\n            relays: Vec::new(),\n            part,\n        }",
        ),
        driver: (
            "InterruptController",
            "use crate::interrupt::{Interrupt, InterruptController};",
            "    fn initialize(&mut self) {
        // TODO disable every line, clear pending interrupts, unmask every priority.
        self.registers.write32(FIRST, 0);
    }

    fn enable(&mut self, _interrupt: Interrupt) {
        // TODO
    }

    fn disable(&mut self, _number: u32) {
        // TODO
    }

    fn claim(&mut self) -> Option<u32> {
        // TODO check a number from the device before using it as an index.
        None
    }

    fn complete(&mut self, _number: u32) {
        // TODO
    }
",
        ),
        state: ("", ""),
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
        state: ("", ""),
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
        // TODO convert from the clock's unit.
        Some(Duration::from_secs(self.registers.read32(FIRST).into()))
    }
",
        ),
        state: ("", ""),
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
        // TODO convert ticks to nanoseconds.
        self.registers.read32(FIRST).into()
    }

    fn set_deadline(&mut self, _deadline: Option<u64>) {
        // TODO
    }

    fn frequency(&self) -> u64 {
        // TODO return the frequency from the configuration.
        1_000_000
    }
",
        ),
        state: ("", ""),
        golden: ("smallest", "interrupt = { spi = 20 }\n"),
    },
];

/// Returns the class with this name.
pub(super) fn named(key: &str) -> Result<&'static Class, String> {
    let found = CLASSES.iter().find(|class| class.key == key);
    found.ok_or_else(|| {
        let all: Vec<&str> = CLASSES.iter().map(|class| class.key).collect();
        format!("there are {}", all.join(", "))
    })
}

/// Returns the type name of a driver: `MyUart` for `my-uart`.
pub(super) fn type_name(name: &str) -> String {
    let parts = name.split('-').map(|part| {
        let (first, rest) = part.split_at(1.min(part.len()));
        first.to_uppercase() + rest
    });
    parts.collect()
}

impl Class {
    /// Returns the module that contains the drivers of the class.
    pub(super) fn module(&self) -> String {
        self.key.replace('-', "_")
    }

    fn is_controller(&self) -> bool {
        self.key == "interrupt-controller"
    }

    /// Returns the path of the binding.
    pub(super) fn binding(&self, name: &str) -> String {
        let controller = self.is_controller();
        let pick = |with: &'static str, without: &'static str| match self.interrupt {
            Some(_) => with,
            None => without,
        };
        let key = self.interrupt.map(|presence| {
            format!(
                "        /// The device's interrupt.\n        interrupt: Interrupt => {presence},\n"
            )
        });
        let usual = "\n/// TODO the trigger of the device's interrupt, with the section of the data sheet.\nconst USUAL: board::Trigger = board::Trigger::Level;\n";
        let claim = "        let key = format!(\"{}.interrupt\", self.place.path);\n        claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Shared, USUAL);\n";
        let inputs = "\nimpl Controller for @TYPE@ {\n    fn inputs(&self) -> Vec<Inputs> {\n        vec![Inputs {\n            space: SPACE,\n            cell: None,\n            first: 0,\n            least: 0,\n            count: INPUTS,\n            private: None,\n        }]\n    }\n\n    fn delivers(&self, _msi: board::Msi) -> Delivery {\n        Delivery::No(\"it does not support messages\")\n    }\n}\n";
        let space = "\n/// The interrupt space in which board files number the controller's inputs.\nconst SPACE: Space = Space::new(\"@NAME@\");\n/// TODO the number of inputs.\nconst INPUTS: u32 = 32;\n";
        let spaces = "    const SPACES: &'static [schema::Space] = &[schema::Space {\n        word: SPACE.word(),\n        doc: \"TODO An input of this controller, and the number of the first one.\",\n        first: 0,\n        count: INPUTS,\n    }];\n";
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
            .replace("@CLAIMS_USE@", pick("Claims, Rule, Wiring", "Claims, Rule"))
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

    /// Returns the path of the driver.
    pub(super) fn driver(&self, name: &str) -> String {
        let (of, used, methods) = self.driver;
        let (fields, initial) = self.state;
        let with_registers = match initial {
            "" => "Self { registers }".to_owned(),
            _ => format!("Self {{\n            registers,\n{initial}        }}"),
        };
        let text = DRIVER
            .replace("@TRAIT_USE@", used)
            .replace("@TRAIT@", of)
            .replace("@METHODS@", methods)
            .replace("@CONST@", if initial.is_empty() { "const " } else { "" })
            .replace("@FIELDS@", fields)
            .replace("@INITIAL@", &with_registers)
            .replace("@CONFIG_TYPE@", "Config");
        self.filled(&text, name)
    }

    /// Returns the path of the driver's tests.
    pub(super) fn tests(&self, name: &str) -> String {
        self.filled(TESTS, name)
    }

    /// Returns the path of the golden board.
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
