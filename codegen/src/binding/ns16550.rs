//! UARTs of the 16550 family (National Semiconductor PC16550D).

use super::uart;
use crate::board::{self, Architecture};
use crate::board::{Block, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{self, Address, Field, Frequency, Interrupt, Located, Number, Port, Size};
use crate::machine::device::Device;
use crate::part::claims::{Claimed, Claims, Extent, Rule, Wiring};
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// A UART of the 16550 family: eight registers of a byte each.
    pub struct Ns16550 {
        /// The first address of the UART's registers, if they are in memory.
        base: Address => optional,
        /// The first of the UART's eight I/O ports, if its registers are in I/O space.
        port: Port => optional,
        /// The size of the UART's registers in memory. Without it, the size of eight registers.
        size: Size => optional,
        /// The distance between two registers of the UART.
        stride: Size => default("1 bytes"),
        /// The width of an access to a register: 1, 2 or 4 bytes.
        width: Size => default("1 bytes"),
        /// The UART's interrupt. Without it, the kernel polls for output space and reads no input.
        interrupt: Interrupt => optional,
        /// The frequency of the UART's reference clock, at the input of the divider.
        clock: Frequency => required,
        /// The baud rate to set. Without it, firmware's setting is kept.
        baud: Number<1, 4_000_000> => optional,
    }
}

/// The interrupt is level-triggered: the line stays asserted until its cause is cleared (PC16550D,
/// 8.6).
const USUAL: board::Trigger = board::Trigger::Level;

/// The number of registers (PC16550D, table II).
const REGISTERS: u64 = 8;

/// The allowed deviation of the baud rate in percent: with 5 %, the tenth bit is sampled half a bit
/// too early or too late.
const TOLERANCE: u64 = 3;

/// The layout of the registers: the distance between two, and the width of an access, both in
/// bytes.
#[derive(Clone, Copy)]
struct Layout {
    stride: u64,
    width: u64,
}

impl Ns16550 {
    /// Returns the stride and the width of accesses; `None` if one of them is invalid.
    fn layout(&self) -> Option<Layout> {
        let (stride, width) = (self.stride.value()?.0, self.width.value()?.0);
        let sound =
            matches!(width, 1 | 2 | 4) && (width..=0x1000).contains(&stride) && stride % width == 0;
        sound.then_some(Layout { stride, width })
    }

    /// Returns the size of the registers, up to the end of the last stride.
    fn least(layout: Layout) -> u64 {
        REGISTERS * layout.stride
    }

    /// Returns whether the UART's registers are in memory, as opposed to I/O ports, and their
    /// range.
    fn registers(&self) -> Option<(bool, board::Range)> {
        let least = Self::least(self.layout()?);
        if let Some(port) = self.port.optional()? {
            let base = port.value.0.into();
            return Some((false, board::Range { base, size: least }));
        }
        let size = self.size.optional()?.map_or(least, |size| size.value.0);
        let base = self.base.value()?.0;
        Some((true, board::Range { base, size }))
    }

    /// Returns the driver and its configuration for `board.rs`; `None` if the registers are
    /// missing.
    fn code(&self, layout: Layout, clock: u64, baud: Option<u32>) -> Option<board::Code> {
        let (in_memory, range) = self.registers()?;
        let width = match layout.width {
            1 => "ns16550::Width::Bits8",
            2 => "ns16550::Width::Bits16",
            _ => "ns16550::Width::Bits32",
        };
        let places = vec![
            ("stride", Value::Hexadecimal(layout.stride)),
            ("width", Value::path(width)),
        ];
        let mut imports = vec![
            ("vmos_drivers::console::ns16550", "self"),
            ("vmos_drivers::console::ns16550", "Ns16550"),
        ];
        let (driver, config_type, registers, processor) = match in_memory {
            true => {
                imports.extend([
                    ("vmos_drivers::mmio", "Mmio"),
                    ("vmos_drivers::address", "Range"),
                ]);
                ("Ns16550<Mmio>", "Range", Value::Range(range), Vec::new())
            }
            false => {
                imports.extend([
                    ("vmos_drivers::port", "PortRange"),
                    ("vmos_drivers::port", "Ports"),
                    ("vmos_drivers::port", "PortIo"),
                ]);
                let ports = Value::Ports(u16::try_from(range.base).ok()?, range.size);
                ("Ns16550<Ports<P>>", "PortRange", ports, vec!["PortIo"])
            }
        };
        let config = vec![
            ("registers", registers),
            ("layout", Value::structure("ns16550::Layout", places)),
            ("clock", Value::Decimal(clock)),
            ("baud", uart::baud(baud)),
        ];
        Some(board::Code {
            imports,
            driver: driver.to_owned(),
            config_type: format!("ns16550::Config<{config_type}>"),
            config: Value::structure("ns16550::Config", config),
            processor,
        })
    }

