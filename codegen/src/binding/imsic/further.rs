//! The interrupt files and APLICs of further sockets. An APLIC sends messages to the hart of the kernel,
//! whichever socket that belongs to.

use super::level::{self, FILE, FILES, Level};
use super::{Imsic, MOST_IDENTITIES, indices, layout};
use crate::binding::sockets::{self, FurtherSockets, all, socket};
use crate::binding::{aplic, riscv};
use crate::board::{self, Block, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{Field, Number, hexadecimal};
use crate::machine::Facts;
use crate::machine::device::Device;
use crate::part::claims::Claims;
use crate::part::draft::{self, Machine, register};
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Entered, Further};

table! {
    /// The interrupt files and the APLIC of another socket.
    pub struct FurtherImsic {
        /// The registers that deliver in M mode, if the kernel may be entered in M mode.
        machine: Level => optional,
        /// The registers that deliver in S mode, if the kernel may be entered in S mode.
        supervisor: Level => optional,
        /// The number of the APLIC's sources, which are numbered from 1.
        sources: Number<1, 1023> => required,
        /// The first hart of the socket, whose interrupt file is at `files`. The socket has the
        /// harts from there on, up to the first hart of the next socket.
        first_hart: Number<1, 4095> => required,
    }
}

socket!(FurtherImsic);

/// The key of an IMSIC with its further sockets.
pub(super) type FurtherImsics = FurtherSockets<FurtherImsic>;

