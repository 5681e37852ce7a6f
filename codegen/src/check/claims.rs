//! What the parts of a board lay claim to: ranges of addresses, and interrupts.
//!
//! A claim that is wrong in itself is told here and goes no further, so that one wrong number does
//! not give a row of overlaps as well.

use crate::board::{Architecture, Range, Trigger};
use crate::description::{Address, Field, Interrupt, Located, Port, Size, hexadecimal};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::source::Location;

/// What kind of thing a range is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// RAM.
    Ram,
    /// A part of RAM that is left alone.
    Reserved,
    /// Registers, configuration space, or a window.
    Device,
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
        format!(
            "`{}`: {} to {}",
            self.key,
            hexadecimal(self.range.base),
            hexadecimal(self.last())
        )
    }
}

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

    /// Claims a range for the part at `key`.
    pub fn range(&mut self, key: &str, base: &Field<Address>, size: Option<Extent>, rule: Rule) {
        let (Some(base), Some(size)) = (base.get(), size) else {
            self.drop_claim(key);
            return;
        };
        if let Some(diagnostic) = self.wrong_range(key, base, size, rule) {
            self.problems.report(diagnostic);
            self.drop_claim(key);
            return;
        }
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
            purpose: Purpose::Device,
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

    fn wrong_range(
        &self,
        key: &str,
        base: &Located<Address>,
        size: Extent,
        rule: Rule,
    ) -> Option<Diagnostic> {
        let address = base.value.0;
        if size.bytes == 0 {
            let title = format!("`{key}` is empty");
            return Some(
                Diagnostic::new(Code::EmptyRange, size.at, title)
                    .label("no bytes")
                    .help("what is not there is left out"),
            );
        }
        if size.bytes < rule.least {
            let title = format!("`{key}` is too small for {}", rule.what);
            let label = format!("at least {} are needed", Size(rule.least).written());
            return Some(Diagnostic::new(Code::BlockTooSmall, size.at, title).label(label));
        }
        if !address.is_multiple_of(rule.base) {
            let below = address - address % rule.base;
            let diagnostic = misaligned(&format!("`{}`", base.path), base.at, rule, rule.base);
            return Some(diagnostic.help(match below.checked_add(rule.base) {
                Some(above) => {
                    format!(
                        "next to it are {} and {}",
                        hexadecimal(below),
                        hexadecimal(above)
                    )
                }
                None => format!("next to it is {}", hexadecimal(below)),
            }));
        }
        if !size.bytes.is_multiple_of(rule.size) {
            return Some(misaligned(
                &format!("the size of `{key}`"),
                size.at,
                rule,
                rule.size,
            ));
        }
        self.outside(key, base, size, rule)
    }

    /// A range that does not fit the address space.
    fn outside(
        &self,
        key: &str,
        base: &Located<Address>,
        size: Extent,
        rule: Rule,
    ) -> Option<Diagnostic> {
        let end = u128::from(base.value.0) + u128::from(size.bytes);
        let bits = match (self.architecture, rule.mapped_elsewhere) {
            (None, _) => 64,
            (Some(architecture), false) => address_bits(architecture),
            (Some(architecture), true) => physical_bits(architecture),
        };
        let (code, bits, what) = if end > 1 << bits {
            let what = match self.architecture {
                Some(architecture) if bits < 64 => {
                    format!("on {architecture} the kernel addresses")
                }
                _ => "addresses have".to_owned(),
            };
            (Code::OutsideAddressSpace, bits, what)
        } else if rule.below_4_gib && end > 1 << 32 {
            (Code::WindowAbove4GiB, 32, "a 32-bit BAR holds".to_owned())
        } else {
            return None;
        };
        let title = format!("`{key}` goes beyond what {bits} bits can address");
        let last = end - 1;
        Some(
            Diagnostic::new(code, base.at, title)
                .label(match u64::try_from(last) {
                    Ok(last) => format!("its last byte is at {}", hexadecimal(last)),
                    Err(_) => format!("its last byte is at {last:#x}"),
                })
                .note(format!("{what} {bits} bits"))
                .help(match code {
                    Code::WindowAbove4GiB => {
                        "give it a lower base or a smaller size; `memory64` may be anywhere"
                    }
                    _ => "give it a lower base or a smaller size",
                }),
        )
    }
}

/// Tells that `subject` is not aligned as the rule wants it.
fn misaligned(subject: &str, at: Location, rule: Rule, alignment: u64) -> Diagnostic {
    let alignment = Size(alignment).written().replace('"', "");
    Diagnostic::new(
        Code::Misaligned,
        at,
        format!("{subject} is not a multiple of {alignment}"),
    )
    .label(format!("{} must be aligned to {alignment}", rule.what))
}

/// How many ports an x86 processor has.
const PORTS: u64 = 1 << 16;

/// How many bits of a physical address the kernel can use. It maps memory at its own address, so
/// that the width of virtual addresses counts too.
fn address_bits(architecture: Architecture) -> u32 {
    match architecture {
        // VMSAv8-64 with a 4 KiB granule and without LPA2: 48 bits (Arm ARM D8.1).
        Architecture::Aarch64 => 48,
        Architecture::Arm | Architecture::Riscv32 => 32,
        // The lower half of 48-bit canonical addresses (Intel SDM volume 1, 3.3.7.1).
        Architecture::X86_64 => 47,
        // Sv48's 48 bits are sign-extended; 56 physical bits without a mapping
        // (RISC-V privileged architecture, 4.5).
        Architecture::Riscv64 => 56,
    }
}

/// How many bits a physical address has at most.
fn physical_bits(architecture: Architecture) -> u32 {
    match architecture {
        // The large physical address extension (Arm ARM DDI 0406, B3.6).
        Architecture::Arm => 40,
        _ => address_bits(architecture),
    }
}
