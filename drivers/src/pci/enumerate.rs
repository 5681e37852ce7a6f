//! Bus enumeration: finds every function, sizes and assigns its BARs, and determines its interrupt
//! line.

use alloc::vec::Vec;
use core::fmt;

use super::assign::Pool;
use super::bar::{self, Bar, BarError, Kind, Sized};
use super::capability::{Capabilities, EXPRESS};
use super::function::Function;
use super::{Address, ConfigurationSpace, command, register, set_command};
use crate::address::Range;
use crate::board::{BarAssignment, PciHostBridge};
use crate::interrupt::Interrupt;

/// The largest number of functions.
const MOST_FUNCTIONS: usize = 256;
/// The largest number of nested bridges.
const DEPTH: usize = 8;
/// The granularity of a bridge's memory windows, in bytes.
const BRIDGE_WINDOW: u64 = 1 << 20;

const MULTI_FUNCTION: u32 = 1 << 23;
const HEADER_TYPE: u32 = 0x7f << 16;
const BRIDGE: u32 = 1 << 16;

/// Why the enumeration ended early. The functions found before remain usable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EnumerateError {
    /// There are too many functions.
    TooManyFunctions,
    /// There are more buses than the configuration space covers.
    TooManyBuses {
        /// The bridge without a bus number.
        bridge: Address,
    },
    /// Too many bridges are nested.
    TooDeep {
        /// The bridge whose bus was skipped.
        bridge: Address,
    },
    /// Firmware has assigned an invalid number to the bus behind a bridge.
    BusNumber {
        /// The address of the bridge.
        bridge: Address,
        /// The invalid bus number.
        secondary: u8,
    },
    /// There is no memory for the list of functions.
    OutOfMemory,
}

impl fmt::Display for EnumerateError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyFunctions => {
                write!(
                    f,
                    "more than {MOST_FUNCTIONS} PCI functions; the rest is ignored"
                )
            }
            Self::TooManyBuses { bridge } => {
                write!(f, "no bus number is left for the bus of bridge {bridge}")
            }
            Self::TooDeep { bridge } => {
                write!(
                    f,
                    "bridge {bridge} is nested below {DEPTH} others; its bus is ignored"
                )
            }
            Self::BusNumber { bridge, secondary } => {
                write!(f, "bridge {bridge} has the invalid bus {secondary}")
            }
            Self::OutOfMemory => f.write_str("no memory left for the list of PCI functions"),
        }
    }
}

impl core::error::Error for EnumerateError {}

/// Finds every function behind `host`, and assigns bus numbers and BARs if firmware has not.
/// Functions stay disabled: see [`Function::enable`]. Also returns the first problem that hid a
/// function.
pub fn enumerate(
    space: &mut impl ConfigurationSpace,
    host: &PciHostBridge,
) -> (Vec<Function>, Option<EnumerateError>) {
    enumerate_of(space, host, |_| true)
}

/// Does the same as [`enumerate`] for the functions whose vendor is `wanted`. Of the other
/// functions, the list contains only bridges, which are sized and assigned for the functions behind
/// them.
pub fn enumerate_of(
    space: &mut impl ConfigurationSpace,
    host: &PciHostBridge,
    wanted: impl Fn(u16) -> bool,
) -> (Vec<Function>, Option<EnumerateError>) {
    let mut walk = Walk {
        space,
        host,
        wanted,
        memory32: Pool::new(host.memory32),
        memory64: Pool::new(host.memory64),
        next_bus: 1,
        above: [0; DEPTH],
        found: Vec::new(),
        problem: None,
    };
    walk.bus(
        0,
        Place {
            depth: 0,
            wide_prefetchable: true,
            requester: None,
        },
    );
    (walk.found, walk.problem)
}

/// The position of a bus in the hierarchy.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    /// Whether prefetchable memory may be above 4 GiB.
    wide_prefetchable: bool,
    /// The requester ID that a bridge above the bus substitutes for those of the functions here;
    /// `None` if no bridge does.
    requester: Option<u16>,
}

struct Walk<'a, C, W> {
    space: &'a mut C,
    host: &'a PciHostBridge,
    wanted: W,
    memory32: Pool,
    memory64: Pool,
    next_bus: u16,
    /// The device numbers of the bridges above this bus.
    above: [u8; DEPTH],
    found: Vec<Function>,
    problem: Option<EnumerateError>,
}

