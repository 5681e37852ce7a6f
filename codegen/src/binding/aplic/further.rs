//! The APLICs of further sockets. Each delivers to the harts of its own socket.

use super::{DOMAIN, Domain, domain_registers, inputs};
use crate::binding::block;
use crate::binding::relays::{self, relayed};
use crate::binding::riscv;
use crate::binding::sockets::{self, FurtherSockets, all, socket};
use crate::board::{self, Block, Value};
use crate::diagnostic::Problems;
use crate::language::table::table;
use crate::language::{Address, Field, Number};
use crate::machine::device::Device;
use crate::part::claims::Claims;
use crate::part::draft::{self, register};
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Entered, Further};

table! {
    /// The APLIC of another socket.
    pub struct FurtherAplic {
        /// The registers of the APLIC's domain for M mode, if the kernel may be entered in M mode.
        machine: Domain => optional,
        /// The registers of the APLIC's domain for S mode, if the kernel may be entered in S mode.
        supervisor: Domain => optional,
        /// The number of the APLIC's sources, which are numbered from 1.
        sources: Number<1, 1023> => required,
        /// The first hart that the APLIC delivers to. It delivers to the harts from there on, up to
        /// the first hart of another socket.
        first_hart: Number<1, 4095> => required,
        /// The address of the software interrupts of the socket's harts, from its first hart on: the
        /// base of a CLINT, or of the MSWI device of an ACLINT. Required if the kernel may be entered
        /// in M mode, where the kernel and the first hart wake each other by them.
        msip: Address => optional,
    }
}

socket!(FurtherAplic);
relayed!(FurtherAplic);

impl FurtherAplic {
    fn domains(&self) -> [(&'static str, Entered, &Field<Domain>); 2] {
        super::domains(&self.machine, &self.supervisor)
    }

    fn given(&self) -> impl Iterator<Item = &Domain> {
        let domains = self.domains().into_iter();
        domains.filter_map(|(_, _, domain)| domain.value())
    }
}

/// The key of an APLIC with its further ones.
pub(super) type FurtherAplics = FurtherSockets<FurtherAplic>;

/// Returns the paths and the first numbers of the domains of further APLICs.
pub(super) fn list(further: &FurtherAplics) -> Vec<Further> {
    let all = all(further).flat_map(|(_, first, aplic)| {
        aplic.given().map(move |domain| Further {
            path: domain.place.path.clone(),
            first,
        })
    });
    all.collect()
}

/// Returns the addresses of the domains of further APLICs.
pub(super) fn bases(further: &FurtherAplics) -> impl Iterator<Item = u64> {
    let domains = all(further).flat_map(|(_, _, aplic)| aplic.given());
    domains.filter_map(|domain| Some(domain.base.value()?.0))
}

pub(super) fn claim(further: &FurtherAplics, claims: &mut Claims<'_>) {
    for (_, _, aplic) in all(further) {
        for (name, _, domain) in aplic.domains() {
            block::claim(&aplic.place, name, domain, claims);
        }
        relays::claim(&aplic.place, &aplic.msip, claims);
    }
}

pub(super) fn expect(further: &FurtherAplics, expected: &mut Expected) {
    for (_, _, aplic) in all(further) {
        for domain in aplic.given() {
            expected
                .part(&domain.place, DOMAIN)
                .registers(0, &domain.place.path, &domain.base, &domain.size)
                .sources("riscv,num-sources", &aplic.sources);
        }
        relays::expect(&aplic.msip, expected);
    }
}

/// Reports further APLICs that cannot interrupt the kernel, or that are ambiguous.
pub(super) fn check(further: &FurtherAplics, around: &Surroundings<'_>, problems: &mut Problems) {
    for (_, _, aplic) in all(further) {
        for (name, mode, domain) in aplic.domains() {
            riscv::check_for_mode(&aplic.place, name, domain, mode, around, problems);
        }
    }
    sockets::check(further, around, problems);
    relays::check(further, around, problems);
}

/// The APLIC of a further socket, resolved.
pub(super) struct Resolved {
    /// The path of the table that describes it.
    pub(super) key: String,
    config: Value,
    first_hart: u32,
    /// The registers of its domains, for a debugger.
    pub(super) registers: Vec<Block>,
}

/// Returns the further APLICs, resolved.
pub(super) fn resolve(
    further: &FurtherAplics,
    used: &[board::Claim<board::Interrupt>],
) -> Option<Vec<Resolved>> {
    further.optional()?;
    let resolved = all(further).map(|(_, number, aplic)| {
        let sources = aplic.sources.value()?.0;
        let registers = aplic.given().map(|domain| {
            Some(Block {
                key: domain.place.path.clone(),
                base: domain.base.value()?.0,
                registers: domain_registers(used, number, sources),
            })
        });
        Some(Resolved {
            key: aplic.place.path.clone(),
            config: super::config(
                block::optional_range(&aplic.machine)?,
                block::optional_range(&aplic.supervisor)?,
                sources,
            ),
            first_hart: aplic.first_hart.value()?.0,
            registers: registers.collect::<Option<_>>()?,
        })
    });
    resolved.collect()
}

/// Returns the driver of several APLICs for `board.rs`.
pub(super) fn code(first: Value, further: &[Resolved], msip: &[Option<u64>]) -> board::Code {
    let others = further
        .iter()
        .map(|one| (one.first_hart, one.config.clone()));
    let units = std::iter::once((0, first)).chain(others);
    sockets::relayed("aplic", "Aplics", units, msip)
}

/// Adds the domains of further sockets, ascending by address, with the software interrupts of their
/// harts. `modes` has the key and the domains of each mode in which the kernel may be entered.
pub(super) fn import(
    section: Section,
    modes: &[(&str, Vec<&Device>)],
    msip: &[Option<u64>],
) -> Option<Section> {
    let (_, domains) = modes.first()?;
    let harts = |domain: &Device| u32::try_from(domain.interrupts.len()).ok();
    let keys = |nth: usize| {
        let registers = modes
            .iter()
            .map(|(_, of_mode)| register(of_mode.get(nth)?, 0));
        let registers: Vec<board::Range> = registers.collect::<Option<_>>()?;
        let names = modes.iter().map(|(name, _)| name).zip(&registers);
        let keys = names.map(|(name, range)| format!("{name} = {}", draft::block(*range)));
        Some((keys.collect::<Vec<String>>().join(", "), registers))
    };
    sockets::import(section, domains, msip, harts, keys, super::sources, inputs)
}
