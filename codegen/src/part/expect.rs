//! What a binding expects to find in the machine.
//!
//! A binding names what its part is called there and which of its keys say what:
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
//! The words are `compatible` strings of device tree nodes, and QEMU's name of its model for
//! machines without one. A key that is absent or bad is not compared.

use crate::language::{Address, Field, Frequency, Interrupt, Located, Number, Place, Size};
use crate::machine::device::WindowKind;

/// What all bindings of a board expect.
#[derive(Debug, Default)]
pub struct Expected {
    pub(crate) parts: Vec<Part>,
}

impl Expected {
    /// A part of the machine, described by the table at `place`, whose node in a device tree is
    /// compatible with one of these.
    pub fn part(&mut self, place: &Place, compatible: &'static [&'static str]) -> &mut Part {
        self.parts.push(Part {
            place: place.clone(),
            compatible,
            kinds: compatible.to_vec(),
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

/// A part of the machine as it is described.
#[derive(Debug)]
pub struct Part {
    pub(crate) place: Place,
    pub(crate) compatible: &'static [&'static str],
    /// Those, and QEMU's own names.
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) registers: Vec<Registers>,
    pub(crate) row: Option<Row>,
    pub(crate) facts: Vec<Fact>,
    /// Claims of nothing in the machine.
    pub(crate) not_there: Vec<String>,
    /// Claims of a part of something larger.
    pub(crate) within: Vec<String>,
}

/// A block of its registers.
#[derive(Debug)]
pub(crate) struct Registers {
    /// Which of the device's.
    pub(crate) nth: usize,
    /// The key of the claim.
    pub(crate) key: String,
    pub(crate) base: Located<u64>,
    pub(crate) size: Option<Located<u64>>,
    /// Whether the machine may have more of them.
    pub(crate) or_less: bool,
}

/// A row of devices that are all alike.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) base: Option<Located<u64>>,
    pub(crate) stride: Option<Located<u64>>,
    pub(crate) count: Option<Located<u64>>,
    pub(crate) interrupt: Option<Located<Interrupt>>,
}

