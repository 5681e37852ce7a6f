//! A PCI host bridge whose configuration space is mapped into memory (PCI Express Base
//! Specification 5.0, 7.2.2: ECAM).

use super::{Binding, Delivery, Driver, place};
use crate::board::{self, Architecture, BarAssignment, Msi};
use crate::check::Claimed;
use crate::check::claims::{Claims, Extent, Purpose, Rule, Wiring};
use crate::description::scalar::choices;
use crate::description::table::table;
use crate::description::{Address, Description, Field, Interrupt, Number, Size};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::machine::device::WindowKind;
use crate::machine::expect::Expected;

table! {
    /// A PCI host bridge whose configuration space is mapped into memory.
    pub struct PciEcam {
        /// The first address of configuration space.
        base: Address => required,
        /// Where a 32-bit Arm processor sees configuration space that lies above 4 GiB, and how much
        /// of it. Without it, all of it at its own address.
        view: View => optional,
        /// How many buses it covers, from bus 0 on; each takes 1 MiB.
        buses: Number<1, 256> => required,
        /// Who has given the BARs their addresses when the kernel starts.
        bars: BarAssignment => default("kernel"),
        /// Where the processor sees what BARs are set to.
        windows: Windows => optional,
        /// The first of four lines: pin p (INTA = 0) of slot s raises the one (s + p) % 4 after it.
        intx: Interrupt => required,
        /// What delivers message-signalled interrupts; without it they are not used.
        msi: Msi => optional,
    }
}

table! {
    /// Where the processor sees something that lies elsewhere.
    pub struct View {
        /// The first address.
        base: Address => required,
        /// How many buses are seen, from bus 0 on.
        buses: Number<1, 256> => required,
    }
}

table! {
    /// Windows through which the processor reaches BARs, at the same addresses on both sides.
    pub struct Windows {
        /// For port I/O.
        io: Window => optional,
        /// For memory BARs of 32 bits.
        memory32: Window => optional,
        /// For memory BARs of 64 bits.
        memory64: Window => optional,
    }
}

table! {
    /// A window.
    pub struct Window {
        /// Its first address.
        base: Address => required,
        /// Its size.
        size: Size => required,
    }
}

choices! { BarAssignment {
    Kernel = "kernel": "nobody: the kernel does",
    Firmware = "firmware": "firmware, and the kernel leaves them",
} }

choices! { Msi {
    Its = "its": "the interrupt translation service of a GICv3",
    V2m = "v2m": "the GICv2m frame of a GICv2",
} }

/// The configuration space of a bus: 32 devices of 8 functions of 4 KiB.
const BUS: u64 = 1 << 20;

/// What a view of it is aligned to, so that large blocks map it.
const BLOCK: u64 = 2 << 20;

/// INTx is level-sensitive (PCI Local Bus Specification 3.0, 2.2.6).
const USUAL: board::Trigger = board::Trigger::Level;

/// The configuration space of so many buses.
fn size(buses: &Field<Number<1, 256>>) -> Option<Extent> {
    let buses = buses.get()?;
    Some(Extent {
        bytes: u64::from(buses.value.0) * BUS,
        at: buses.at,
    })
}

impl PciEcam {
    fn size(&self) -> Option<Extent> {
        size(&self.buses)
    }

    /// The windows that are there, by name.
    fn windows(&self) -> impl Iterator<Item = (&'static str, &Field<Window>)> {
        self.windows.value().into_iter().flat_map(|windows| {
            [
                ("io", &windows.io),
                ("memory32", &windows.memory32),
                ("memory64", &windows.memory64),
            ]
        })
    }

    fn check_msi(&self, description: &Description, problems: &mut Problems) {
        let (Some(msi), Some(controller)) = (self.msi.get(), description.controller()) else {
            return;
        };
        if let Delivery::No(why) = controller.binding().delivers(msi.value) {
            let title = "the interrupt controller does not deliver these messages";
            problems.report(
                Diagnostic::new(Code::MsiMismatch, msi.at, title)
                    .label("not with this interrupt controller")
                    .also(controller.binding().place().at, why),
            );
        }
    }

