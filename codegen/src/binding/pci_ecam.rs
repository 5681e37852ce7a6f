//! A PCI host bridge whose configuration space is mapped into memory (PCI Express Base
//! Specification 5.0, 7.2.2: ECAM).

use super::pci_host::Space;
use super::pci_host::{self, Host, SlotLines, Windows};
use crate::board::Value;
use crate::board::{self, Architecture, BarAssignment, Msi};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{Address, Field, Interrupt, Located, Named, Number, hexadecimal};
use crate::machine::device::Device;
use crate::machine::overlap;
use crate::notation;
use crate::part::claims::{Claimed, Claims, Extent, Purpose, RangeClaim, Rule};
use crate::part::draft::{Machine, register};
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// A PCI host bridge whose configuration space is mapped into memory.
    pub struct PciEcam {
        /// The first address of configuration space.
        base: Address => required,
        /// The address at which a 32-bit Arm processor sees a part of configuration space that is
        /// above 4 GiB. Without it, configuration space is used at its own address.
        view: View => optional,
        /// The number of buses, from bus 0 on; each takes 1 MiB.
        buses: Number<1, 256> => required,
        /// Who assigns the BARs: the kernel, or firmware before it.
        bars: BarAssignment => default("kernel"),
        /// The address windows for BARs.
        windows: Windows => optional,
        /// The first of four consecutive lines: pin p (INTA = 0) of slot s raises this number plus
        /// (s + p) % 4.
        intx: Interrupt => optional,
        /// The four lines, if they are not consecutive: pin p of slot s raises line (s + p) % 4.
        intx_lines: Vec<Located<Interrupt>> => optional,
        /// Slots with other wiring: ranges of slots, each with a name of your choice.
        intx_slots: Named<SlotLines> => optional,
        /// The receiver of message-signalled interrupts. Without it, they are not used.
        msi: Msi => optional,
    }
}

table! {
    /// A range of addresses at which the processor sees memory that is elsewhere on the bus.
    pub struct View {
        /// The first address of the range.
        base: Address => required,
        /// The number of buses that are visible in the range, from bus 0 on.
        buses: Number<1, 256> => required,
    }
}

/// The size of a bus's configuration space: 32 devices of 8 functions of 4 KiB.
const BUS: u64 = 1 << 20;

/// From this number of buses on, one less than a power of two is a mistake.
const FEW: u32 = 16;

/// The alignment of a view, which lets large blocks map it.
const BLOCK: u64 = 2 << 20;

/// The default number of visible buses: in most machines, only bus 0 has devices.
const VIEWED: u32 = 16;

/// Returns an unclaimed range below 4 GiB for `size` bytes of configuration space.
fn free_place(size: u64, claimed: &Claimed) -> Option<u64> {
    let step = size.next_power_of_two().max(BLOCK);
    let is_free = |base: &u64| {
        let last = base + (size - 1);
        let clear = |claim: &RangeClaim| claim.last() < *base || last < claim.range.base;
        claimed.ranges.iter().all(clear)
    };
    (1..(1 << 32) / step)
        .map(|index| index * step)
        .find(is_free)
}

/// Returns the size of this many buses' configuration space.
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

    /// Returns the properties that this bridge has in common with other bridges.
    fn host(&self) -> Host<'_> {
        Host {
            place: &self.place,
            windows: &self.windows,
            intx: &self.intx,
            intx_lines: &self.intx_lines,
            intx_slots: &self.intx_slots,
            msi: &self.msi,
        }
    }

    /// Reports configuration space above 4 GiB, which a 32-bit Arm processor could not access.
    fn check_reach(&self, base: &Located<Address>, claimed: &Claimed, problems: &mut Problems) {
        let size = self.size().map_or(0, |size| size.bytes);
        if u128::from(base.value.0) + u128::from(size) <= 1 << 32 {
            return;
        }
        let buses = self.buses.value().map_or(1, |buses| buses.0.min(VIEWED));
        let view = free_place(u64::from(buses) * BUS, claimed);
        let title = format!("`{}` goes beyond what 32 bits can address", self.place.path);
        let diagnostic = Diagnostic::new(Code::OutsideAddressSpace, base.at, title)
            .label("the kernel cannot address configuration space here")
            .note("on arm the kernel uses 32-bit addresses, but physical addresses have 40 bits");
        let view = view.map_or("...".to_owned(), hexadecimal);
        problems.report(
            diagnostic
                .add(
                    &self.place.path,
                    format!("view = {{ base = {view}, buses = {buses} }}"),
                )
                .help("or move configuration space below 4 GiB: QEMU's `virt` does so with highmem=off"),
        );
    }

    /// Reports the number of the last bus instead of the number of buses.
    fn check_buses(&self, problems: &mut Problems) {
        let Some(buses) = self.buses.get() else {
            return;
        };
        let count = buses.value.0 + 1;
        // A machine may have a few buses; a bridge decodes a power of two.
        if count >= FEW && count.is_power_of_two() {
            let title = format!("`{}` is the number of a bus, not of buses", buses.path);
            problems.report(
                Diagnostic::new(Code::BadNumber, buses.at, title)
                    .label(format!("buses 0 to {} are {count} buses", buses.value.0))
                    .write(count.to_string()),
            );
        }
    }

    /// Reports a view that is not needed or not valid.
    fn check_view(&self, around: &Surroundings<'_>, claimed: &Claimed, problems: &mut Problems) {
        let architecture = around.architecture();
        let is_arm = claimed.architecture == Some(Architecture::Arm);
        // One that the translation tables cannot reach has been reported as such.
        let mut claims = claimed.ranges.iter();
        let is_claimed = claims.any(|claim| claim.key == self.place.path);
        let needs_view = self.view.is_absent() && is_arm && is_claimed;
        if let (true, Some(base)) = (needs_view, self.base.get()) {
            self.check_reach(base, claimed, problems);
        }
        let (Some(view), Some(architecture)) = (self.view.get(), architecture) else {
            return;
        };
        if architecture.value != Architecture::Arm {
            let title = format!("`{}` is for 32-bit Arm only", view.path);
            problems.report(
                Diagnostic::new(Code::WrongArchitecture, view.at, title)
                    .label("here configuration space is accessible at its own address")
                    .also(architecture.at, "the board's architecture"),
            );
            return;
        }
        let (Some(all), Some(seen)) = (self.buses.get(), view.value.buses.get()) else {
            return;
        };
        if seen.value.0 > all.value.0 {
            let title = "the view has more buses than the configuration space";
            problems.report(
                Diagnostic::new(Code::BadNumber, seen.at, title)
                    .label(format!("at most {}", all.value.0))
                    .also(all.at, "the number of buses"),
            );
        }
    }
}