impl<C: ConfigurationSpace, W: Fn(u16) -> bool> Walk<'_, C, W> {
    fn note(&mut self, problem: EnumerateError) {
        self.problem.get_or_insert(problem);
    }

    fn bus(&mut self, bus: u8, place: Place) {
        for device in 0..32 {
            let first = Address::new(bus, device, 0);
            if self.space.read(first, register::ID) & 0xffff == 0xffff {
                continue;
            }
            let header = self.space.read(first, register::HEADER_TYPE);
            let functions = if header & MULTI_FUNCTION != 0 { 8 } else { 1 };
            for function in 0..functions {
                self.function(Address::new(bus, device, function), place);
            }
        }
    }

    fn function(&mut self, address: Address, place: Place) {
        let id = self.space.read(address, register::ID);
        if matches!(id & 0xffff, 0 | 0xffff) {
            return;
        }
        let kind = self.space.read(address, register::HEADER_TYPE) & HEADER_TYPE;
        if kind != BRIDGE && !(self.wanted)(id as u16) {
            // It has no driver that would ever release its interrupt line, which others may share.
            // If the kernel assigns BARs, its own have no addresses.
            let off = match self.host.bars {
                BarAssignment::Kernel => command::MEMORY | command::IO,
                BarAssignment::Firmware => 0,
            };
            set_command(self.space, address, command::INTX_DISABLE, off);
            return;
        }
        // Until a driver uses it; see `Function::enable`.
        set_command(self.space, address, command::INTX_DISABLE, 0);
        if self.found.len() >= MOST_FUNCTIONS {
            return self.note(EnumerateError::TooManyFunctions);
        }
        if self.found.try_reserve(1).is_err() {
            return self.note(EnumerateError::OutOfMemory);
        }
        let class = self.space.read(address, register::CLASS);
        let subsystem = match kind {
            0 => self.space.read(address, register::SUBSYSTEM),
            _ => 0,
        };
        let bars = match kind {
            0 => self.bars(address, 6, place),
            BRIDGE => self.bars(address, 2, place),
            _ => [None; 6],
        };
        let line = self.line(address, place);
        self.found.push(Function {
            address,
            requester: place.requester.unwrap_or(address.requester()),
            vendor: id as u16,
            device: (id >> 16) as u16,
            subsystem: (subsystem as u16, (subsystem >> 16) as u16),
            class: class >> 8,
            revision: class as u8,
            bars,
            line,
        });
        if kind == BRIDGE {
            self.bridge(address, place);
        }
    }

    fn bars(&mut self, address: Address, count: u8, place: Place) -> [Option<Bar>; 6] {
        let mut bars = [None; 6];
        let old = self.space.read(address, register::COMMAND) & 0xffff;
        // While it is sized, a BAR contains an invalid address.
        set_command(self.space, address, 0, command::MEMORY | command::IO);
        let mut index = 0;
        while index < count {
            match bar::size(self.space, address, index, count - 1) {
                Kind::Unused { registers } => index += registers,
                Kind::Memory(sized) => {
                    let range = self.place(address, index, &sized, place);
                    let Sized {
                        size,
                        wide,
                        prefetchable,
                        ..
                    } = sized;
                    bars[usize::from(index)] = Some(Bar {
                        size,
                        wide,
                        prefetchable,
                        range,
                    });
                    index += 1 + u8::from(wide);
                }
            }
        }
        if self.host.bars == BarAssignment::Firmware {
            set_command(self.space, address, old, 0);
        }
        bars
    }

    fn place(
        &mut self,
        address: Address,
        index: u8,
        bar: &Sized,
        place: Place,
    ) -> Result<Range, BarError> {
        let size = bar.size;
        if self.host.bars == BarAssignment::Firmware {
            let outside = BarError::OutsideWindows {
                base: bar.base,
                size,
            };
            let range = Range::new(bar.base, size).ok_or(outside)?;
            let windows = [self.host.memory32, self.host.memory64];
            let inside = windows
                .iter()
                .flatten()
                .any(|window| window.contains(&range));
            return if inside && bar.base.0 != 0 {
                Ok(range)
            } else {
                Err(outside)
            };
        }
        // Behind a bridge, only the prefetchable window reaches above 4 GiB.
        let high = bar.wide && place.wide_prefetchable && (bar.prefetchable || place.depth == 0);
        let base = high
            .then(|| self.memory64.take(size))
            .flatten()
            .or_else(|| self.memory32.take(size))
            .ok_or(BarError::WindowFull { size })?;
        bar::place(self.space, address, index, bar, base)?;
        Ok(Range { base, size })
    }

    /// Returns the interrupt line of the function's pin. Each bridge on the way rotates the pins by
    /// its device number (PCI-to-PCI Bridge 1.2, 9.1).
    fn line(&self, address: Address, place: Place) -> Option<Interrupt> {
        let pin = self.space.read(address, register::INTERRUPT) >> 8 & 0xff;
        if !(1..=4).contains(&pin) {
            return None;
        }
        let mut pin = pin - 1;
        let mut device = u32::from(address.device());
        for bridge in self.above[..place.depth].iter().rev() {
            pin = (pin + device) % 4;
            device = u32::from(*bridge);
        }
        let (slot, pin) = (device as u8, pin as u8);
        self.host.pins.iter().find_map(|pins| pins.line(slot, pin))
    }

    /// Returns the requester ID of functions on the bus `secondary` if the bridge substitutes it. A
    /// bridge from PCI Express to PCI uses device 0 of its secondary bus, a bridge of conventional
    /// PCI its own ID (PCI Express to PCI/PCI-X Bridge 1.0, 2.3). If several bridges do, the one
    /// nearest to the root decides.
    fn requester(&self, bridge: Address, secondary: u8, place: Place) -> Option<u16> {
        const TO_PCI: u16 = 7;
        let mut capabilities = Capabilities::new(&*self.space, bridge);
        let express = capabilities.find(|capability| capability.id == EXPRESS);
        let own = match express.map(|capability| capability.start >> 4 & 0xf) {
            Some(TO_PCI) => Some(Address::new(secondary, 0, 0).requester()),
            Some(_) => None,
            None => Some(bridge.requester()),
        };
        place.requester.or(own)
    }

    fn bridge(&mut self, bridge: Address, place: Place) {
        let numbers = self.space.read(bridge, register::BUS_NUMBERS);
        if place.depth >= DEPTH {
            return self.note(EnumerateError::TooDeep { bridge });
        }
        self.above[place.depth] = bridge.device();
        let numbered = (numbers >> 8) as u8;
        let wide = self.space.read(bridge, register::PREFETCHABLE_WINDOW) & 0xf == 1;
        let mut below = Place {
            depth: place.depth + 1,
            wide_prefetchable: place.wide_prefetchable && wide,
            requester: place.requester,
        };
        if self.host.bars == BarAssignment::Firmware && numbered != 0 {
            below.requester = self.requester(bridge, numbered, place);
            // Bus numbers must ascend; others would form a cycle.
            if u16::from(numbered) < self.next_bus || u16::from(numbered) >= self.space.buses() {
                return self.note(EnumerateError::BusNumber {
                    bridge,
                    secondary: numbered,
                });
            }
            self.next_bus = u16::from(numbered) + 1;
            return self.bus(numbered, below);
        }
        if self.next_bus >= self.space.buses() {
            return self.note(EnumerateError::TooManyBuses { bridge });
        }
        let secondary = self.next_bus as u8;
        self.next_bus += 1;
        below.requester = self.requester(bridge, secondary, place);
        let last = (self.space.buses() - 1) as u8;
        self.number(bridge, numbers, secondary, last);
        let start32 = self.memory32.skip_to(BRIDGE_WINDOW);
        let start64 = self.memory64.skip_to(BRIDGE_WINDOW);
        self.bus(secondary, below);
        self.number(bridge, numbers, secondary, (self.next_bus - 1) as u8);
        let end32 = self.end(start32, self.host.memory32, |walk| &mut walk.memory32);
        let end64 = self.end(start64, self.host.memory64, |walk| &mut walk.memory64);
        self.open(bridge, end32, end64);
        set_command(self.space, bridge, command::MEMORY | command::BUS_MASTER, 0);
    }

    fn number(&mut self, bridge: Address, old: u32, secondary: u8, last: u8) {
        let numbers = u32::from(bridge.bus()) | u32::from(secondary) << 8 | u32::from(last) << 16;
        self.space
            .write(bridge, register::BUS_NUMBERS, old & 0xff00_0000 | numbers);
    }

    /// Returns the first and the last address allocated from a pool since `start`, in the
    /// granularity of a bridge.
    fn end(
        &mut self,
        start: Option<u64>,
        window: Option<Range>,
        pool: impl Fn(&mut Self) -> &mut Pool,
    ) -> Option<(u64, u64)> {
        let start = start?;
        let pool = pool(self);
        let end = pool.position(window);
        if end == start {
            return None;
        }
        pool.skip_to(BRIDGE_WINDOW);
        Some((start, (end - 1) | (BRIDGE_WINDOW - 1)))
    }

    /// Sets the bridge's windows. A window whose base is above its limit is closed (PCI-to-PCI
    /// Bridge 1.2, 3.2.5.8).
    fn open(
        &mut self,
        bridge: Address,
        memory: Option<(u64, u64)>,
        prefetchable: Option<(u64, u64)>,
    ) {
        let window = |range: Option<(u64, u64)>| match range {
            Some((first, last)) => (first >> 16) as u32 & 0xfff0 | last as u32 & 0xfff0_0000,
            None => 0x0000_fff0,
        };
        let (first, last) = prefetchable.unwrap_or((0, 0));
        let space = &mut *self.space;
        space.write(bridge, register::MEMORY_WINDOW, window(memory));
        space.write(bridge, register::PREFETCHABLE_WINDOW, window(prefetchable));
        space.write(
            bridge,
            register::PREFETCHABLE_BASE_UPPER,
            (first >> 32) as u32,
        );
        space.write(
            bridge,
            register::PREFETCHABLE_LIMIT_UPPER,
            (last >> 32) as u32,
        );
    }
}