    /// Reports a UART with neither or both of `base` and `port`, and ports on a processor without
    /// them.
    /// Returns the I/O port that `base` seems to be: on a PC, so low an address is RAM.
    fn port_for_base(&self, architecture: Option<Architecture>) -> Option<u64> {
        let base = self.base.value()?.0;
        let is_port = architecture == Some(Architecture::X86_64) && base <= u64::from(u16::MAX);
        is_port.then_some(base)
    }

    fn check_place(&self, around: &Surroundings<'_>, problems: &mut Problems) {
        let architecture = around.architecture();
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
                        .label("a UART is either in memory or at I/O ports")
                        .also(base.at, "in memory"),
                );
            }
            (Field::Given(base), Field::Absent) => {
                let known = architecture.map(|known| known.value);
                if let Some(port) = self.port_for_base(known) {
                    let title = format!("`{}` is in the first RAM of a PC", base.path);
                    problems.report(
                        Diagnostic::new(Code::BadAddress, base.at, title)
                            .label(
                                "a PC has no registers there, but has an I/O port of this number",
                            )
                            .help(format!(
                                "write port = {} in place of `base`",
                                language::port(port)
                            )),
                    );
                }
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
            let title = format!("`{}` is not a valid access width", width.path);
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
            format!("the divisor would be {divisor}, outside the range 1 to 65535")
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
        if self.port_for_base(claims.architecture()).is_some() {
            // It is reported as a port.
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
            .model("serial-mm")
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

    fn check(&self, around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        self.check_place(around, problems);
        self.check_layout(problems);
        self.check_baud(problems);
    }
}

impl Driver for Ns16550 {
    const NAME: &'static str = "ns16550";
    const KINDS: &'static [&'static str] =
        &["ns16550a", "ns16550", "snps,dw-apb-uart", "isa-serial"];
    const MODELS: &'static [&'static str] = &["serial-mm"];
    type Resolved = board::Console;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let layout = self.layout()?;
        let (in_memory, range) = self.registers()?;
        let clock = self.clock.value()?.0;
        let baud = self.baud.optional()?.map(|baud| baud.value.0);
        let at = if in_memory { "" } else { " at ports" };
        let apart = match (layout.stride, layout.width) {
            (1, 1) => String::new(),
            (stride, width) => format!(", {} bits, {stride:#x} apart", 8 * width),
        };
        let width = u8::try_from(layout.width).unwrap_or(1);
        let lies = |&(name, number): &(&str, u64)| (name.to_owned(), number * layout.stride, width);
        let registers = Block {
            key: self.place.path.clone(),
            base: range.base,
            registers: NAMES.iter().map(lies).collect(),
        };
        Some(board::Console {
            interrupt: around.optional_number(&self.interrupt, USUAL)?,
            transmit: None,
            part: board::Part {
                key: self.place.path.clone(),
                card: format!("NS16550{at}, {}{apart}", uart::line(clock, baud)),
                code: self.code(layout, clock, baud)?,
                registers: in_memory.then_some(registers).into_iter().collect(),
                entry: Vec::new(),
            },
        })
    }

    fn import(machine: &Machine<'_>, device: &Device) -> Option<Section> {
        let kind = device.kinds.first()?;
        let section = Section::new("console.ns16550").note(kind.as_str());
        if let Some(first) = device.ports.first() {
            let section = section.line("port", language::port(*first));
            let interrupt = device.interrupts.first().copied().flatten();
            // ISA devices signal with an edge.
            let interrupt = interrupt.map(|gsi| format!("{{ gsi = {gsi}, trigger = \"edge\" }}"));
            return Some(machine.clock(section.optional("interrupt", interrupt), device));
        }
        let shift = device.number("reg-shift").or(device.number("regshift"));
        let shift = shift.filter(|shift| (1..=12).contains(shift));
        let width = device.number("reg-io-width").filter(|width| *width > 1);
        let section = machine
            .registers(section, device, REGISTERS)
            .optional("stride", shift.map(|shift| Size(1 << shift).written()))
            .optional("width", width.map(|width| Size(u64::from(width)).written()));
        Some(machine.clock(machine.own_interrupt(section, device), device))
    }
}

/// The registers whose reading has no side effect, with their numbers (PC16550D, table II).
const NAMES: &[(&str, u64)] = &[("IER", 1), ("LCR", 3), ("MCR", 4), ("SCR", 7)];
