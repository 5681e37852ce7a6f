//! The interrupt files and the APLIC's domain of a privilege mode.

use crate::binding::aplic;
use crate::binding::block::{self, block};
use crate::board::{self, Block, Value};
use crate::language::table::table;
use crate::language::{Address, Field, Number};
use crate::part::Entered;
use crate::part::claims::{Claims, Extent, Rule};
use crate::part::expect::Expected;

table! {
    /// The registers that deliver in a privilege mode.
    pub struct Level {
        /// The address of the interrupt file of the socket's first hart. Those of the other harts of
        /// the socket follow.
        files: Address => required,
        /// The registers of the domain of the APLIC.
        aplic: Domain => required,
    }
}

block! {
    /// The registers of a domain of an APLIC that sends messages (4.5).
    pub struct Domain: "an APLIC's domain", "32 KiB", 0x1000, 0x4000
}

/// The `compatible` string of the interrupt files of a privilege mode.
pub(super) const FILES: &[&str] = &["riscv,imsics"];

/// The size of an interrupt file (3.5).
pub(super) const FILE: u64 = 0x1000;

/// Returns the levels with their keys and the modes that they deliver in.
pub(super) fn all<'l>(
    machine: &'l Field<Level>,
    supervisor: &'l Field<Level>,
) -> [(&'static str, Entered, &'l Field<Level>); 2] {
    [
        ("machine", Entered::Machine, machine),
        ("supervisor", Entered::Supervisor, supervisor),
    ]
}

/// Claims `bytes` of interrupt files at `path`, and the domain of the APLIC.
pub(super) fn claim(path: &str, level: &Field<Level>, bytes: u64, claims: &mut Claims<'_>) {
    let rule = Rule::registers("an interrupt file", FILE, FILE);
    match level {
        Field::Given(given) => {
            let (files, place) = (&given.value.files, &given.value.place);
            let size = files.get().map(|files| Extent {
                bytes,
                at: files.at,
            });
            claims.range(&format!("{path}.files"), files, size, rule);
            block::claim(place, "aplic", &given.value.aplic, claims);
        }
        Field::Absent => {}
        Field::Bad => claims.drop_claim(path),
    }
}

/// Expects the domain of an APLIC with these sources.
pub(super) fn expect_domain(
    level: &Level,
    sources: &Field<Number<1, 1023>>,
    expected: &mut Expected,
) {
    if let Some(domain) = level.aplic.value() {
        expected
            .part(&domain.place, aplic::DOMAIN)
            .registers(0, &domain.place.path, &domain.base, &domain.size)
            .sources("riscv,num-sources", sources);
    }
}

/// Returns the configuration of a level for `board.rs`.
pub(super) fn config(level: &Field<Level>) -> Option<Value> {
    let Some(level) = level.optional()? else {
        return Some(Value::optional(None));
    };
    let domain = block::range(level.value.aplic.value()?)?;
    let fields = vec![
        ("files", Value::Address(level.value.files.value()?.0)),
        ("aplic", Value::Range(domain)),
    ];
    let fields = Value::structure("imsic::Level", fields);
    Some(Value::optional(Some(fields)))
}

/// Returns the registers of the domain of an APLIC whose source 0 has the number `first`.
pub(super) fn registers(
    level: &Field<Level>,
    first: u32,
    sources: u32,
    used: &[board::Claim<board::Interrupt>],
) -> Option<Option<Block>> {
    let Some(level) = level.optional()? else {
        return Some(None);
    };
    let domain = level.value.aplic.value()?;
    Some(Some(Block {
        key: domain.place.path.clone(),
        base: domain.base.value()?.0,
        registers: aplic::domain_registers(used, first, sources),
    }))
}