/// Something else that is said of it.
#[derive(Debug)]
pub(crate) enum Fact {
    /// What it raises n-th.
    Interrupt(usize, Located<Interrupt>),
    /// The first of its ports.
    Ports(Located<u64>),
    /// The frequency of the clock that drives it.
    Clock(Located<u64>),
    /// The frequency of the processor's counter.
    Timebase(Located<u64>),
    /// A number that its node gives under this name.
    Number(&'static str, Located<u64>),
    /// The same, of inputs of which the first is none and may be counted or not.
    Sources(&'static str, Located<u64>),
    /// The same, in another unit than the key's.
    NumberOr {
        /// The name.
        name: &'static str,
        /// The number where the node does not give it.
        usual: u32,
        /// What the key says, in the node's unit.
        number: Located<u64>,
        /// The node's number as the key says it.
        written: fn(u32) -> String,
    },
    /// A word that its node gives under this name.
    Word(&'static str, Located<&'static str>),
    /// How many buses a PCI host bridge has.
    Buses(Located<u64>),
    /// A window of a PCI host bridge, with the key of the claim.
    Window(WindowKind, String, Located<u64>, Located<u64>),
    /// What INTA of slot 0 raises.
    Intx(Located<Interrupt>),
    /// The four lines that the pins of all slots raise in turn.
    IntxLines(Vec<Located<Interrupt>>),
    /// PCI slots that are wired otherwise.
    SlotLines(SlotLines),
}

/// A row of PCI slots, and what pins A to D of each raise.
#[derive(Debug)]
pub(crate) struct SlotLines {
    pub(crate) first: Located<u64>,
    pub(crate) last: Located<u64>,
    pub(crate) lines: Vec<Located<Interrupt>>,
}

impl Part {
    /// The path of the table that describes it.
    pub(crate) fn path(&self) -> &str {
        &self.place.path
    }

    /// What QEMU calls its model of it.
    pub fn model(&mut self, name: &'static str) -> &mut Self {
        self.kinds.push(name);
        self
    }

    /// It has registers, the n-th of the device's, which the board claims under `key`.
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

    /// The board describes its last registers only from their beginning on: the machine may have
    /// more of them.
    pub fn or_less(&mut self) -> &mut Self {
        if let Some(last) = self.registers.last_mut() {
            last.or_less = true;
        }
        self
    }

    /// What the board claims under `key` is nothing that the machine has: where the processor is to
    /// see something that is elsewhere.
    pub fn not_there(&mut self, key: &str) -> &mut Self {
        self.not_there.push(key.to_owned());
        self
    }

    /// What the board claims under `key` is a part of something larger, nobody knows where in it.
    pub fn within(&mut self, key: &str) -> &mut Self {
        self.within.push(key.to_owned());
        self
    }

    /// It has registers, the size of which is that of as many units as `count` says.
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

    /// It is a row of devices, all of these kinds.
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

    /// The n-th of what it raises.
    pub fn interrupt(&mut self, nth: usize, interrupt: &Field<Interrupt>) -> &mut Self {
        self.add(interrupt, |interrupt| {
            Fact::Interrupt(nth, interrupt.clone())
        })
    }

    /// The first of its ports, where it is reached by `in` and `out`.
    pub fn ports<T: Copy>(&mut self, ports: &Field<T>, number: impl Fn(T) -> u64) -> &mut Self {
        self.add(ports, |ports| Fact::Ports(with(ports, number(ports.value))))
    }

    /// The clock that drives it.
    pub fn clock(&mut self, clock: &Field<Frequency>) -> &mut Self {
        self.add(clock, |clock| Fact::Clock(with(clock, clock.value.0)))
    }

    /// The processor's own counter.
    pub fn timebase(&mut self, frequency: &Field<Frequency>) -> &mut Self {
        self.add(frequency, |clock| {
            Fact::Timebase(with(clock, clock.value.0))
        })
    }

    /// A number that its node has under `name`.
    pub fn number<const A: u32, const B: u32>(
        &mut self,
        name: &'static str,
        number: &Field<Number<A, B>>,
    ) -> &mut Self {
        self.add(number, |number| {
            Fact::Number(name, with(number, u64::from(number.value.0)))
        })
    }

    /// How many inputs it has, by a number that its node has under `name`. Input 0, which is none,
    /// may be counted or not.
    pub fn sources<const A: u32, const B: u32>(
        &mut self,
        name: &'static str,
        sources: &Field<Number<A, B>>,
    ) -> &mut Self {
        self.add(sources, |sources| {
            Fact::Sources(name, with(sources, u64::from(sources.value.0)))
        })
    }

    /// A number that its node has under `name`, or else `usual`, in another unit than the key's:
    /// `number` brings the key's value into the node's unit, and `written` is the way back.
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

    /// A word that its node has under `name`.
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

    /// How many buses it has, if it is a PCI host bridge.
    pub fn buses<const A: u32, const B: u32>(&mut self, buses: &Field<Number<A, B>>) -> &mut Self {
        self.add(buses, |buses| {
            Fact::Buses(with(buses, u64::from(buses.value.0)))
        })
    }

    /// A window that it has, if it is a PCI host bridge, which the board claims under `key`.
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

    /// What INTA of slot 0 raises, if it is a PCI host bridge.
    pub fn intx(&mut self, intx: &Field<Interrupt>) -> &mut Self {
        self.add(intx, |intx| Fact::Intx(intx.clone()))
    }

    /// The four lines, of which pin p of slot s raises number (s + p) % 4.
    pub fn intx_lines(&mut self, lines: &Field<Vec<Located<Interrupt>>>) -> &mut Self {
        let lines = lines.value().cloned();
        self.facts.extend(lines.map(Fact::IntxLines));
        self
    }

    /// PCI slots from one to another, of which pins A to D raise these.
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

/// Another value at the same place.
fn with<T, V>(located: &Located<T>, value: V) -> Located<V> {
    Located {
        value,
        path: located.path.clone(),
        at: located.at,
    }
}
