//! The common properties of all PCI host bridges: windows, interrupt lines and messages.

use crate::board::{self, BarAssignment, Msi};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::scalar::choices;
use crate::language::table::table;
use crate::language::{Address, Field, Interrupt, Located, Named, Number, Place, Size};
use crate::machine::device::{Bridge, WindowKind};
use crate::part::Delivery;
use crate::part::claims::{Claims, Extent, Purpose, Rule, Wiring};
use crate::part::draft::{self, Machine};
use crate::part::expect::Part;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;

table! {
    /// Windows through which the processor accesses BARs, at the same addresses on both sides.
    pub struct Windows {
        /// The window for port I/O.
        io: Window => optional,
        /// The window for 32-bit memory BARs.
        memory32: Window => optional,
        /// The window for 64-bit memory BARs.
        memory64: Window => optional,
    }
}

table! {
    /// A window of a PCI host bridge.
    pub struct Window {
        /// The first address of the window.
        base: Address => required,
        /// The size of the window.
        size: Size => required,
    }
}

choices! { BarAssignment {
    Kernel = "kernel": "the kernel assigns the BARs",
    Firmware = "firmware": "firmware has assigned the BARs, and the kernel keeps the assignment",
} }

table! {
    /// A range of slots with the same wiring.
    pub struct SlotLines {
        /// The first PCI slot of the range.
        first: Number<0, 31> => required,
        /// The last PCI slot of the range.
        last: Number<0, 31> => required,
        /// The interrupts of pins A to D, the same for each slot.
        lines: Vec<Located<Interrupt>> => required,
    }
}

/// INTx is level-sensitive (PCI Local Bus Specification 3.0, 2.2.6).
const USUAL: board::Trigger = board::Trigger::Level;

/// The number of pins of a slot.
const PINS: usize = 4;

/// Returns the keys of a host bridge that cannot be compared with the machine.
pub(super) fn choices(bars: Option<&BarAssignment>) -> &'static [&'static str] {
    match bars {
        Some(BarAssignment::Firmware) => &["windows.memory64.base", "windows.memory64.size"],
        _ => &[],
    }
}

/// The access to configuration space with all defaults applied.
pub(super) struct Space {
    /// The kind and the place of the access, as text for readers.
    pub(super) card: String,
    /// The bridge's driver and its configuration for `board.rs`.
    pub(super) code: board::Code,
    /// The range at which configuration space is mapped; `None` if it is behind ports.
    pub(super) registers: Option<board::Range>,
    /// The range at which the processor sees configuration space, and its size there; `None` if it
    /// sees all of it at its bus address.
    pub(super) view: Option<board::Range>,
    /// The number of buses in configuration space.
    pub(super) buses: u32,
}

/// The common properties of a host bridge.
pub(super) struct Host<'a> {
    pub(super) place: &'a Place,
    pub(super) windows: &'a Field<Windows>,
    pub(super) intx: &'a Field<Interrupt>,
    pub(super) intx_lines: &'a Field<Vec<Located<Interrupt>>>,
    pub(super) intx_slots: &'a Field<Named<SlotLines>>,
    pub(super) msi: &'a Field<Msi>,
}

