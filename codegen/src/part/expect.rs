//! What a binding expects of the machine.
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

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::board::BarAssignment;
use crate::language::{Address, Field, Frequency, Interrupt, Located, Number, Place, Size};
use crate::machine::device::WindowKind;

/// The expectations of all bindings of a board.
#[derive(Debug, Default)]
pub struct Expected {
    pub(crate) parts: Vec<Part>,
}

impl Expected {
    /// Adds a part of the machine, described by the table at `place`, whose device tree node is
    /// compatible with one of these.
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

/// Returns a `compatible` string from a file like one of a binding. Each text is kept once, for as long
/// as the program runs.
fn interned(text: &str) -> &'static str {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(one) = known.get(text) {
        return one;
    }
    let one: &'static str = Box::leak(Box::from(text));
    known.insert(one);
    one
}

/// A part of the machine, as described.
#[derive(Debug)]
pub struct Part {
    pub(crate) place: Place,
    pub(crate) compatible: Vec<&'static str>,
    /// Its `compatible` strings and QEMU's names.
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) registers: Vec<Registers>,
    pub(crate) row: Option<Row>,
    pub(crate) facts: Vec<Fact>,
    /// Claims that do not exist in the machine.
    pub(crate) not_there: Vec<String>,
    /// Claims that are part of something larger.
    pub(crate) within: Vec<String>,
}

/// A register set.
#[derive(Debug)]
pub(crate) struct Registers {
    /// Its index in the device.
    pub(crate) nth: usize,
    /// The key of the claim.
    pub(crate) key: String,
    pub(crate) base: Located<u64>,
    pub(crate) size: Option<Located<u64>>,
    /// Whether the machine may have more of them.
    pub(crate) or_less: bool,
}

/// A row of equal devices.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) base: Option<Located<u64>>,
    pub(crate) stride: Option<Located<u64>>,
    pub(crate) count: Option<Located<u64>>,
    pub(crate) interrupt: Option<Located<Interrupt>>,
}

