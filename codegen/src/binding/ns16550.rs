//! UARTs of the 16550 family (National Semiconductor PC16550D).

use super::{Binding, Driver, place};
use crate::board::{self, Architecture};
use crate::check::Claimed;
use crate::check::claims::{Claims, Extent, Rule, Wiring};
use crate::description::table::table;
use crate::description::{
    Address, Description, Field, Frequency, Interrupt, Located, Number, Port, Size,
};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::machine::expect::Expected;

table! {
    /// A UART of the 16550 family: eight registers of a byte each.
    pub struct Ns16550 {
        /// The first address of its registers, if they are in memory.
        base: Address => optional,
        /// The first of its eight I/O ports, if they are in I/O space.
        port: Port => optional,
        /// The size of its registers in memory. Without it, the size of eight registers.
        size: Size => optional,
        /// The distance between registers.
        stride: Size => default("1 bytes"),
        /// The width of an access to a register: 1, 2 or 4 bytes.
        width: Size => default("1 bytes"),
        /// Its interrupt. Without it, the kernel polls for output space and reads no input.
        interrupt: Interrupt => optional,
        /// The frequency of its reference clock, at the input of the divider.
        clock: Frequency => required,
        /// The baud rate to set. Without it, firmware's setting is kept.
        baud: Number<1, 4_000_000> => optional,
    }
}

/// The line is asserted for as long as there is a cause (PC16550D, 8.6).
const USUAL: board::Trigger = board::Trigger::Level;

/// How many registers there are (PC16550D, table II).
const REGISTERS: u64 = 8;

/// By how many percent a baud rate may be off: at the tenth bit, half of one is lost at five.
const TOLERANCE: u64 = 3;

impl Ns16550 {
    /// The stride and the width of accesses; `None` if one of them is bad.
    fn layout(&self) -> Option<board::RegisterLayout> {
        let (stride, width) = (self.stride.value()?.0, self.width.value()?.0);
        let sound =
            matches!(width, 1 | 2 | 4) && (width..=0x1000).contains(&stride) && stride % width == 0;
        sound.then_some(board::RegisterLayout { stride, width })
    }

    /// What the registers take, up to the end of the last stride.
    fn least(layout: board::RegisterLayout) -> u64 {
        REGISTERS * layout.stride
    }

    fn registers(&self) -> Option<board::Registers> {
        let least = Self::least(self.layout()?);
        if let Some(port) = self.port.optional()? {
            let base = port.value.0.into();
            return Some(board::Registers::Ports(board::Range { base, size: least }));
        }
        let size = self.size.optional()?.map_or(least, |size| size.value.0);
        let base = self.base.value()?.0;
        Some(board::Registers::Memory(board::Range { base, size }))
    }

    /// It is in memory or has ports, and only a processor with ports reaches those.
    fn check_place(&self, description: &Description, problems: &mut Problems) {
        let identity = description.board.value();
        let architecture = identity.and_then(|identity| identity.architecture.get());
        match (&self.base, &self.port) {
            (Field::Absent, Field::Absent) => {
                let title = format!("[{}] has no address", self.place.path);
                problems.report(
                    Diagnostic::new(Code::MissingKey, self.place.at, title)
                        .label("needs `base`, or `port` on a processor with I/O ports"),
                );
            }
            (Field::Given(base), Field::Given(port)) => {
                let title = format!("`{}` and `{}` exclude each other", base.path, port.path);
                problems.report(
                    Diagnostic::new(Code::DuplicateKey, port.at, title)
                        .label("either in memory or at ports")
                        .also(base.at, "in memory"),
                );
            }
            (Field::Absent, Field::Given(port)) => {
                let has_ports = |known: &Architecture| *known == Architecture::X86_64;
                if let Some(known) = architecture.filter(|known| !has_ports(&known.value)) {
                    let title = format!("a processor of {} has no I/O ports", known.value);
                    problems.report(
                        Diagnostic::new(Code::WrongArchitecture, port.at, title)
                            .label("needs `base`")
                            .also(known.at, "the board's architecture"),
                    );
                }
            }
            _ => {}
        }
    }