impl<'a> Host<'a> {
    /// Returns the existing windows, by name.
    pub(super) fn windows(
        &self,
    ) -> impl Iterator<Item = (&'static str, &'a Field<Window>)> + use<'a> {
        self.windows.value().into_iter().flat_map(|windows| {
            [
                ("io", &windows.io),
                ("memory32", &windows.memory32),
                ("memory64", &windows.memory64),
            ]
        })
    }

    /// Claims the windows and the lines.
    pub(super) fn claim(&self, claims: &mut Claims<'_>) {
        for (name, window) in self.windows() {
            let path = format!("{}.windows.{name}", self.place.path);
            let what = if name == "io" {
                "a window for port I/O"
            } else {
                "a window for BARs"
            };
            let rule = Rule {
                what,
                purpose: Purpose::Window,
                below_4_gib: name == "memory32",
                ..Rule::registers(what, 0x1000, 0x1000)
            };
            match window {
                Field::Given(window) => {
                    let size = window.value.size.get().map(Extent::from);
                    claims.range(&path, &window.value.base, size, rule);
                }
                Field::Absent => {}
                Field::Bad => claims.drop_claim(&path),
            }
        }
        let key = format!("{}.intx", self.place.path);
        claims.interrupts(&key, self.intx, Some(PINS as u32), Wiring::Shared, USUAL);
        let key = format!("{}.intx-lines", self.place.path);
        claims.each_interrupt(&key, self.intx_lines, USUAL);
        for row in self.slots() {
            let key = format!("{}.lines", row.place.path);
            claims.each_interrupt(&key, &row.lines, USUAL);
        }
    }

    /// Returns the ranges of slots with their own wiring.
    pub(super) fn slots(&self) -> impl Iterator<Item = &'a SlotLines> + use<'a> {
        let slots = self.intx_slots.value().into_iter();
        slots
            .flat_map(|slots| slots.iter())
            .map(|entry| &entry.value)
    }

    /// Expects the windows, and the slots with their own wiring, in the machine.
    pub(super) fn expect(&self, bars: Option<&BarAssignment>, part: &mut Part) {
        part.intx_lines(self.intx_lines);
        for row in self.slots() {
            part.slots(&row.first, &row.last, &row.lines);
        }
        for (name, window) in self.windows() {
            let kind = match name {
                "io" => WindowKind::Io,
                "memory32" => WindowKind::Memory32,
                _ => WindowKind::Memory64,
            };
            // Firmware that assigns BARs chooses this window too, depending on the amount of RAM.
            if kind == WindowKind::Memory64 && bars == Some(&BarAssignment::Firmware) {
                part.not_there(&format!("{}.windows.{name}", self.place.path));
            } else if let Some(window) = window.value() {
                part.window(kind, &window.place.path, &window.base, &window.size);
            }
        }
    }

    /// Reports errors in the windows and lines.
    pub(super) fn check(&self, around: &Surroundings<'_>, problems: &mut Problems) {
        self.check_windows(problems);
        self.check_lines(problems);
        self.check_msi(around, problems);
    }

    fn check_msi(&self, around: &Surroundings<'_>, problems: &mut Problems) {
        let (Some(msi), Some(controller)) = (self.msi.get(), around.controller) else {
            return;
        };
        if let Delivery::No(why) = controller.delivers(msi.value) {
            let title = "the interrupt controller does not deliver these messages";
            problems.report(
                Diagnostic::new(Code::MsiMismatch, msi.at, title)
                    .label("the interrupt controller does not support this")
                    .also(controller.place().at, why),
            );
        }
    }

    fn check_windows(&self, problems: &mut Problems) {
        let at = match self.windows {
            Field::Absent => self.place.at,
            Field::Bad => return,
            Field::Given(windows) => {
                if !windows.value.memory32.is_absent() || !windows.value.memory64.is_absent() {
                    return;
                }
                windows.at
            }
        };
        let title = "the PCI host bridge has no window for memory BARs";
        problems.report(
            Diagnostic::new(Code::NoMemoryWindow, at, title)
                .label("needs `memory32`, `memory64` or both")
                .help("write windows.memory32 = { base = ..., size = ... }"),
        );
    }

    fn check_lines(&self, problems: &mut Problems) {
        match (self.intx, self.intx_lines) {
            (Field::Absent, Field::Absent) => {
                let title = format!("`{}.intx` is missing", self.place.path);
                problems.report(
                    Diagnostic::new(Code::MissingKey, self.place.at, title)
                        .label("needs `intx` or `intx-lines`"),
                );
            }
            (Field::Given(first), Field::Given(lines)) => {
                let title = format!("`{}` and `{}` exclude each other", first.path, lines.path);
                problems.report(
                    Diagnostic::new(Code::DuplicateKey, lines.at, title)
                        .label("only one of the two keys can describe the lines")
                        .also(first.at, "the first of four lines"),
                );
            }
            _ => {}
        }
        check_four(self.intx_lines, problems);
        for row in self.slots() {
            check_four(&row.lines, problems);
            let (Some(first), Some(last)) = (row.first.get(), row.last.get()) else {
                continue;
            };
            if first.value.0 > last.value.0 {
                let title = format!("[{}] has no slots", row.place.path);
                problems.report(
                    Diagnostic::new(Code::EmptyRange, last.at, title)
                        .label("the last slot is before the first slot")
                        .also(first.at, "the first slot"),
                );
            }
        }
    }

    /// Returns the bridge with all defaults applied; `space` is the access to its configuration
    /// space.
    pub(super) fn resolve(
        &self,
        space: Space,
        bars: BarAssignment,
        around: &Surroundings<'_>,
    ) -> Option<board::Pci> {
        let windows = self.windows.value()?;
        Some(board::Pci {
            part: board::Part {
                key: self.place.path.clone(),
                card: space.card,
                code: space.code,
                registers: Vec::new(),
                entry: Vec::new(),
            },
            registers: space.registers,
            view: space.view,
            buses: space.buses,
            bars,
            io: resolve_window(&windows.io)?,
            memory32: resolve_window(&windows.memory32)?,
            memory64: resolve_window(&windows.memory64)?,
            pins: self.pins(around)?,
            msi: self.msi.optional()?.map(|msi| msi.value),
        })
    }

    fn pins(&self, around: &Surroundings<'_>) -> Option<Vec<board::Pins>> {
        let mut pins = Vec::new();
        for row in self.slots() {
            let (first, last) = (row.first.value()?.0, row.last.value()?.0);
            let lines = lines(row.lines.value()?, around)?;
            pins.push(board::Pins::Straight { first, last, lines });
        }
        pins.sort_by_key(|pins| match pins {
            board::Pins::Straight { first, .. } => *first,
            _ => u32::MAX,
        });
        pins.push(match (self.intx.optional()?, self.intx_lines.optional()?) {
            (Some(first), _) => {
                board::Pins::From(around.number(first.value, PINS as u32, USUAL)?)
            }
            (None, Some(all)) => board::Pins::Rotated(lines(&all.value, around)?),
            (None, None) => return None,
        });
        Some(pins)
    }
}

