//! A PCI host bridge whose configuration space is behind two ports (PCI Local Bus Specification
//! 3.0, 3.2.2.3.2: configuration mechanism #1).

use super::pci_host::Space;
use super::pci_host::{self, Host, SlotLines, Windows};
use crate::board::Value;
use crate::board::{self, Architecture, BarAssignment, Msi};
use crate::diagnostic::Problems;
use crate::language::table::table;
use crate::language::{Interrupt, Located, Named, Port};
use crate::machine::device::Device;
use crate::part::claims::{Claimed, Claims};
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// A PCI host bridge whose configuration space is behind two ports.
    pub struct PciPorts {
        /// The I/O port for the address of a register.
        address: Port => default("0xCF8"),
        /// The first of the four I/O ports for the register's value.
        data: Port => default("0xCFC"),
        /// Who assigns the BARs: the kernel, or firmware before it.
        bars: BarAssignment => default("firmware"),
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

impl PciPorts {
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
}

impl Binding for PciPorts {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::X86_64])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        // It responds to 32-bit accesses at this port only; the following ports may belong to
        // another device.
        claims.ports(&format!("{}.address", self.place.path), &self.address, 1);
        claims.ports(&format!("{}.data", self.place.path), &self.data, 4);
        self.host().claim(claims);
    }

    fn expect(&self, expected: &mut Expected) {
        let host = expected.part(&self.place, &[]);
        host.model("acpi,pci-host").model("acpi,ecam");
        host.intx(&self.intx).bars(&self.bars);
        self.host().expect(self.bars.value(), host);
    }

    fn choices(&self) -> &'static [&'static str] {
        pci_host::choices(self.bars.value())
    }

    fn check(&self, around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        self.host().check(around, problems);
    }
}

impl Driver for PciPorts {
    const NAME: &'static str = "ports";
    const KINDS: &'static [&'static str] = &["acpi,pci-host"];
    type Resolved = board::Pci;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let (address, data) = (self.address.value()?.0, self.data.value()?.0);
        let config = vec![
            ("address", Value::Hexadecimal(address.into())),
            ("data", Value::Hexadecimal(data.into())),
        ];
        let space = Space {
            card: format!("through ports {address:#x} and {data:#x}"),
            code: board::Code {
                imports: vec![
                    ("vmos_drivers::pci::ports", "self"),
                    ("vmos_drivers::pci::ports", "ConfigurationPorts"),
                    ("vmos_drivers::port", "Ports"),
                ],
                driver: "ConfigurationPorts<Ports<P>>".to_owned(),
                config_type: "ports::Config".to_owned(),
                config: Value::optional(Some(Value::structure("ports::Config", config))),
                processor: Vec::new(),
            },
            registers: None,
            view: None,
            buses: 256,
        };
        let bars = *self.bars.value()?;
        self.host().resolve(space, bars, around)
    }

    fn import(machine: &Machine<'_>, host: &Device) -> Option<Section> {
        let bridge = host.bridge.as_ref()?;
        let section = Section::new("pci.ports").note("configuration mechanism #1");
        let section = pci_host::imported_windows(machine, bridge, section);
        let lines = machine.facts.intx_lines?;
        let lines = lines.map(|line| format!("{{ gsi = {line} }}")).join(", ");
        Some(
            section
                .line("intx-lines", format!("[{lines}]"))
                .beside("pin p of slot s raises line (s + p) % 4")
                .line("msi", "\"local-apic\""),
        )
    }
}
