//! What the parts of a board lay claim to: ranges of addresses, and interrupts.
//!
//! A claim that is wrong in itself is told here and goes no further, so that one wrong number does
//! not give a row of overlaps as well.

mod fit;

use crate::board::{Architecture, Range, Trigger};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::{Address, Field, Interrupt, Located, Port, Size, hexadecimal, port};
use crate::source::Location;

/// What kind of thing a range is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// RAM.
    Ram,
    /// A part of RAM that is left alone.
    Reserved,
    /// Registers or configuration space.
    Device,
    /// Addresses through which a bus is reached.
    Window,
    /// Ports.
    Ports,
    /// Addresses at which the processor alone sees something that lies elsewhere.
    View,
}

/// What is asked of a range.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What it is, for a person: "the registers of a PL011".
    pub what: &'static str,
    /// What kind of thing it is.
    pub purpose: Purpose,
    /// What its base must be a multiple of.
    pub base: u64,
    /// What its size must be a multiple of.
    pub size: u64,
    /// The least size.
    pub least: u64,
    /// Whether 32 bits must be able to address it.
    pub below_4_gib: bool,
    /// Whether the kernel maps it elsewhere, so that only physical addresses must be long enough.
    pub mapped_elsewhere: bool,
}

impl Rule {
    /// Registers that are mapped in pages of `page` bytes and take at least `least`.
    pub const fn registers(what: &'static str, page: u64, least: u64) -> Self {
        Self {
            what,
            purpose: Purpose::Device,
            base: page,
            size: page,
            least,
            below_4_gib: false,
            mapped_elsewhere: false,
        }
    }
}

/// A range that a part claims.
#[derive(Clone, Debug)]
pub struct RangeClaim {
    /// The key path of the claimant.
    pub key: String,
    /// What it claims.
    pub range: Range,
    /// What kind of thing it is.
    pub purpose: Purpose,
    /// Where its base stands.
    pub at: Location,
    /// Where its size stands.
    pub size_at: Location,
}

impl RangeClaim {
    /// Its last address.
    pub fn last(&self) -> u64 {
        self.range.base + (self.range.size - 1)
    }

    /// Whether both hold some address.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.range.base <= other.last() && other.range.base <= self.last()
    }

    /// Its key with its first and last address.
    pub fn describe(&self) -> String {
        let (first, last) = (self.number(self.range.base), self.number(self.last()));
        format!("`{}`: {first} to {last}", self.key)
    }

    /// An address or a port as board files write it.
    pub fn number(&self, number: u64) -> String {
        match self.purpose {
            Purpose::Ports => port(number),
            _ => hexadecimal(number),
        }
    }

    /// The same with base and size taken for each other, if that can be.
    pub(crate) fn swapped(&self) -> Option<Self> {
        let Range { base, size } = self.range;
        let is_range = base > 0 && size.checked_add(base - 1).is_some();
        // Registers are fewer than what lies before them.
        is_range.then(|| Self {
            range: Range {
                base: size,
                size: base,
            },
            ..self.clone()
        })
    }
}

/// What the parts of a board lay claim to, as far as it is right in itself.
pub struct Claimed {
    /// Ranges of physical addresses.
    pub ranges: Vec<RangeClaim>,
    /// Ports, as ranges of their numbers.
    pub ports: Vec<RangeClaim>,
    /// Interrupts.
    pub interrupts: Vec<InterruptClaim>,
    /// The architecture, if it is to be believed.
    pub architecture: Option<Architecture>,
}

impl Claimed {
    /// The ranges of one kind.
    pub fn of(&self, purpose: Purpose) -> impl Iterator<Item = &RangeClaim> {
        self.ranges
            .iter()
            .filter(move |claim| claim.purpose == purpose)
    }
}

/// Memory is mapped and shared out in pages of this size.
pub(crate) const PAGE: u64 = 4096;

/// Whether an interrupt is each processor's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// It comes from a device that all processors share.
    Shared,
    /// It comes from a part of the processor itself.
    Private,
}

/// A row of interrupts that a part claims.
#[derive(Clone, Debug)]
pub struct InterruptClaim {
    /// The key path of the claimant.
    pub key: String,
    /// The first of them.
    pub first: Interrupt,
    /// How many there are, from that number on.
    pub count: u32,
    /// Whose they are.
    pub wiring: Wiring,
    /// How such a line is usually wired.
    pub usual: Trigger,
    /// Where the first stands.
    pub at: Location,
}

/// A number of bytes and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// The number.
    pub bytes: u64,
    /// Where it stands.
    pub at: Location,
}

impl From<&Located<Size>> for Extent {
    fn from(size: &Located<Size>) -> Self {
        Self {
            bytes: size.value.0,
            at: size.at,
        }
    }
}

