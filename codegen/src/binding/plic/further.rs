//! Further PLICs of a machine with several sockets. Each delivers to the harts of its socket.

use super::contexts::{self, HartModes};
use super::{CONTEXT, CONTEXTS, Plic};
use crate::binding::relays::{self, relayed};
use crate::binding::sockets::{self, FurtherSockets, all, socket};
use crate::board::{self, Value};
use crate::diagnostic::Problems;
use crate::language::table::table;
use crate::language::{Address, Located, Number, Size, hexadecimal};
use crate::machine::device::Device;
use crate::part::claims::{Claims, Rule};
use crate::part::draft::register;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Driver as _, Further};

table! {
    /// A PLIC of another socket.
    pub struct FurtherPlic {
        /// The first address of the device's registers.
        base: Address => required,
        /// The size of the PLIC's registers: 2 MiB, and 4 KiB for each context.
        size: Size => default("64 MiB"),
        /// The number of the PLIC's sources, which are numbered from 1.
        sources: Number<1, 1023> => required,
        /// The first hart that the PLIC delivers to. It delivers to the harts from there on, up to
        /// the first hart of another PLIC.
        first_hart: Number<1, 4095> => required,
        /// The privilege modes that the PLIC delivers to, for each hart from its first one on; the
        /// last entry applies to all further harts. Without it, every hart has M and S mode.
        contexts: Vec<Located<HartModes>> => default("[]"),
        /// The address of the software interrupts of the socket's harts, from its first hart on: the
        /// base of a CLINT, or of the MSWI device of an ACLINT. Required if the kernel may be entered
        /// in M mode, where the kernel and the first hart wake each other by them.
        msip: Address => optional,
    }
}

socket!(FurtherPlic);
relayed!(FurtherPlic);

/// The key of a PLIC with its further ones.
pub(super) type FurtherPlics = FurtherSockets<FurtherPlic>;

/// Returns the paths and the first numbers of the further PLICs.
pub(super) fn list(further: &FurtherPlics) -> Vec<Further> {
    let all = all(further).map(|(_, first, plic)| Further {
        path: plic.place.path.clone(),
        first,
    });
    all.collect()
}

/// Returns the addresses of the further PLICs.
pub(super) fn bases(further: &FurtherPlics) -> impl Iterator<Item = u64> {
    all(further).filter_map(|(_, _, plic)| Some(plic.base.value()?.0))
}

pub(super) fn claim(further: &FurtherPlics, claims: &mut Claims<'_>) {
    for (_, _, plic) in all(further) {
        let contexts = contexts::count(&plic.contexts).unwrap_or(1);
        let least = CONTEXTS + CONTEXT * contexts;
        let rule = Rule::registers("the registers of this PLIC's contexts", 0x1000, least);
        claims.device(&plic.place, &plic.base, &plic.size, rule);
        relays::claim(&plic.place, &plic.msip, claims);
    }
}

pub(super) fn expect(further: &FurtherPlics, expected: &mut Expected) {
    for (_, _, plic) in all(further) {
        expected
            .part(&plic.place, Plic::KINDS)
            .registers(0, &plic.place.path, &plic.base, &plic.size)
            .sources("riscv,ndev", &plic.sources);
        relays::expect(&plic.msip, expected);
    }
}

/// Reports further PLICs that cannot interrupt the kernel, or that are ambiguous.
pub(super) fn check(further: &FurtherPlics, around: &Surroundings<'_>, problems: &mut Problems) {
    for (_, _, plic) in all(further) {
        contexts::check_mode(&plic.contexts, around, problems);
    }
    sockets::check(further, around, problems);
    relays::check(further, around, problems);
}

/// A PLIC, resolved.
pub(super) struct Resolved {
    /// The path of the table that describes it.
    pub(super) key: String,
    /// The board's number of its source 0.
    pub(super) number: u32,
    pub(super) first_hart: u32,
    pub(super) registers: board::Range,
    pub(super) sources: u32,
    pub(super) harts: Vec<HartModes>,
}

/// Returns the configuration of a PLIC.
pub(super) fn config(plic: &Resolved) -> Value {
    Value::structure(
        "plic::Config",
        vec![
            ("registers", Value::Range(plic.registers)),
            ("sources", Value::Decimal(plic.sources.into())),
            ("contexts", contexts::value(&plic.harts)),
        ],
    )
}

/// Returns the further PLICs, resolved.
pub(super) fn resolve(further: &FurtherPlics) -> Option<Vec<Resolved>> {
    further.optional()?;
    let resolved = all(further).map(|(_, number, plic)| {
        Some(Resolved {
            key: plic.place.path.clone(),
            number,
            first_hart: plic.first_hart.value()?.0,
            registers: board::Range {
                base: plic.base.value()?.0,
                size: plic.size.value()?.0,
            },
            sources: plic.sources.value()?.0,
            harts: contexts::harts(&plic.contexts)?,
        })
    });
    resolved.collect()
}

/// Returns the driver of several PLICs for `board.rs`.
pub(super) fn code(first: &Resolved, further: &[Resolved], msip: &[Option<u64>]) -> board::Code {
    let all = std::iter::once(first).chain(further);
    let units = all.map(|plic| (plic.first_hart, config(plic)));
    sockets::relayed("plic", "Plics", units, msip)
}

/// Adds the further PLICs of a machine, ascending by address, with the software interrupts of their
/// harts.
pub(super) fn import(section: Section, plics: &[&Device], msip: &[Option<u64>]) -> Option<Section> {
    let harts = |plic: &Device| u32::try_from(plic.interrupts.len() / 2).ok();
    let keys = |nth: usize| {
        let registers = register(plics.get(nth)?, 0)?;
        let (base, size) = (hexadecimal(registers.base), Size(registers.size).written());
        Some((format!("base = {base}, size = {size}"), vec![registers]))
    };
    let own = super::inputs;
    sockets::import(section, plics, msip, harts, keys, super::sources, own)
}