/// Reports a list whose length is not the number of pins.
fn check_four(lines: &Field<Vec<Located<Interrupt>>>, problems: &mut Problems) {
    let Some(lines) = lines.get().filter(|lines| lines.value.len() != PINS) else {
        return;
    };
    let title = format!("`{}` has {} lines", lines.path, lines.value.len());
    problems.report(
        Diagnostic::new(Code::BadInterrupt, lines.at, title)
            .label("expected one line for each of the four pins"),
    );
}

fn lines(
    lines: &[Located<Interrupt>],
    around: &Surroundings<'_>,
) -> Option<[board::Interrupt; PINS]> {
    let numbers = lines.iter().map(|line| around.number(line.value, 1, USUAL));
    numbers.collect::<Option<Vec<_>>>()?.try_into().ok()
}

fn resolve_window(window: &Field<Window>) -> Option<Option<board::Range>> {
    match window.optional()? {
        Some(window) => {
            let (base, size) = (window.value.base.value()?.0, window.value.size.value()?.0);
            Some(Some(board::Range { base, size }))
        }
        None => Some(None),
    }
}

/// Adds the windows of an imported bridge that the processor can access.
pub(super) fn imported_windows(
    machine: &Machine<'_>,
    bridge: &Bridge,
    mut section: Section,
) -> Section {
    if machine.is_pc() {
        return imported_window32(machine, bridge, section);
    }
    let reached = bridge.windows.iter();
    for (kind, range) in reached.filter(|(_, range)| machine.reaches(*range)) {
        let name = match kind {
            WindowKind::Io => "io",
            WindowKind::Memory32 => "memory32",
            WindowKind::Memory64 => "memory64",
        };
        section = section.line(&format!("windows.{name}"), draft::block(*range));
    }
    section
}

/// Adds what firmware sets up on a PC: the BARs, the wiring of slots, and the messages.
pub(super) fn imported_of_firmware(machine: &Machine<'_>, section: Section) -> Section {
    let mut section = section.line("bars", "\"firmware\"");
    let mut rows: Vec<(u32, u32, [u32; PINS])> = Vec::new();
    for (slot, lines) in &machine.facts.slot_lines {
        match rows.last_mut() {
            Some((_, last, same)) if same == lines => *last = *slot,
            _ => rows.push((*slot, *slot, *lines)),
        }
    }
    for (index, (first, last, lines)) in rows.iter().enumerate() {
        let lines = lines.map(|line| format!("{{ gsi = {line} }}")).join(", ");
        section = section.line(
            &format!("intx-slots.row{index}"),
            format!("{{ first = {first}, last = {last}, lines = [{lines}] }}"),
        );
    }
    section.line("msi", "\"local-apic\"")
}

/// Adds the window for 32-bit BARs of a PC: the last one that firmware reports, behind the most RAM
/// that there may be. Firmware chooses the window for 64-bit BARs, if any, by the amount of RAM.
fn imported_window32(machine: &Machine<'_>, bridge: &Bridge, section: Section) -> Section {
    let windows = bridge.windows.iter();
    let narrow = windows.filter(|(kind, _)| *kind == WindowKind::Memory32);
    let Some(window) = narrow.map(|(_, range)| *range).max() else {
        return section;
    };
    let end = window.base + window.size;
    let ram = machine.facts.more_ram.iter();
    let ends = ram.map(|ram| ram.base.saturating_add(ram.size));
    let base = ends.filter(|base| (window.base..end).contains(base)).max();
    let base = base.unwrap_or(window.base);
    let size = end - base;
    section.line(
        "windows.memory32",
        draft::block(board::Range { base, size }),
    )
}