impl Binding for PciEcam {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        // The bits of the bus number are address bits, which must be zero in the base.
        let buses = self.buses.value().map_or(1, |buses| u64::from(buses.0));
        let alignment = buses.next_power_of_two() * BUS;
        let rule = Rule {
            base: alignment,
            size: BUS,
            ..Rule::registers("configuration space of that many buses", BUS, BUS)
        };
        // One that a 32-bit Arm processor cannot access needs a view, which is reported with a
        // suggested place.
        let is_arm = claims.architecture() == Some(Architecture::Arm);
        let mapped_elsewhere = !self.view.is_absent() || is_arm;
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
        self.host().claim(claims);
    }

    fn expect(&self, expected: &mut Expected) {
        let host = expected.part(&self.place, &["pci-host-ecam-generic"]);
        host.model("acpi,ecam").model("gpex-pcihost");
        host.intx(&self.intx);
        host.counted_registers(0, &self.place.path, &self.base, &self.buses, BUS);
        host.buses(&self.buses).bars(&self.bars);
        if !self.view.is_absent() {
            host.not_there(&format!("{}.view", self.place.path));
        }
        self.host().expect(self.bars.value(), host);
    }

    fn choices(&self) -> &'static [&'static str] {
        match pci_host::choices(self.bars.value()) {
            [] => &["view.base", "view.buses"],
            choices => choices,
        }
    }

    fn check(&self, around: &Surroundings<'_>, claimed: &Claimed, problems: &mut Problems) {
        self.check_buses(problems);
        self.check_view(around, claimed, problems);
        self.host().check(around, problems);
    }
}

impl Driver for PciEcam {
    const NAME: &'static str = "ecam";
    const KINDS: &'static [&'static str] = &["pci-host-ecam-generic", "acpi,ecam"];
    type Resolved = board::Pci;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let registers = board::Range {
            base: self.base.value()?.0,
            size: self.size()?.bytes,
        };
        let (base, bytes) = (
            notation::address(registers.base),
            notation::size(registers.size),
        );
        let space = Space {
            card: format!("{base}, {bytes}"),
            code: Self::code(Some(registers)),
            registers: Some(registers),
            view: match self.view.optional()? {
                Some(view) => Some(board::Range {
                    base: view.value.base.value()?.0,
                    size: size(&view.value.buses)?.bytes,
                }),
                None => None,
            },
            buses: self.buses.value()?.0,
        };
        let bars = *self.bars.value()?;
        self.host().resolve(space, bars, around)
    }

    fn import(machine: &Machine<'_>, host: &Device) -> Option<Section> {
        let bridge = host.bridge.as_ref()?;
        let ecam = register(host, 0)?;
        let mut section = Section::new("pci.ecam")
            .line("base", hexadecimal(ecam.base))
            .line("buses", bridge.buses?);
        if !machine.reaches(ecam) {
            let base = hexadecimal(imported_view(machine)?);
            section = section
                .line("view", format!("{{ base = {base}, buses = {VIEWED} }}"))
                .beside("the part of it that 32-bit addresses can reach");
        }
        section = pci_host::imported_windows(machine, bridge, section);
        let section = machine
            .interrupt(section, "intx", bridge.intx?)
            .beside("pin p of slot s raises this number plus (s + p) % 4");
        if machine.is_pc() {
            return Some(pci_host::imported_of_firmware(machine, section));
        }
        Some(section.optional("msi", machine.messages.map(|msi| format!("{:?}", msi.word))))
    }
}

impl PciEcam {
    /// The driver and configuration of the bridge for `board.rs`; only the types if the board has
    /// no bridge.
    pub(crate) fn code(registers: Option<board::Range>) -> board::Code {
        board::Code {
            imports: vec![
                ("vmos_drivers::pci", "Ecam"),
                ("vmos_drivers::mmio", "Mmio"),
                ("vmos_drivers::address", "Range"),
            ],
            driver: "Ecam<Mmio>".to_owned(),
            config_type: "Range".to_owned(),
            config: Value::optional(registers.map(Value::Range)),
            processor: Vec::new(),
        }
    }
}

/// Returns a free address for a view, in a region that is not used for code.
fn imported_view(machine: &Machine<'_>) -> Option<u64> {
    let size = u64::from(VIEWED) * BUS;
    let devices = machine.facts.devices.iter();
    let devices = devices.filter(|device| !device.is(&["cfi-flash"]));
    let taken: Vec<board::Range> = devices
        .flat_map(|device| device.regions())
        .chain(machine.facts.ram.iter().copied())
        .collect();
    let is_free = |base: &u64| {
        let view = board::Range { base: *base, size };
        !taken.iter().any(|range| overlap(*range, view))
    };
    (1..(1 << 32) / size)
        .map(|index| index * size)
        .find(is_free)
}
