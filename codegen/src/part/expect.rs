//! The data that a binding expects in the machine.
//!
//! A binding states the names of its part in the machine and how its keys correspond to the
//! machine's data:
//!
//! ```text
//! expected
//!     .part(&self.place, &["arm,pl011"])
//!     .model("pl011")
//!     .registers(0, &self.place.path, &self.base, &self.size)
//!     .interrupt(0, &self.interrupt)
//!     .clock(&self.clock);
//! ```
//!
//! The names are `compatible` strings of device tree nodes, and QEMU's name of the model for
//! machines without a device tree. An absent or invalid key is not compared.

use crate::board::BarAssignment;
use crate::language::interned::interned;
use crate::language::{Address, Field, Frequency, Interrupt, Located, Number, Place, Size};
use crate::machine::device::WindowKind;

/// The expectations of all bindings of a board.
#[derive(Debug, Default)]
pub struct Expected {
    pub(crate) parts: Vec<Part>,
}

impl Expected {
    /// Adds a part of the machine that the table at `place` describes. Its device tree node is
    /// compatible with one of `compatible`.
    pub fn part(&mut self, place: &Place, compatible: &'static [&'static str]) -> &mut Part {
        self.add(place, compatible.to_vec())
    }

    /// Adds a part whose kind a file of the workspace defines.
    pub(crate) fn own_part(&mut self, place: &Place, compatible: &[&str]) -> &mut Part {
        self.add(place, compatible.iter().map(|one| interned(one)).collect())
    }

    fn add(&mut self, place: &Place, compatible: Vec<&'static str>) -> &mut Part {
        self.parts.push(Part {
            place: place.clone(),
            kinds: compatible.clone(),
            compatible,
            registers: Vec::new(),
            row: None,
            facts: Vec::new(),
            not_there: Vec::new(),
            within: Vec::new(),
        });
        let last = self.parts.len() - 1;
        &mut self.parts[last]
    }
}

/// A part of the machine, as described.
#[derive(Debug)]
pub struct Part {
    pub(crate) place: Place,
    pub(crate) compatible: Vec<&'static str>,
    /// The part's `compatible` strings and QEMU's names.
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) registers: Vec<Registers>,
    pub(crate) row: Option<Row>,
    pub(crate) facts: Vec<Fact>,
    /// Claims that do not exist in the machine.
    pub(crate) not_there: Vec<String>,
    /// Claims that are only a part of a device's registers.
    pub(crate) within: Vec<String>,
}

/// An expected range of registers.
#[derive(Debug)]
pub(crate) struct Registers {
    /// The index of the range in the device.
    pub(crate) nth: usize,
    /// The key of the claim.
    pub(crate) key: String,
    pub(crate) base: Located<u64>,
    pub(crate) size: Option<Located<u64>>,
    /// Whether the machine may have more registers of this kind than described.
    pub(crate) or_less: bool,
}

/// A row of equal devices, such as virtio-mmio slots.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) base: Option<Located<u64>>,
    pub(crate) stride: Option<Located<u64>>,
    pub(crate) count: Option<Located<u64>>,
    pub(crate) interrupt: Option<Located<Interrupt>>,
}

