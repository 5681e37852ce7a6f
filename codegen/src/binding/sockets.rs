//! The interrupt controllers of a RISC-V machine with several sockets: one table for the first
//! socket, and further ones with names.

use super::{relays, riscv};
use crate::board::{self, Claim, Interrupt, Lines, Range, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::interned::interned;
use crate::language::{Field, Located, Named, Number, Place, hexadecimal};
use crate::machine::device::Device;
use crate::part::Inputs;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;

/// The difference between the numbers of a source of one controller and of the same source of the
/// next: `vmos_drivers::interrupt_controller::sockets::STRIDE`.
pub(super) const STRIDE: u32 = 2048;

/// The number of further controllers that a board may have. Their numbers fit in `u32`.
const MOST: usize = 64;

/// The table of the controller of a further socket.
pub(super) trait Socket {
    /// Returns the path and location of the table.
    fn place(&self) -> &Place;

    /// Returns the number of the controller's sources.
    fn sources(&self) -> &Field<Number<1, 1023>>;

    /// Returns the first hart of the socket.
    fn first_hart(&self) -> &Field<Number<1, 4095>>;
}

/// Implements [`Socket`] for a table with the keys `sources` and `first-hart`.
macro_rules! socket {
    ($Name:ident) => {
        impl $crate::binding::sockets::Socket for $Name {
            fn place(&self) -> &$crate::language::Place {
                &self.place
            }

            fn sources(&self) -> &$crate::language::Field<$crate::language::Number<1, 1023>> {
                &self.sources
            }

            fn first_hart(&self) -> &$crate::language::Field<$crate::language::Number<1, 4095>> {
                &self.first_hart
            }
        }
    };
}

pub(super) use socket;

/// The key of a controller with its further ones.
pub(super) type FurtherSockets<S> = Field<Named<S>>;

/// Returns the further controllers with their names, and the board's number of the source 0 of each.
pub(super) fn all<S>(further: &FurtherSockets<S>) -> impl Iterator<Item = (&'static str, u32, &S)> {
    let entries = further.value().into_iter().flat_map(Named::iter).take(MOST);
    let numbered = entries.zip(1..);
    numbered.map(|(entry, nth): (_, u32)| (interned(&entry.name), nth * STRIDE, &entry.value))
}

/// Returns the number of harts of the socket with an index; the first one has index 0, and its first hart
/// is hart 0. `None` for the last socket, whose harts no other socket limits.
pub(super) fn harts<S: Socket>(further: &FurtherSockets<S>, socket: usize) -> Option<u32> {
    let first_hart = |nth: usize| {
        let (_, _, socket) = all(further).nth(nth)?;
        Some(socket.first_hart().value()?.0)
    };
    let first = match socket.checked_sub(1) {
        None => 0,
        Some(nth) => first_hart(nth)?,
    };
    first_hart(socket)?.checked_sub(first)
}

/// Returns the sources that the board uses of the controller whose source 0 has the number `first`.
pub(super) fn used(
    used: &[Claim<Interrupt>],
    first: u32,
    sources: u32,
) -> impl Iterator<Item = u32> {
    let rows = used.iter().filter_map(move |claim| {
        let source = claim.what.number.checked_sub(first)?;
        (source <= sources).then(|| source..source + claim.what.count)
    });
    rows.flatten()
}

/// Returns the driver of several sockets for `board.rs`: the type `driver` in the module `several` of the
/// driver `module` for one socket. `config` are the fields of its configuration beside `units`.
pub(super) fn code(
    module: &str,
    driver: &'static str,
    units: Vec<Value>,
    config: Vec<(&'static str, Value)>,
    processor: &'static str,
) -> board::Code {
    let count = units.len();
    let of_one = interned(&format!("vmos_drivers::interrupt_controller::{module}"));
    let several = interned(&format!("{of_one}::several"));
    let units = std::iter::once(("units", Value::Rows(units)));
    board::Code {
        imports: vec![
            ("vmos_drivers::mmio", "Mmio"),
            (of_one, "self"),
            (several, "self"),
            (several, driver),
        ],
        driver: format!("{driver}<Mmio, P, {count}>"),
        config_type: format!("several::Config<{count}>"),
        config: Value::structure("several::Config", units.chain(config).collect()),
        processor: vec![processor],
    }
}

/// The same for controllers that deliver to the harts of their own socket. `units` are the first hart
/// and the configuration of each, `msip` the addresses of the harts' software interrupts.
pub(super) fn relayed(
    module: &'static str,
    driver: &'static str,
    units: impl Iterator<Item = (u32, Value)>,
    msip: &[Option<u64>],
) -> board::Code {
    let units = units.zip(msip).map(|((first_hart, config), msip)| {
        Value::structure(
            "several::Unit",
            vec![
                (module, config),
                ("first_hart", Value::Decimal(first_hart.into())),
                ("msip", relays::value(*msip)),
            ],
        )
    });
    let mut code = code(module, driver, units.collect(), Vec::new(), "riscv::Relay");
    code.imports.push(("vmos_drivers::riscv", "self"));
    code
}

/// Adds the controllers of the other sockets of a machine; `controllers` are those of all sockets, ascending
/// by address, with the addresses of the software interrupts of their harts. The harts of each, which
/// `harts` counts, follow those of the one before. `keys` returns the keys and the registers of the
/// controller with an index.
pub(super) fn import(
    mut section: Section,
    controllers: &[&Device],
    msip: &[Option<u64>],
    harts: impl Fn(&Device) -> Option<u32>,
    keys: impl Fn(usize) -> Option<(String, Vec<Range>)>,
    sources: fn(&Device) -> Option<u32>,
    own: fn(u32) -> Inputs,
) -> Option<Section> {
    let mut first_hart = harts(controllers.first()?)?;
    let others = controllers.iter().zip(msip).enumerate().skip(1);
    for ((nth, (controller, msip)), (name, first)) in others.zip(imported()) {
        let (keys, registers) = keys(nth)?;
        let sources = sources(controller)?;
        let msip = msip.map_or_else(String::new, |msip| {
            format!(", msip = {}", hexadecimal(msip))
        });
        section = section
            .line(
                &format!("further.{name}"),
                format!("{{ {keys}, sources = {sources}, first-hart = {first_hart}{msip} }}"),
            )
            .with_inputs(&[inputs_of(&name, first, own(sources))]);
        for range in registers {
            section = section.with_further(range.base, first);
        }
        first_hart = first_hart.checked_add(harts(controller)?)?;
    }
    Some(section)
}

/// Returns the name and the number of source 0 of the further controllers of a machine, from the
/// second socket on, as an import calls them.
pub(super) fn imported() -> impl Iterator<Item = (String, u32)> {
    (1..).map(|nth: u32| (format!("socket{nth}"), nth * STRIDE))
}

/// Returns the inputs of the controller with this name: those of the first controller, with other
/// numbers.
pub(super) fn inputs_of(name: &str, first: u32, own: Inputs) -> Inputs {
    Inputs {
        space: own.space.of(name),
        first,
        ..own
    }
}

/// Returns the inputs of the further controllers. `own` returns those of a first controller with a
/// number of sources.
pub(super) fn inputs<S: Socket>(
    further: &FurtherSockets<S>,
    own: fn(u32) -> Inputs,
) -> impl Iterator<Item = Inputs> {
    all(further).map(move |(name, first, socket)| {
        let sources = socket.sources().value().map_or(1023, |sources| sources.0);
        inputs_of(name, first, own(sources))
    })
}

/// Returns the rows of these inputs for `board.md`.
pub(super) fn lines<S: Socket>(
    further: &FurtherSockets<S>,
    own: fn(u32) -> Inputs,
) -> impl Iterator<Item = Lines> {
    inputs(further, own).map(|inputs| Lines {
        word: interned(
            &inputs
                .space
                .controller()
                .unwrap_or_default()
                .replace('-', " "),
        ),
        first: inputs.first,
        count: inputs.count,
    })
}

/// Reports sockets with the same first hart, first harts that QEMU does not start, and too many sockets.
pub(super) fn check<S: Socket>(
    further: &FurtherSockets<S>,
    around: &Surroundings<'_>,
    problems: &mut Problems,
) {
    let mut seen: Vec<&Located<Number<1, 4095>>> = Vec::new();
    for (_, _, socket) in all(further) {
        let Some(first) = socket.first_hart().get() else {
            continue;
        };
        let same = seen.iter().find(|other| other.value == first.value);
        if let Some(other) = same {
            let title = format!("two sockets start with hart {}", first.value.0);
            problems.report(
                Diagnostic::new(Code::BadNumber, first.at, title)
                    .label("the first hart of this socket")
                    .also(other.at, "the first hart of another socket"),
            );
        }
        let hart = first.with(first.value.0);
        riscv::check_hart(&hart, "the first hart of this socket", around, problems);
        seen.push(first);
    }
    if let Some(more) = further.value().and_then(|named| named.0.get(MOST)) {
        let title = format!("a board has at most {MOST} further interrupt controllers");
        problems
            .report(Diagnostic::new(Code::BadNumber, more.name_at, title).label("one too many"));
    }
}