impl FurtherImsic {
    fn levels(&self) -> [(&'static str, Entered, &Field<Level>); 2] {
        level::all(&self.machine, &self.supervisor)
    }
}

/// Returns the paths and the first numbers of the domains of further APLICs.
pub(super) fn list(further: &FurtherImsics) -> Vec<Further> {
    let domains = all(further).flat_map(|(_, first, socket)| {
        let domains = socket.levels().into_iter().filter_map(|(_, _, level)| {
            let domain = level.value()?.aplic.value()?;
            Some(domain.place.path.clone())
        });
        domains.map(move |path| Further { path, first })
    });
    domains.collect()
}

pub(super) fn claim(imsic: &Imsic, claims: &mut Claims<'_>) {
    for ((_, _, socket), nth) in all(&imsic.further).zip(1..) {
        let harts = sockets::harts(&imsic.further, nth);
        let files = harts.map_or(FILE, |harts| imsic.files_of(harts));
        for (name, _, level) in socket.levels() {
            let path = format!("{}.{name}", socket.place.path);
            level::claim(&path, level, files, claims);
        }
    }
}

/// Expects the files of each socket to be a range of registers of their own.
pub(super) fn expect(imsic: &Imsic, expected: &mut Expected) {
    for ((_, _, socket), nth) in all(&imsic.further).zip(1..) {
        for (_, _, level) in socket.levels() {
            let Some(level) = level.value() else { continue };
            let key = format!("{}.files", level.place.path);
            expected
                .part(&level.place, FILES)
                .registers(nth, &key, &level.files, &imsic.stride)
                .or_less();
            level::expect_domain(level, &socket.sources, expected);
        }
    }
}

pub(super) fn check(imsic: &Imsic, around: &Surroundings<'_>, problems: &mut Problems) {
    sockets::check(&imsic.further, around, problems);
    for (_, _, socket) in all(&imsic.further) {
        for (name, mode, level) in socket.levels() {
            riscv::check_for_mode(&socket.place, name, level, mode, around, problems);
        }
    }
    check_identities(imsic, problems);
    indices::check(imsic, around, problems);
}

/// Reports sources of further sockets for which the file of the kernel's hart has no identity.
fn check_identities(imsic: &Imsic, problems: &mut Problems) {
    let (Some(identities), Some(sources)) = (imsic.identities.get(), imsic.sources.value()) else {
        return;
    };
    let most = identities.value.0.min(MOST_IDENTITIES);
    let mut used = sources.0;
    for (_, _, socket) in all(&imsic.further) {
        let Some(sources) = socket.sources.get() else {
            return;
        };
        used += sources.value.0;
        if used > most {
            let title =
                "the sources of all sockets are more than the identities of an interrupt file";
            problems.report(
                Diagnostic::new(Code::BadNumber, sources.at, title)
                    .label(format!(
                        "each source needs an identity, of which the kernel uses {most}: {used} up to \
                         this socket"
                    ))
                    .also(identities.at, "the identities of a hart's file"),
            );
            return;
        }
    }
}

/// Returns the number of identities that the sources of all sockets use.
pub(super) fn sources(imsic: &Imsic) -> Option<u32> {
    let further = all(&imsic.further).map(|(_, _, socket)| Some(socket.sources.value()?.0));
    let further: Option<u32> = further.sum();
    Some(imsic.sources.value()?.0 + further?)
}

/// A further socket, resolved.
pub(super) struct Resolved {
    config: Value,
    pub(super) registers: Vec<Block>,
}

/// Returns the further sockets, resolved.
pub(super) fn resolve(
    imsic: &Imsic,
    used: &[board::Claim<board::Interrupt>],
) -> Option<Vec<Resolved>> {
    imsic.further.optional()?;
    let bits = imsic.hart_index_bits.optional()?;
    let resolved = all(&imsic.further)
        .zip(1_u32..)
        .map(|((_, number, socket), group)| {
            let (sources, first_hart) = (socket.sources.value()?.0, socket.first_hart.value()?.0);
            let mut keys = Vec::new();
            let mut registers = Vec::new();
            for (name, _, level) in socket.levels() {
                keys.push((name, level::config(level)?));
                registers.extend(level::registers(level, number, sources, used)?);
            }
            keys.extend(unit(sources, first_hart, group << bits?.value.0));
            Some(Resolved {
                config: Value::structure("several::Unit", keys),
                registers,
            })
        });
    resolved.collect()
}

/// Returns the rest of the configuration of a socket.
fn unit(sources: u32, first_hart: u32, first_index: u32) -> [(&'static str, Value); 3] {
    [
        ("sources", Value::Decimal(sources.into())),
        ("first_hart", Value::Decimal(first_hart.into())),
        ("first_index", Value::Decimal(first_index.into())),
    ]
}

/// Returns the driver of several sockets for `board.rs`. `levels` has the configuration of the first
/// one.
pub(super) fn code(
    imsic: &Imsic,
    mut levels: Vec<(&'static str, Value)>,
    further: &[Resolved],
) -> Option<board::Code> {
    levels.extend(unit(imsic.sources.value()?.0, 0, 0));
    let first = Value::structure("several::Unit", levels);
    let others = further.iter().map(|one| one.config.clone());
    let units: Vec<Value> = std::iter::once(first).chain(others).collect();
    let config = vec![
        ("stride", Value::Hexadecimal(imsic.stride.value()?.0)),
        (
            "identities",
            Value::Decimal(imsic.identities.value()?.0.into()),
        ),
    ];
    let processor = "imsic::InterruptFile";
    Some(sockets::code("imsic", "Imsics", units, config, processor))
}

/// The interrupt files of a privilege mode in a machine, and the domains that send them messages,
/// ascending by address.
pub(super) struct Imported<'m> {
    /// The key of the mode.
    pub(super) name: &'static str,
    pub(super) files: &'m Device,
    pub(super) domains: Vec<&'m Device>,
}

/// Finds the files and domains of the modes in which the kernel may be entered.
pub(super) fn imported<'m>(machine: &Machine<'m>) -> Option<Vec<Imported<'m>>> {
    let facts: &'m Facts = machine.facts;
    let of_kinds = |kinds: &[&str]| {
        let mut found: Vec<&'m Device> = facts.devices.iter().filter(|one| one.is(kinds)).collect();
        found.sort_by_key(|device| device.base());
        found
    };
    let (all, domains) = (of_kinds(FILES), of_kinds(aplic::DOMAIN));
    let modes = riscv::modes_of(machine).into_iter();
    let modes = modes.map(|(name, cause)| {
        let is_it = |files: &&&Device| files.interrupts.first() == Some(&Some(cause));
        let files = *all.iter().find(is_it)?;
        let handle = files.number("phandle")?;
        let sends = |domain: &&Device| domain.number("msi-parent") == Some(handle);
        let domains: Vec<&Device> = domains.iter().copied().filter(sends).collect();
        (!domains.is_empty()).then_some(Imported {
            name,
            files,
            domains,
        })
    });
    modes.collect()
}

/// Adds the further sockets of a machine, ascending by address. Each has a range of interrupt files, as
/// many as it has harts, and a domain of an APLIC for each mode.
pub(super) fn import(mut section: Section, modes: &[Imported<'_>]) -> Option<Section> {
    let one = modes.first()?;
    let others = one.domains.iter().enumerate().skip(1);
    if others.len() > 0 {
        section = section.line(indices::KEY, layout::hart_index_bits(one.files));
    }
    for ((nth, domain), (name, first)) in others.zip(sockets::imported()) {
        let sources = aplic::sources(domain)?;
        let first_hart = layout::harts(one.files, nth)?;
        let mut keys = String::new();
        for mode in modes {
            let files = hexadecimal(register(mode.files, nth)?.base);
            let registers = register(mode.domains.get(nth)?, 0)?;
            let block = draft::block(registers);
            keys += &format!("{} = {{ files = {files}, aplic = {block} }}, ", mode.name);
            section = section.with_further(registers.base, first);
        }
        section = section
            .line(
                &format!("further.{name}"),
                format!("{{ {keys}sources = {sources}, first-hart = {first_hart} }}"),
            )
            .with_inputs(&[sockets::inputs_of(&name, first, aplic::inputs(sources))]);
    }
    Some(section)
}