    /// A view is for what is out of reach where it is.
    fn check_view(&self, description: &Description, problems: &mut Problems) {
        let identity = description.board.value();
        let architecture = identity.and_then(|identity| identity.architecture.get());
        let (Some(view), Some(architecture)) = (self.view.get(), architecture) else {
            return;
        };
        if architecture.value != Architecture::Arm {
            let title = format!("`{}` is for 32-bit Arm only", view.path);
            problems.report(
                Diagnostic::new(Code::WrongArchitecture, view.at, title)
                    .label("here configuration space is mapped at its own address")
                    .also(architecture.at, "the board's architecture"),
            );
            return;
        }
        let (Some(all), Some(seen)) = (self.buses.get(), view.value.buses.get()) else {
            return;
        };
        if seen.value.0 > all.value.0 {
            let title = "more buses are seen than there are";
            problems.report(
                Diagnostic::new(Code::BadNumber, seen.at, title)
                    .label(format!("at most {}", all.value.0))
                    .also(all.at, "the buses there are"),
            );
        }
    }

    fn check_windows(&self, problems: &mut Problems) {
        let at = match &self.windows {
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
}

impl Binding for PciEcam {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        // The bus number's bits are bits of the address: the base has them zero.
        let buses = self.buses.value().map_or(1, |buses| u64::from(buses.0));
        let alignment = buses.next_power_of_two() * BUS;
        let rule = Rule {
            base: alignment,
            size: BUS,
            ..Rule::registers("configuration space of that many buses", BUS, BUS)
        };
        let mapped_elsewhere = !self.view.is_absent();
        claims.range(
            &self.place.path,
            &self.base,
            self.size(),
            Rule {
                mapped_elsewhere,
                ..rule
            },
        );
        let key = format!("{}.view", self.place.path);
        match &self.view {
            Field::Given(view) => {
                let rule = Rule {
                    base: BLOCK,
                    what: "a view of configuration space",
                    purpose: Purpose::View,
                    ..rule
                };
                claims.range(&key, &view.value.base, size(&view.value.buses), rule);
            }
            Field::Absent => {}
            Field::Bad => claims.drop_claim(&key),
        }
        for (name, window) in self.windows() {
            let path = format!("{}.windows.{name}", self.place.path);
            let what = if name == "io" {
                "a window for port I/O"
            } else {
                "a window for BARs"
            };
            let rule = Rule {
                what,
                purpose: Purpose::Device,
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
        claims.interrupts(&key, &self.intx, Some(4), Wiring::Shared, USUAL);
    }

    fn expect(&self, expected: &mut Expected) {
        let host = expected.part(&self.place, &["pci-host-ecam-generic"]);
        host.intx(&self.intx);
        host.counted_registers(0, &self.place.path, &self.base, &self.buses, BUS);
        host.buses(&self.buses);
        if !self.view.is_absent() {
            host.not_there(&format!("{}.view", self.place.path));
        }
        for (name, window) in self.windows() {
            let kind = match name {
                "io" => WindowKind::Io,
                "memory32" => WindowKind::Memory32,
                _ => WindowKind::Memory64,
            };
            if let Some(window) = window.value() {
                host.window(kind, &window.place.path, &window.base, &window.size);
            }
        }
    }

    fn choices(&self) -> &'static [&'static str] {
        &["view.base", "view.buses"]
    }

    fn check(&self, description: &Description, _claimed: &Claimed, problems: &mut Problems) {
        self.check_view(description, problems);
        self.check_windows(problems);
        self.check_msi(description, problems);
    }
}

impl Driver for PciEcam {
    const NAME: &'static str = "ecam";
    type Resolved = board::Pci;

    fn resolve(&self, description: &Description) -> Option<Self::Resolved> {
        let windows = self.windows.value()?;
        Some(board::Pci {
            ecam: board::Range {
                base: self.base.value()?.0,
                size: self.size()?.bytes,
            },
            view: match self.view.optional()? {
                Some(view) => Some(board::Range {
                    base: view.value.base.value()?.0,
                    size: size(&view.value.buses)?.bytes,
                }),
                None => None,
            },
            buses: self.buses.value()?.0,
            bars: *self.bars.value()?,
            io: resolve_window(&windows.io)?,
            memory32: resolve_window(&windows.memory32)?,
            memory64: resolve_window(&windows.memory64)?,
            intx: description.number(*self.intx.value()?, 4, USUAL)?,
            msi: self.msi.optional()?.map(|msi| msi.value),
        })
    }
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
