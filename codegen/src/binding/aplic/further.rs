//! The APLICs of further sockets. Each delivers to the harts of its own socket.

use super::{DOMAIN, Domain, domain_registers, inputs};
use crate::binding::block;
use crate::binding::riscv;
use crate::binding::sockets::{self, FurtherSockets, all, socket};
use crate::board::{self, Block, Value};
use crate::language::Number;
use crate::language::table::table;
use crate::machine::device::Device;
use crate::part::Further;
use crate::part::claims::Claims;
use crate::part::draft;
use crate::part::expect::Expected;
use crate::part::section::Section;

table! {
    /// The APLIC of another socket.
    pub struct FurtherAplic {
        /// The registers of the APLIC's domain for S mode.
        supervisor: Domain => required,
        /// The number of the APLIC's sources, which are numbered from 1.
        sources: Number<1, 1023> => required,
        /// The first hart that the APLIC delivers to. It delivers to the harts from there on, up to
        /// the first hart of another socket.
        first_hart: Number<1, 4095> => required,
    }
}

socket!(FurtherAplic);

/// The key of an APLIC with its further ones.
pub(super) type FurtherAplics = FurtherSockets<FurtherAplic>;

/// Returns the paths and the first numbers of the further APLICs.
pub(super) fn list(further: &FurtherAplics) -> Vec<Further> {
    let all = all(further).filter_map(|(_, first, aplic)| {
        let path = aplic.supervisor.value()?.place.path.clone();
        Some(Further { path, first })
    });
    all.collect()
}

/// Returns the addresses of the further APLICs.
pub(super) fn bases(further: &FurtherAplics) -> impl Iterator<Item = u64> {
    all(further).filter_map(|(_, _, aplic)| Some(aplic.supervisor.value()?.base.value()?.0))
}

pub(super) fn claim(further: &FurtherAplics, claims: &mut Claims<'_>) {
    for (_, _, aplic) in all(further) {
        block::claim(&aplic.place, "supervisor", &aplic.supervisor, claims);
    }
}

pub(super) fn expect(further: &FurtherAplics, expected: &mut Expected) {
    for (_, _, aplic) in all(further) {
        if let Some(domain) = aplic.supervisor.value() {
            expected
                .part(&domain.place, DOMAIN)
                .registers(0, &domain.place.path, &domain.base, &domain.size)
                .sources("riscv,num-sources", &aplic.sources);
        }
    }
}

/// The APLIC of a further socket, resolved.
pub(super) struct Resolved {
    config: Value,
    first_hart: u32,
    pub(super) registers: Block,
}

/// Returns the further APLICs, resolved.
pub(super) fn resolve(
    further: &FurtherAplics,
    used: &[board::Claim<board::Interrupt>],
) -> Option<Vec<Resolved>> {
    further.optional()?;
    let resolved = all(further).map(|(_, number, aplic)| {
        let domain = aplic.supervisor.value()?;
        let range = block::range(domain)?;
        let sources = aplic.sources.value()?.0;
        Some(Resolved {
            config: super::config(None, Some(range), sources),
            first_hart: aplic.first_hart.value()?.0,
            registers: Block {
                key: domain.place.path.clone(),
                base: range.base,
                registers: domain_registers(used, number, sources),
            },
        })
    });
    resolved.collect()
}

/// Returns the driver of several APLICs for `board.rs`.
pub(super) fn code(first: Value, further: &[Resolved]) -> board::Code {
    let others = further
        .iter()
        .map(|one| (one.first_hart, one.config.clone()));
    sockets::relayed("aplic", "Aplics", std::iter::once((0, first)).chain(others))
}

/// Adds the domains for S mode of further sockets, ascending by address.
pub(super) fn import(section: Section, domains: &[&Device]) -> Option<Section> {
    let harts = |domain: &Device| {
        let causes = domain.interrupts.iter();
        let is_it = |cause: &&Option<u32>| **cause == Some(riscv::SUPERVISOR_EXTERNAL);
        u32::try_from(causes.filter(is_it).count()).ok()
    };
    let keys = |registers| format!("supervisor = {}", draft::block(registers));
    sockets::import(section, domains, harts, keys, super::sources, inputs)
}