/// Collects what is claimed.
pub struct Claims<'p> {
    /// The ranges that are right in themselves.
    pub ranges: Vec<RangeClaim>,
    /// The ports, as ranges of their numbers.
    pub ports: Vec<RangeClaim>,
    /// The interrupts.
    pub interrupts: Vec<InterruptClaim>,
    /// The keys of claims that could not be made; what is wrong with them has been told.
    pub dropped: Vec<String>,
    architecture: Option<Architecture>,
    problems: &'p mut Problems,
}

impl<'p> Claims<'p> {
    /// Nothing claimed yet; addresses are those of `architecture`, if it is known.
    pub fn new(architecture: Option<Architecture>, problems: &'p mut Problems) -> Self {
        Self {
            ranges: Vec::new(),
            ports: Vec::new(),
            interrupts: Vec::new(),
            dropped: Vec::new(),
            architecture,
            problems,
        }
    }

    /// The architecture of the board, if it is known.
    pub fn architecture(&self) -> Option<Architecture> {
        self.architecture
    }

    /// Claims a range for the part at `key`.
    pub fn range(&mut self, key: &str, base: &Field<Address>, size: Option<Extent>, rule: Rule) {
        let mut wrong = Vec::new();
        wrong.extend(base.get().and_then(|base| fit::wrong_base(base, rule)));
        wrong.extend(size.and_then(|size| fit::wrong_size(key, size, rule)));
        if let (Some(base), Some(size), true) = (base.get(), size, wrong.is_empty()) {
            wrong.extend(fit::outside(self.architecture, key, base, size, rule));
        }
        let is_wrong = !wrong.is_empty();
        for diagnostic in wrong {
            self.problems.report(diagnostic);
        }
        let (Some(base), Some(size), false) = (base.get(), size, is_wrong) else {
            self.drop_claim(key);
            return;
        };
        self.ranges.push(RangeClaim {
            key: key.to_owned(),
            range: Range {
                base: base.value.0,
                size: size.bytes,
            },
            purpose: rule.purpose,
            at: base.at,
            size_at: size.at,
        });
    }

    /// Claims `count` ports, from the one given on.
    pub fn ports(&mut self, key: &str, first: &Field<Port>, count: u64) {
        let Some(first) = first.get() else {
            self.drop_claim(key);
            return;
        };
        let range = Range {
            base: first.value.0.into(),
            size: count,
        };
        if range.base + range.size > PORTS {
            let title = format!("`{key}` goes beyond the last port");
            self.problems.report(
                Diagnostic::new(Code::OutsideAddressSpace, first.at, title)
                    .label(format!("{count} ports from here on"))
                    .note("the last port is 0xFFFF"),
            );
            self.drop_claim(key);
            return;
        }
        self.ports.push(RangeClaim {
            key: key.to_owned(),
            range,
            purpose: Purpose::Ports,
            at: first.at,
            size_at: first.at,
        });
    }

    /// Claims each interrupt of a list, of which some may be the same.
    pub fn each_interrupt(
        &mut self,
        key: &str,
        lines: &Field<Vec<Located<Interrupt>>>,
        usual: Trigger,
    ) {
        let lines = match lines {
            Field::Given(lines) => &lines.value,
            Field::Absent => return,
            Field::Bad => return self.drop_claim(key),
        };
        for (index, line) in lines.iter().enumerate() {
            let same = |other: &Located<Interrupt>| {
                (other.value.space, other.value.number) == (line.value.space, line.value.number)
            };
            if lines[..index].iter().any(same) {
                continue;
            }
            self.interrupts.push(InterruptClaim {
                key: key.to_owned(),
                first: line.value,
                count: 1,
                wiring: Wiring::Shared,
                usual,
                at: line.at,
            });
        }
    }

    /// Claims `count` interrupts, from the one given on.
    pub fn interrupts(
        &mut self,
        key: &str,
        first: &Field<Interrupt>,
        count: Option<u32>,
        wiring: Wiring,
        usual: Trigger,
    ) {
        match (first, count) {
            (Field::Given(first), Some(count)) => self.interrupts.push(InterruptClaim {
                key: key.to_owned(),
                first: first.value,
                count,
                wiring,
                usual,
                at: first.at,
            }),
            (Field::Absent, _) => {}
            _ => self.drop_claim(key),
        }
    }

    /// Remembers that there would be a claim if what it is made of could be read.
    pub fn drop_claim(&mut self, key: &str) {
        self.dropped.push(key.to_owned());
    }
}

/// How many ports an x86 processor has.
const PORTS: u64 = 1 << 16;