/// An expected property of another kind.
#[derive(Debug)]
pub(crate) enum Fact {
    /// The n-th interrupt of the device.
    Interrupt(usize, Located<Interrupt>),
    /// The first I/O port of the device.
    Ports(Located<u64>),
    /// The frequency of the device's clock.
    Clock(Located<u64>),
    /// The frequency of the processor's counter.
    Timebase(Located<u64>),
    /// An extension of a RISC-V hart, as the property `riscv,isa` writes it after an underscore.
    Extension(&'static str),
    /// A number in the device's node, with the name of the property.
    Number(&'static str, Located<u64>),
    /// The number of inputs, with the name of the property. The property may count input 0, which
    /// does not exist.
    Sources(&'static str, Located<u64>),
    /// A number in the device's node whose unit differs from that of the key.
    NumberOr {
        /// The name of the property.
        name: &'static str,
        /// The number to assume if a device tree's node lacks the property.
        usual: Option<u32>,
        /// The key's value in the node's unit.
        number: Located<u64>,
        /// Converts the node's number to the notation of the key.
        written: fn(u32) -> String,
    },
    /// A frequency in QEMU's properties of the device, with the name of the property.
    Hertz(&'static str, Located<u64>),
    /// The frequency of a clock input of QEMU's device, with the name of the input. QEMU states three
    /// digits of it.
    ClockInput(&'static str, Located<u64>),
    /// A string in the device's node, with the name of the property.
    Word(&'static str, Located<&'static str>),
    /// The number of buses of a PCI host bridge.
    Buses(Located<u64>),
    /// A window of a PCI host bridge, with the key of the claim.
    Window(WindowKind, String, Located<u64>, Located<u64>),
    /// The interrupt of pin INTA of slot 0.
    Intx(Located<Interrupt>),
    /// The four lines that the pins of all slots share in turn.
    IntxLines(Vec<Located<Interrupt>>),
    /// Ranges of PCI slots that have their own wiring.
    SlotLines(SlotLines),
    /// Who assigns addresses to PCI functions.
    Bars(Located<BarAssignment>),
}

/// A row of PCI slots, with the interrupts of pins A to D of each.
#[derive(Debug)]
pub(crate) struct SlotLines {
    pub(crate) first: Located<u64>,
    pub(crate) last: Located<u64>,
    pub(crate) lines: Vec<Located<Interrupt>>,
}

impl Part {
    /// Returns the path of the table that describes the part.
    pub(crate) fn path(&self) -> &str {
        &self.place.path
    }

    /// Sets the name of the part's model in QEMU.
    pub fn model(&mut self, name: &'static str) -> &mut Self {
        self.kinds.push(name);
        self
    }

    /// Expects registers: the device's n-th range, which the board claims under `key`.
    pub fn registers(
        &mut self,
        nth: usize,
        key: &str,
        base: &Field<Address>,
        size: &Field<Size>,
    ) -> &mut Self {
        let size = size.get().map(|size| size.with(size.value.0));
        if let Some(base) = base.get() {
            self.registers.push(Registers {
                nth,
                key: key.to_owned(),
                base: base.with(base.value.0),
                size,
                or_less: false,
            });
        }
        self
    }

    /// Allows the machine to have more of the last registers than described.
    pub fn or_less(&mut self) -> &mut Self {
        if let Some(last) = self.registers.last_mut() {
            last.or_less = true;
        }
        self
    }

    /// States that the claim under `key` does not exist in the machine: only the processor sees
    /// memory there that is elsewhere on the bus.
    pub fn not_there(&mut self, key: &str) -> &mut Self {
        self.not_there.push(key.to_owned());
        self
    }

    /// States that the claim under `key` is only a part of a device's registers, at an unknown
    /// offset.
    pub fn within(&mut self, key: &str) -> &mut Self {
        self.within.push(key.to_owned());
        self
    }

    /// Expects registers whose size is `count` times that of a unit.
    pub(crate) fn counted_registers<const A: u32, const B: u32>(
        &mut self,
        nth: usize,
        key: &str,
        base: &Field<Address>,
        count: &Field<Number<A, B>>,
        unit: u64,
    ) -> &mut Self {
        if let Some(base) = base.get() {
            let bytes = |count: &Located<Number<A, B>>| count.with(u64::from(count.value.0) * unit);
            self.registers.push(Registers {
                nth,
                key: key.to_owned(),
                base: base.with(base.value.0),
                size: count.get().map(bytes),
                or_less: false,
            });
        }
        self
    }

    /// Expects a row of devices of these kinds.
    pub fn row<const A: u32, const B: u32>(
        &mut self,
        base: &Field<Address>,
        stride: &Field<Size>,
        count: &Field<Number<A, B>>,
        interrupt: &Field<Interrupt>,
    ) -> &mut Self {
        self.row = Some(Row {
            base: base.get().map(|base| base.with(base.value.0)),
            stride: stride.get().map(|stride| stride.with(stride.value.0)),
            count: count
                .get()
                .map(|count| count.with(u64::from(count.value.0))),
            interrupt: interrupt.get().cloned(),
        });
        self
    }

    /// Expects the n-th interrupt of the device.
    pub fn interrupt(&mut self, nth: usize, interrupt: &Field<Interrupt>) -> &mut Self {
        self.add(interrupt, |interrupt| {
            Fact::Interrupt(nth, interrupt.clone())
        })
    }

    /// Expects the device's I/O ports to start at the given one.
    pub fn ports<T: Copy>(&mut self, ports: &Field<T>, number: impl Fn(T) -> u64) -> &mut Self {
        self.add(ports, |ports| Fact::Ports(ports.with(number(ports.value))))
    }

    /// Expects the frequency of the device's clock.
    pub fn clock(&mut self, clock: &Field<Frequency>) -> &mut Self {
        self.add(clock, |clock| Fact::Clock(clock.with(clock.value.0)))
    }

    /// Expects the harts of a RISC-V machine to have an extension.
    pub fn extension(&mut self, name: &'static str) -> &mut Self {
        self.facts.push(Fact::Extension(name));
        self
    }

    /// Expects the frequency of the device's clock in QEMU's property `name` of the device.
    pub fn hertz(&mut self, name: &'static str, clock: &Field<Frequency>) -> &mut Self {
        self.add(clock, |clock| Fact::Hertz(name, clock.with(clock.value.0)))
    }

    /// Expects the frequency of a clock input of QEMU's device.
    pub fn clock_input(&mut self, name: &'static str, clock: &Field<Frequency>) -> &mut Self {
        self.add(clock, |clock| {
            Fact::ClockInput(name, clock.with(clock.value.0))
        })
    }

    /// Expects the frequency of the processor's own counter.
    pub fn timebase(&mut self, frequency: &Field<Frequency>) -> &mut Self {
        self.add(frequency, |clock| Fact::Timebase(clock.with(clock.value.0)))
    }

    /// Expects a number in the property `name` of the device's node.
    pub fn number<const A: u32, const B: u32>(
        &mut self,
        name: &'static str,
        number: &Field<Number<A, B>>,
    ) -> &mut Self {
        self.add(number, |number| {
            Fact::Number(name, number.with(u64::from(number.value.0)))
        })
    }

    /// Expects the number of inputs in the property `name` of the device's node, which may count
    /// input 0 although it does not exist.
    pub fn sources<const A: u32, const B: u32>(
        &mut self,
        name: &'static str,
        sources: &Field<Number<A, B>>,
    ) -> &mut Self {
        self.add(sources, |sources| {
            Fact::Sources(name, sources.with(u64::from(sources.value.0)))
        })
    }

    /// Expects a number in the property `name` of the device's node, in a unit that differs from
    /// the key's; in a device tree, a missing property means `usual`, if that is given. `number` converts the key's value to the node's
    /// unit, and `written` is the inverse.
    pub fn number_or<T: Copy>(
        &mut self,
        name: &'static str,
        usual: impl Into<Option<u32>>,
        field: &Field<T>,
        number: impl Fn(T) -> Option<u32>,
        written: fn(u32) -> String,
    ) -> &mut Self {
        let located = field.get().and_then(|field| {
            let number = number(field.value)?;
            Some(field.with(u64::from(number)))
        });
        let usual = usual.into();
        let fact = located.map(|number| Fact::NumberOr {
            name,
            usual,
            number,
            written,
        });
        self.facts.extend(fact);
        self
    }

    /// Expects a string in the property `name` of the device's node.
    pub fn word<T: Copy>(
        &mut self,
        name: &'static str,
        field: &Field<T>,
        word: impl Fn(T) -> &'static str,
    ) -> &mut Self {
        self.add(field, |field| {
            Fact::Word(name, field.with(word(field.value)))
        })
    }

    /// Expects the number of buses of a PCI host bridge.
    pub fn buses<const A: u32, const B: u32>(&mut self, buses: &Field<Number<A, B>>) -> &mut Self {
        self.add(buses, |buses| {
            Fact::Buses(buses.with(u64::from(buses.value.0)))
        })
    }

    /// Expects a window of a PCI host bridge, which the board claims under `key`.
    pub fn window(
        &mut self,
        kind: WindowKind,
        key: &str,
        base: &Field<Address>,
        size: &Field<Size>,
    ) -> &mut Self {
        if let (Some(base), Some(size)) = (base.get(), size.get()) {
            let (base, size) = (base.with(base.value.0), size.with(size.value.0));
            self.facts
                .push(Fact::Window(kind, key.to_owned(), base, size));
        }
        self
    }

    /// Expects the interrupt of pin INTA of slot 0 of a PCI host bridge.
    pub fn intx(&mut self, intx: &Field<Interrupt>) -> &mut Self {
        self.add(intx, |intx| Fact::Intx(intx.clone()))
    }

    /// Expects the four lines, of which pin p of slot s raises number (s + p) % 4.
    pub fn intx_lines(&mut self, lines: &Field<Vec<Located<Interrupt>>>) -> &mut Self {
        let lines = lines.value().cloned();
        self.facts.extend(lines.map(Fact::IntxLines));
        self
    }

    /// Expects the given one, kernel or firmware, to assign addresses to PCI functions.
    pub(crate) fn bars(&mut self, bars: &Field<BarAssignment>) -> &mut Self {
        self.add(bars, |bars| Fact::Bars(bars.clone()))
    }

    /// Expects the interrupts of pins A to D of a range of PCI slots.
    pub fn slots<const A: u32, const B: u32>(
        &mut self,
        first: &Field<Number<A, B>>,
        last: &Field<Number<A, B>>,
        lines: &Field<Vec<Located<Interrupt>>>,
    ) -> &mut Self {
        if let (Some(first), Some(last), Some(lines)) = (first.get(), last.get(), lines.value()) {
            self.facts.push(Fact::SlotLines(SlotLines {
                first: first.with(u64::from(first.value.0)),
                last: last.with(u64::from(last.value.0)),
                lines: lines.clone(),
            }));
        }
        self
    }

    fn add<T>(&mut self, field: &Field<T>, fact: impl Fn(&Located<T>) -> Fact) -> &mut Self {
        self.facts.extend(field.get().map(fact));
        self
    }
}
