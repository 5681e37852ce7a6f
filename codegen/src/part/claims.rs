//! The claims of a board's parts: ranges of addresses, and interrupts.
//!
//! An invalid claim is reported here and then dropped, so that one wrong number does not also cause
//! overlaps.

mod fit;

use crate::board::{Architecture, PageTables, Range, Trigger};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::{Address, Field, Interrupt, Located, Place, Port, Size, hexadecimal, port};
use crate::source::Location;

/// The kind of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The range is RAM.
    Ram,
    /// The range is flash.
    Flash,
    /// A part of RAM that the kernel must not use.
    Reserved,
    /// The range contains registers or configuration space.
    Device,
    /// Addresses through which the processor accesses a bus.
    Window,
    /// The range contains I/O ports.
    Ports,
    /// Addresses at which the processor sees memory that is elsewhere on the bus.
    View,
}

/// The requirements on a range.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The description of the range in messages, such as "the registers of a PL011".
    pub what: &'static str,
    /// The kind of the range.
    pub purpose: Purpose,
    /// The required alignment of the range's base.
    pub base: u64,
    /// The required alignment of the range's size.
    pub size: u64,
    /// The smallest size in bytes.
    pub least: u64,
    /// Whether the range must be addressable with 32 bits.
    pub below_4_gib: bool,
    /// Whether the kernel maps it to another address, so that only physical addresses must be long
    /// enough.
    pub mapped_elsewhere: bool,
}

impl Rule {
    /// Returns the rule for registers that are mapped in pages of `page` bytes and take at least
    /// `least`.
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
    /// The claimed range.
    pub range: Range,
    /// The kind of the range.
    pub purpose: Purpose,
    /// The location of the range's base in the board file.
    pub at: Location,
    /// The location of the range's size in the board file.
    pub size_at: Location,
}

impl RangeClaim {
    /// Returns the last address of the range.
    pub fn last(&self) -> u64 {
        self.range.base + (self.range.size - 1)
    }

    /// Returns whether two ranges have an address in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.range.base <= other.last() && other.range.base <= self.last()
    }

    /// Formats the key of the claim with its first and last address.
    pub fn describe(&self) -> String {
        let (first, last) = (self.number(self.range.base), self.number(self.last()));
        format!("`{}`: {first} to {last}", self.key)
    }

    /// Formats an address or a port in the notation of board files.
    pub fn number(&self, number: u64) -> String {
        match self.purpose {
            Purpose::Ports => port(number),
            _ => hexadecimal(number),
        }
    }

    /// Returns the claim with base and size exchanged, if that could be valid.
    pub(crate) fn swapped(&self) -> Option<Self> {
        let Range { base, size } = self.range;
        let is_range = base > 0 && size.checked_add(base - 1).is_some();
        // Registers are smaller than the addresses before them.
        is_range.then(|| Self {
            range: Range {
                base: size,
                size: base,
            },
            ..self.clone()
        })
    }
}

/// The valid claims of a board's parts.
pub struct Claimed {
    /// The claimed ranges of physical addresses.
    pub ranges: Vec<RangeClaim>,
    /// Ports, as ranges of their numbers.
    pub ports: Vec<RangeClaim>,
    /// The claimed interrupts.
    pub interrupts: Vec<InterruptClaim>,
    /// The architecture of the board, if it is known and fits the parts.
    pub architecture: Option<Architecture>,
}

impl Claimed {
    /// Returns the ranges of one kind.
    pub fn of(&self, purpose: Purpose) -> impl Iterator<Item = &RangeClaim> {
        self.ranges
            .iter()
            .filter(move |claim| claim.purpose == purpose)
    }
}

/// The page size in which memory is mapped and allocated.
pub(crate) const PAGE: u64 = 4096;

/// Whether each processor has its own instance of an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// The interrupt comes from a device that all processors share.
    Shared,
    /// The interrupt comes from a part of the processor itself.
    Private,
}

/// A row of interrupts claimed by a part.
#[derive(Clone, Debug)]
pub struct InterruptClaim {
    /// The key path of the claimant.
    pub key: String,
    /// The first interrupt of the row.
    pub first: Interrupt,
    /// The number of consecutive interrupts.
    pub count: u32,
    /// Whether each processor has its own instance of the interrupts.
    pub wiring: Wiring,
    /// The trigger of the lines unless the board file states another.
    pub usual: Trigger,
    /// The location of the first interrupt in the board file.
    pub at: Location,
}

/// A number of bytes, with its location.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// The number of bytes.
    pub bytes: u64,
    /// The location of the number in the board file.
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

/// Collects the claims of all parts.
pub struct Claims<'p> {
    /// The valid ranges claimed so far.
    pub ranges: Vec<RangeClaim>,
    /// The ports, as ranges of their numbers.
    pub ports: Vec<RangeClaim>,
    /// The interrupts claimed so far.
    pub interrupts: Vec<InterruptClaim>,
    /// The keys of claims that could not be made because of reported errors.
    pub dropped: Vec<String>,
    architecture: Option<Architecture>,
    page_tables: PageTables,
    problems: &'p mut Problems,
}

impl<'p> Claims<'p> {
    /// Creates an empty collection. The address width is that of `architecture`, if it is known,
    /// with these translation tables.
    pub fn new(
        architecture: Option<Architecture>,
        page_tables: PageTables,
        problems: &'p mut Problems,
    ) -> Self {
        Self {
            ranges: Vec::new(),
            ports: Vec::new(),
            interrupts: Vec::new(),
            dropped: Vec::new(),
            architecture,
            page_tables,
            problems,
        }
    }

    /// Returns the architecture of the board, if it is known.
    pub fn architecture(&self) -> Option<Architecture> {
        self.architecture
    }

    /// Claims a range for the part at `key`.
    pub fn range(&mut self, key: &str, base: &Field<Address>, size: Option<Extent>, rule: Rule) {
        let mut wrong = Vec::new();
        wrong.extend(base.get().and_then(|base| fit::wrong_base(base, rule)));
        wrong.extend(size.and_then(|size| fit::wrong_size(key, size, rule)));
        if let (Some(base), Some(size), true) = (base.get(), size, wrong.is_empty()) {
            wrong.extend(fit::outside(
                (self.architecture, self.page_tables),
                key,
                base,
                size,
                rule,
            ));
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

    /// Claims the registers of a device, which are described by the table at `place`.
    pub fn device(&mut self, place: &Place, base: &Field<Address>, size: &Field<Size>, rule: Rule) {
        self.range(&place.path, base, size.get().map(Extent::from), rule);
    }

    /// Claims `count` ports, starting at `first`.
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

    /// Claims each interrupt of a list, which may contain duplicates.
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

    /// Claims `count` interrupts, starting at the given one.
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

    /// Records that a claim could not be made because one of its values is invalid.
    pub fn drop_claim(&mut self, key: &str) {
        self.dropped.push(key.to_owned());
    }
}

/// The number of ports of an x86 processor.
const PORTS: u64 = 1 << 16;
