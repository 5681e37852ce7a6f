//! The interrupt controllers of a RISC-V machine with several sockets: one table for the first
//! socket, and further ones with names.

use super::riscv;
use crate::board::{self, Claim, Interrupt, Lines, Range, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::interned::interned;
use crate::language::{Field, Located, Named, Number, Place};
use crate::machine::device::Device;
use crate::part::draft::register;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Entered, Inputs};

/// The difference between the numbers of a source of one controller and of the same source of the
/// next: `vmos_drivers::interrupt_controller::sockets::STRIDE`.
pub(super) const STRIDE: u32 = 2048;

/// The number of further controllers that a board may have. Their numbers fit in `u32`.
const MOST: usize = 64;

/// The requirement of controllers that deliver to the harts of their own socket only, for readers of
/// a board file.
pub(super) const ONLY_IN_S_MODE: &str =
    "the interrupt controllers of other sockets need a kernel in S mode";

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
/// and the configuration of each.
pub(super) fn relayed(
    module: &'static str,
    driver: &'static str,
    units: impl Iterator<Item = (u32, Value)>,
) -> board::Code {
    let units = units.map(|(first_hart, config)| {
        Value::structure(
            "several::Unit",
            vec![
                (module, config),
                ("first_hart", Value::Decimal(first_hart.into())),
            ],
        )
    });
    let mut code = code(module, driver, units.collect(), Vec::new(), "riscv::Relay");
    code.imports.push(("vmos_drivers::riscv", "self"));
    code
}

/// Adds the controllers of the other sockets of a machine; `controllers` are those of all sockets, ascending
/// by address. The harts of each, which `harts` counts, follow those of the one before. `keys` returns the
/// keys of a controller's registers.
pub(super) fn import(
    mut section: Section,
    controllers: &[&Device],
    harts: impl Fn(&Device) -> Option<u32>,
    keys: impl Fn(Range) -> String,
    sources: fn(&Device) -> Option<u32>,
    own: fn(u32) -> Inputs,
) -> Option<Section> {
    let mut first_hart = harts(controllers.first()?)?;
    for (controller, (name, first)) in controllers.iter().skip(1).zip(imported()) {
        let (registers, sources) = (register(controller, 0)?, sources(controller)?);
        let keys = keys(registers);
        section = section
            .line(
                &format!("further.{name}"),
                format!("{{ {keys}, sources = {sources}, first-hart = {first_hart} }}"),
            )
            .with_further(registers.base, first)
            .with_inputs(&[inputs_of(&name, first, own(sources))]);
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

/// Returns what the kernel needs for further controllers that deliver to their own harts, if it may be
/// entered in M mode.
pub(super) fn needs(around: &Surroundings<'_>) -> Option<&'static str> {
    let (entered, _) = riscv::entered(around)?;
    (entered != Entered::Supervisor).then_some(
        "or describe it too, in a board whose kernel is in S mode ([boot.sbi-payload]): there, a hart of \
         the other socket passes its interrupts on",
    )
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

/// Reports controllers that deliver to the harts of their own socket only, if no hart can pass the
/// interrupts on.
pub(super) fn check_relays<S: Socket>(
    further: &FurtherSockets<S>,
    around: &Surroundings<'_>,
    problems: &mut Problems,
) {
    let Some((entered, at)) = riscv::entered(around) else {
        return;
    };
    if entered == Entered::Supervisor {
        return;
    }
    for (_, _, socket) in all(further) {
        let place = socket.place();
        let title = format!("`{}` cannot interrupt the kernel", place.path);
        problems.report(
            Diagnostic::new(Code::WrongMode, place.at, title)
                .label("it delivers to other harts")
                .also(at, "the kernel may be entered in M mode")
                .note(
                    "a hart of another socket passes its interrupts on through firmware, so the \
                     kernel must run in S mode",
                )
                .help("list its address and the parts that use it under [undescribed]"),
        );
    }
}