/// Another expected property.
#[derive(Debug)]
pub(crate) enum Fact {
    /// The n-th interrupt.
    Interrupt(usize, Located<Interrupt>),
    /// The first port.
    Ports(Located<u64>),
    /// The frequency of its clock.
    Clock(Located<u64>),
    /// The frequency of the processor's counter.
    Timebase(Located<u64>),
    /// A number in its node, with the property's name.
    Number(&'static str, Located<u64>),
    /// The number of inputs, with the property's name; input 0, which does not exist, may be
    /// counted.
    Sources(&'static str, Located<u64>),
    /// A number in its node, in another unit than the key's.
    NumberOr {
        /// The property's name.
        name: &'static str,
        /// The number if the node does not contain it.
        usual: u32,
        /// The key's value in the node's unit.
        number: Located<u64>,
        /// Converts the node's number to the key's notation.
        written: fn(u32) -> String,
    },
    /// A word in its node, with the property's name.
    Word(&'static str, Located<&'static str>),
    /// The number of buses of a PCI host bridge.
    Buses(Located<u64>),
    /// A window of a PCI host bridge, with the key of the claim.
    Window(WindowKind, String, Located<u64>, Located<u64>),
    /// The interrupt of INTA of slot 0.
    Intx(Located<Interrupt>),
    /// The four lines that the pins of all slots share in turn.
    IntxLines(Vec<Located<Interrupt>>),
    /// PCI slots with other wiring.
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
    /// Returns the path of the table that describes it.
    pub(crate) fn path(&self) -> &str {
        &self.place.path
    }

    /// Sets QEMU's name of its model.
    pub fn model(&mut self, name: &'static str) -> &mut Self {
        self.kinds.push(name);
        self
    }

    /// Expects registers: the device's n-th set, which the board claims under `key`.
    pub fn registers(
        &mut self,
        nth: usize,
        key: &str,
        base: &Field<Address>,
        size: &Field<Size>,
    ) -> &mut Self {
        let size = size.get().map(|size| with(size, size.value.0));
        if let Some(base) = base.get() {
            self.registers.push(Registers {
                nth,
                key: key.to_owned(),
                base: with(base, base.value.0),
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
    /// something there that is elsewhere.
    pub fn not_there(&mut self, key: &str) -> &mut Self {
        self.not_there.push(key.to_owned());
        self
    }

    /// States that the claim under `key` is a part of something larger, at an unknown offset.
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
            let bytes =
                |count: &Located<Number<A, B>>| with(count, u64::from(count.value.0) * unit);
            self.registers.push(Registers {
                nth,
                key: key.to_owned(),
                base: with(base, base.value.0),
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
            base: base.get().map(|base| with(base, base.value.0)),
            stride: stride.get().map(|stride| with(stride, stride.value.0)),
            count: count
                .get()
                .map(|count| with(count, u64::from(count.value.0))),
            interrupt: interrupt.get().cloned(),
        });
        self
    }

    /// Expects the n-th interrupt.
    pub fn interrupt(&mut self, nth: usize, interrupt: &Field<Interrupt>) -> &mut Self {
        self.add(interrupt, |interrupt| {
            Fact::Interrupt(nth, interrupt.clone())
        })
    }

    /// Expects ports, starting at this one.
    pub fn ports<T: Copy>(&mut self, ports: &Field<T>, number: impl Fn(T) -> u64) -> &mut Self {
        self.add(ports, |ports| Fact::Ports(with(ports, number(ports.value))))
    }

    /// Expects the frequency of its clock.
    pub fn clock(&mut self, clock: &Field<Frequency>) -> &mut Self {
        self.add(clock, |clock| Fact::Clock(with(clock, clock.value.0)))
    }

    /// Expects the frequency of the processor's own counter.
    pub fn timebase(&mut self, frequency: &Field<Frequency>) -> &mut Self {
        self.add(frequency, |clock| {
            Fact::Timebase(with(clock, clock.value.0))
        })
    }

    /// Expects a number in the property `name` of its node.
    pub fn number<const A: u32, const B: u32>(
        &mut self,
        name: &'static str,
        number: &Field<Number<A, B>>,
    ) -> &mut Self {
        self.add(number, |number| {
            Fact::Number(name, with(number, u64::from(number.value.0)))
        })
    }

    /// Expects the number of its inputs in the property `name` of its node. Input 0, which does not
    /// exist, may be counted.
    pub fn sources<const A: u32, const B: u32>(
        &mut self,
        name: &'static str,
        sources: &Field<Number<A, B>>,
    ) -> &mut Self {
        self.add(sources, |sources| {
            Fact::Sources(name, with(sources, u64::from(sources.value.0)))
        })
    }

    /// Expects a number in the property `name` of its node, or else `usual`, in another unit than
    /// the key's: `number` converts the key's value to the node's unit, and `written` is the
    /// inverse.
    pub fn number_or<T: Copy>(
        &mut self,
        name: &'static str,
        usual: u32,
        field: &Field<T>,
        number: impl Fn(T) -> Option<u32>,
        written: fn(u32) -> String,
    ) -> &mut Self {
        let located = field.get().and_then(|field| {
            let number = number(field.value)?;
            Some(with(field, u64::from(number)))
        });
        let fact = located.map(|number| Fact::NumberOr {
            name,
            usual,
            number,
            written,
        });
        self.facts.extend(fact);
        self
    }

    /// Expects a word in the property `name` of its node.
    pub fn word<T: Copy>(
        &mut self,
        name: &'static str,
        field: &Field<T>,
        word: impl Fn(T) -> &'static str,
    ) -> &mut Self {
        self.add(field, |field| {
            Fact::Word(name, with(field, word(field.value)))
        })
    }

    /// Expects the number of buses of a PCI host bridge.
    pub fn buses<const A: u32, const B: u32>(&mut self, buses: &Field<Number<A, B>>) -> &mut Self {
        self.add(buses, |buses| {
            Fact::Buses(with(buses, u64::from(buses.value.0)))
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
            let (base, size) = (with(base, base.value.0), with(size, size.value.0));
            self.facts
                .push(Fact::Window(kind, key.to_owned(), base, size));
        }
        self
    }

    /// Expects the interrupt of INTA of slot 0 of a PCI host bridge.
    pub fn intx(&mut self, intx: &Field<Interrupt>) -> &mut Self {
        self.add(intx, |intx| Fact::Intx(intx.clone()))
    }

    /// Expects the four lines, of which pin p of slot s raises number (s + p) % 4.
    pub fn intx_lines(&mut self, lines: &Field<Vec<Located<Interrupt>>>) -> &mut Self {
        let lines = lines.value().cloned();
        self.facts.extend(lines.map(Fact::IntxLines));
        self
    }

    /// Expects this one to assign addresses to PCI functions.
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
                first: with(first, u64::from(first.value.0)),
                last: with(last, u64::from(last.value.0)),
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

/// Returns another value with the same location.
fn with<T, V>(located: &Located<T>, value: V) -> Located<V> {
    Located {
        value,
        path: located.path.clone(),
        at: located.at,
    }
}