    fn check_layout(&self, problems: &mut Problems) {
        let Some(width) = self.width.get() else {
            return;
        };
        if !matches!(width.value.0, 1 | 2 | 4) {
            let title = format!("`{}` is not a width of an access", width.path);
            problems.report(
                Diagnostic::new(Code::BadNumber, width.at, title)
                    .label("must be \"1 bytes\", \"2 bytes\" or \"4 bytes\""),
            );
            return;
        }
        let Some(stride) = self.stride.get() else {
            return;
        };
        let of_width = |diagnostic: Diagnostic| diagnostic.also(width.at, "the width of an access");
        let (bytes, width) = (stride.value.0, width.value.0);
        if bytes < width {
            let title = "the stride is smaller than a register";
            problems.report(of_width(
                Diagnostic::new(Code::BlockTooSmall, stride.at, title)
                    .label(format!("an access takes {width} bytes")),
            ));
        } else if bytes % width != 0 {
            let title = format!("`{}` is not a multiple of {width} bytes", stride.path);
            problems.report(of_width(
                Diagnostic::new(Code::Misaligned, stride.at, title)
                    .label("registers are aligned to their width"),
            ));
        } else if bytes > 0x1000 {
            let title = format!("`{}` is more than a page", stride.path);
            problems.report(
                Diagnostic::new(Code::BadNumber, stride.at, title)
                    .label("registers lie at most 4 KiB apart"),
            );
        }
    }

    fn check_baud(&self, problems: &mut Problems) {
        let (Some(clock), Some(baud)) = (self.clock.get(), self.baud.get()) else {
            return;
        };
        let rate = u64::from(baud.value.0);
        let sixteenths = 16 * rate;
        // The divisor has 16 bits and is not 0 (PC16550D, 8.3).
        let divisor = clock.value.0.saturating_add(sixteenths / 2) / sixteenths;
        let label = if (1..=u64::from(u16::MAX)).contains(&divisor) {
            let nearest = clock.value.0 / (16 * divisor);
            if 100 * nearest.abs_diff(rate) <= TOLERANCE * rate {
                return;
            }
            format!("the nearest rate is {nearest}")
        } else {
            format!("the divisor would be {divisor}, not from 1 to 65535")
        };
        problems.report(bad_baud(baud, clock, label));
    }
}

fn bad_baud(
    baud: &Located<Number<1, 4_000_000>>,
    clock: &Located<Frequency>,
    label: String,
) -> Diagnostic {
    let title = format!("{} baud is not possible with this clock", baud.value.0);
    Diagnostic::new(Code::BadBaud, baud.at, title)
        .label(label)
        .also(clock.at, format!("{} Hz", clock.value.0))
}

impl Binding for Ns16550 {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        let key = format!("{}.interrupt", self.place.path);
        claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Shared, USUAL);
        let layout = self.layout();
        if !self.port.is_absent() {
            claims.ports(&self.place.path, &self.port, layout.map_or(1, Self::least));
            return;
        }
        let alignment = layout.map_or(1, |layout| layout.width);
        let least = layout.map_or(1, Self::least);
        let rule = Rule {
            size: 1,
            ..Rule::registers("the registers of an NS16550", alignment, least)
        };
        let extent = match self.size.optional() {
            Some(Some(size)) => Some(Extent::from(size)),
            Some(None) => layout.zip(self.base.get()).map(|(layout, base)| Extent {
                bytes: Self::least(layout),
                at: base.at,
            }),
            None => None,
        };
        claims.range(&self.place.path, &self.base, extent, rule);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, &["ns16550a", "ns16550", "snps,dw-apb-uart"])
            .model("isa-serial")
            .ports(&self.port, |port| port.0.into())
            .registers(0, &self.place.path, &self.base, &self.size)
            .number_or(
                "reg-shift",
                0,
                &self.stride,
                |stride| stride.0.checked_ilog2(),
                |shift| Size(1_u64.checked_shl(shift).unwrap_or(1)).written(),
            )
            .number_or(
                "reg-io-width",
                1,
                &self.width,
                |width| u32::try_from(width.0).ok(),
                |width| Size(width.into()).written(),
            )
            .interrupt(0, &self.interrupt)
            .clock(&self.clock);
    }

    fn choices(&self) -> &'static [&'static str] {
        &["baud"]
    }

    fn check(&self, description: &Description, _claimed: &Claimed, problems: &mut Problems) {
        self.check_place(description, problems);
        self.check_layout(problems);
        self.check_baud(problems);
    }
}

impl Driver for Ns16550 {
    const NAME: &'static str = "ns16550";
    type Resolved = board::Console;

    fn resolve(&self, description: &Description) -> Option<Self::Resolved> {
        let interrupt = match self.interrupt.optional()? {
            Some(interrupt) => Some(description.number(interrupt.value, 1, USUAL)?),
            None => None,
        };
        Some(board::Console::Ns16550 {
            registers: self.registers()?,
            layout: self.layout()?,
            interrupt,
            clock: self.clock.value()?.0,
            baud: self.baud.optional()?.map(|baud| baud.value.0),
        })
    }
}
