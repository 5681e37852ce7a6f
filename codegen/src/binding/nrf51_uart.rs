//! The UART of the nRF51 series (nRF51 Series Reference Manual 3.0, chapter 29).

use super::nrf51;
use crate::board::{self, Architecture, Block, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{Address, Interrupt, Number, Size};
use crate::part::claims::{Claimed, Claims, Rule, Wiring};
use crate::part::expect::Expected;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// The UART of the nRF51 series.
    pub struct Nrf51Uart {
        /// The first address of the device's registers.
        base: Address => required,
        /// The size of the device's registers.
        size: Size => default("4 KiB"),
        /// The UART's interrupt. Without it, the kernel reads no input and polls for output space.
        interrupt: Interrupt => optional,
        /// The number of the pin that transmits.
        transmit_pin: Number<0, 31> => required,
        /// The number of the pin that receives. Without it, the UART only transmits.
        receive_pin: Number<0, 31> => optional,
        /// The baud rate to set.
        baud: Number<1_200, 1_000_000> => required,
    }
}

/// An event asserts the interrupt until it is cleared (manual, 9.1.5).
const USUAL: board::Trigger = board::Trigger::Level;

impl Binding for Nrf51Uart {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::ArmV6M])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule::registers("a UART of the nRF51", 0x1000, 0x1000);
        claims.device(&self.place, &self.base, &self.size, rule);
        let key = format!("{}.interrupt", self.place.path);
        claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Shared, USUAL);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, Self::KINDS)
            .model("nrf51_soc.uart")
            .registers(0, &self.place.path, &self.base, &self.size)
            .interrupt(0, &self.interrupt);
    }

    fn choices(&self) -> &'static [&'static str] {
        &["baud", "transmit-pin", "receive-pin"]
    }

    fn check(&self, _around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        nrf51::check(&self.base, &self.interrupt, problems);
        let (Some(transmit), Some(receive)) = (self.transmit_pin.get(), self.receive_pin.get())
        else {
            return;
        };
        if transmit.value.0 == receive.value.0 {
            let title = format!("pin {} both transmits and receives", receive.value.0);
            problems.report(
                Diagnostic::new(Code::BadNumber, receive.at, title)
                    .label("the same pin as the transmitter's")
                    .also(transmit.at, "the pin that transmits"),
            );
        }
    }
}

impl Driver for Nrf51Uart {
    const NAME: &'static str = "nrf51-uart";
    const MODELS: &'static [&'static str] = &["nrf51_soc.uart"];
    type Resolved = board::Console;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let registers = board::Range {
            base: self.base.value()?.0,
            size: self.size.value()?.0,
        };
        let baud = self.baud.value()?.0;
        let transmit = self.transmit_pin.value()?.0;
        let receive = self.receive_pin.optional()?.map(|pin| pin.value.0);
        let config = vec![
            ("registers", Value::Range(registers)),
            ("transmit_pin", Value::Decimal(transmit.into())),
            (
                "receive_pin",
                Value::optional(receive.map(|pin| Value::Decimal(pin.into()))),
            ),
            ("baud", Value::Decimal(baud.into())),
        ];
        Some(board::Console {
            interrupt: around.optional_number(&self.interrupt, USUAL)?,
            transmit: None,
            part: board::Part {
                key: self.place.path.clone(),
                card: format!("nRF51 UART, {baud} baud"),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::console::nrf51_uart", "self"),
                        ("vmos_drivers::console::nrf51_uart", "Nrf51Uart"),
                        ("vmos_drivers::mmio", "Mmio"),
                    ],
                    driver: "Nrf51Uart<Mmio>".to_owned(),
                    config_type: "nrf51_uart::Config".to_owned(),
                    config: Value::structure("nrf51_uart::Config", config),
                    processor: Vec::new(),
                },
                registers: vec![Block::fixed(&self.place.path, registers.base, REGISTERS)],
                entry: Vec::new(),
            },
        })
    }
}

/// The registers for a debugger (manual, 29.10), without RXD, because reading it removes a received
/// byte.
const REGISTERS: &[(&str, u64, u8)] = &[
    ("EVENTS_RXDRDY", 0x108, 4),
    ("EVENTS_TXDRDY", 0x11C, 4),
    ("INTENSET", 0x304, 4),
    ("ENABLE", 0x500, 4),
    ("PSELTXD", 0x50C, 4),
    ("PSELRXD", 0x514, 4),
    ("BAUDRATE", 0x524, 4),
];
