//! The parts of PCs, and what else is told of ports.

use proc_macro2::TokenStream;
use quote::quote;

use crate::board::{
    I8259, IoApic, PciConfiguration, Pins, Range, RegisterWidth, TimeReference, Write,
};
use crate::emit::board_rs::memory::Names;
use crate::emit::board_rs::{Imports, layout, value};

/// A driver, the type of its configuration, and the configuration.
pub(in crate::emit::board_rs) struct Configured {
    pub(in crate::emit::board_rs) driver: TokenStream,
    pub(in crate::emit::board_rs) config_type: TokenStream,
    pub(in crate::emit::board_rs) config: TokenStream,
}

/// `size` ports from `base` on.
pub(super) fn ports(base: u16, size: u64, imports: &mut Imports) -> TokenStream {
    imports.add("vmos_drivers::port", "PortRange");
    let base = value::hexadecimal(base.into());
    layout::structure(
        &quote!(PortRange),
        &[("base", base), ("size", value::decimal(size))],
    )
}

/// The fields of the APICs' configuration.
pub(super) fn apic(
    local: Range,
    io: &[IoApic],
    i8259: Option<I8259>,
    names: &Names,
    imports: &mut Imports,
) -> Vec<(&'static str, TokenStream)> {
    imports.add("vmos_drivers::interrupt_controller::apic", "self");
    imports.add("vmos_drivers::interrupt_controller::apic", "Apic");
    imports.add("vmos_drivers::port", "Ports");
    imports.add("vmos_drivers::port", "PortIo");
    imports.add("vmos_drivers::local_apic", "ModelSpecific");
    let io: Vec<TokenStream> = io
        .iter()
        .map(|io| {
            layout::structure(
                &quote!(apic::IoApicConfig),
                &[
                    ("registers", names.range(io.registers, imports)),
                    ("first", value::decimal(io.first.into())),
                ],
            )
        })
        .collect();
    let io = layout::rows(&io);
    let legacy_pic = i8259.map(|pair| {
        layout::structure(
            &quote!(apic::LegacyPic),
            &[
                ("primary", ports(pair.primary, 2, imports)),
                ("secondary", ports(pair.secondary, 2, imports)),
            ],
        )
    });
    vec![
        ("local", names.range(local, imports)),
        ("io", quote!(&[#io])),
        ("legacy_pic", value::option(legacy_pic)),
    ]
}

/// The timer of the local APIC at `local`.
pub(super) fn timer(
    reference: TimeReference,
    local: Range,
    names: &Names,
    imports: &mut Imports,
) -> Configured {
    imports.add("vmos_drivers::timer::apic_timer", "LocalApicTimer");
    imports.add("vmos_drivers::timer::apic_timer", "TimeStamp");
    imports.add("vmos_drivers::timer::apic_timer", "self");
    imports.add("vmos_drivers::mmio", "Mmio");
    let (reference, config_type, config) = match reference {
        TimeReference::Pit { port } => {
            imports.add("vmos_drivers::timer::reference::pit", "self");
            imports.add("vmos_drivers::timer::reference::pit", "Pit");
            imports.add("vmos_drivers::port", "Ports");
            let config =
                layout::structure(&quote!(pit::Config), &[("ports", ports(port, 4, imports))]);
            (quote!(Pit<Ports<P>>), quote!(pit::Config), config)
        }
        TimeReference::Hpet { registers } => {
            imports.add("vmos_drivers::timer::reference::hpet", "self");
            imports.add("vmos_drivers::timer::reference::hpet", "Hpet");
            let config = layout::structure(
                &quote!(hpet::Config),
                &[("registers", names.range(registers, imports))],
            );
            (quote!(Hpet<Mmio>), quote!(hpet::Config), config)
        }
        TimeReference::AcpiPm { port } => {
            imports.add("vmos_drivers::timer::reference::acpi_pm", "self");
            imports.add("vmos_drivers::timer::reference::acpi_pm", "AcpiPm");
            imports.add("vmos_drivers::port", "Ports");
            let config = layout::structure(
                &quote!(acpi_pm::Config),
                &[("ports", ports(port, 4, imports))],
            );
            (quote!(AcpiPm<Ports<P>>), quote!(acpi_pm::Config), config)
        }
        TimeReference::Stated { frequency } => {
            imports.add("vmos_drivers::timer::reference::stated", "self");
            imports.add("vmos_drivers::timer::reference::stated", "Stated");
            let config = layout::structure(
                &quote!(stated::Config),
                &[
                    ("registers", names.range(local, imports)),
                    ("frequency", value::decimal(frequency)),
                ],
            );
            (quote!(Stated<Mmio, P>), quote!(stated::Config), config)
        }
    };
    let config = layout::structure(
        &quote!(apic_timer::Config),
        &[
            ("registers", names.range(local, imports)),
            ("reference", config),
        ],
    );
    Configured {
        driver: quote!(LocalApicTimer<Mmio, P, #reference>),
        config_type: quote!(apic_timer::Config<#config_type>),
        config,
    }
}

/// QEMU's device that ends it, which leaves success to another means where there is one.
pub(super) fn debug_exit(port: u16, is_alone: bool, imports: &mut Imports) -> Configured {
    imports.add("vmos_drivers::power::isa_debug_exit", "self");
    imports.add("vmos_drivers::power::isa_debug_exit", "IsaDebugExit");
    imports.add("vmos_drivers::port", "Ports");
    let success = if is_alone {
        quote!(isa_debug_exit::Success::IsWritten)
    } else {
        quote!(isa_debug_exit::Success::IsLeft)
    };
    let config = layout::structure(
        &quote!(isa_debug_exit::Config),
        &[
            ("port", value::hexadecimal(port.into())),
            ("success", success),
        ],
    );
    Configured {
        driver: quote!(IsaDebugExit<Ports<P>>),
        config_type: quote!(isa_debug_exit::Config),
        config,
    }
}

/// Writes to registers in memory.
pub(super) fn register_write(
    off: Option<Write<u64>>,
    reset: Option<Write<u64>>,
    imports: &mut Imports,
) -> Configured {
    imports.add("vmos_drivers::mmio", "Mmio");
    imports.add("vmos_drivers::address", "PhysicalAddress");
    let register = |register: u64| {
        let address = value::address(register);
        quote!(PhysicalAddress(#address))
    };
    let config = writes(off, reset, register, imports);
    Configured {
        driver: quote!(RegisterWrite<Mmio>),
        config_type: quote!(register_write::Config<PhysicalAddress>),
        config,
    }
}

/// Writes to ports.
pub(super) fn port_write(
    off: Option<Write<u16>>,
    reset: Option<Write<u16>>,
    imports: &mut Imports,
) -> Configured {
    imports.add("vmos_drivers::port", "Ports");
    let register = |port: u16| value::hexadecimal(port.into());
    let config = writes(off, reset, register, imports);
    Configured {
        driver: quote!(RegisterWrite<Ports<P>>),
        config_type: quote!(register_write::Config<u16>),
        config,
    }
}

fn writes<A: Copy>(
    off: Option<Write<A>>,
    reset: Option<Write<A>>,
    register: impl Fn(A) -> TokenStream,
    imports: &mut Imports,
) -> TokenStream {
    imports.add("vmos_drivers::power::register_write", "self");
    imports.add("vmos_drivers::power::register_write", "RegisterWrite");
    let write = |write: Write<A>| {
        let width = match write.width {
            RegisterWidth::Bits8 => quote!(register_write::Width::Bits8),
            RegisterWidth::Bits16 => quote!(register_write::Width::Bits16),
            RegisterWidth::Bits32 => quote!(register_write::Width::Bits32),
        };
        layout::structure(
            &quote!(register_write::Write),
            &[
                ("register", register(write.register)),
                ("value", value::hexadecimal(write.value.into())),
                ("width", width),
            ],
        )
    };
    layout::structure(
        &quote!(register_write::Config),
        &[
            ("off", value::option(off.map(write))),
            ("reset", value::option(reset.map(write))),
        ],
    )
}

/// How configuration space is reached: for a board without PCI, by a driver that is never made.
pub(in crate::emit::board_rs) fn pci_configuration(
    configuration: Option<PciConfiguration>,
    names: &Names,
    imports: &mut Imports,
) -> (TokenStream, Option<TokenStream>) {
    match configuration {
        Some(PciConfiguration::Ports { address, data }) => {
            imports.add("vmos_drivers::pci::ports", "self");
            imports.add("vmos_drivers::pci::ports", "ConfigurationPorts");
            imports.add("vmos_drivers::port", "Ports");
            let config = layout::structure(
                &quote!(ports::Config),
                &[
                    ("address", value::hexadecimal(address.into())),
                    ("data", value::hexadecimal(data.into())),
                ],
            );
            (quote!(ConfigurationPorts<Ports<P>>), Some(config))
        }
        Some(PciConfiguration::Ecam { registers, .. }) => {
            imports.add("vmos_drivers::pci", "Ecam");
            imports.add("vmos_drivers::mmio", "Mmio");
            (quote!(Ecam<Mmio>), Some(names.range(registers, imports)))
        }
        None => {
            imports.add("vmos_drivers::pci", "Ecam");
            imports.add("vmos_drivers::mmio", "Mmio");
            (quote!(Ecam<Mmio>), None)
        }
    }
}

/// What the pins of PCI slots raise.
pub(in crate::emit::board_rs) fn pins(pins: &[Pins], imports: &mut Imports) -> TokenStream {
    imports.add("vmos_drivers::board", "Pins");
    let mut interrupt = |line| value::interrupt(line, imports);
    let row = |lines: Vec<TokenStream>| layout::rows(&lines);
    let rows: Vec<TokenStream> = pins
        .iter()
        .map(|pins| match *pins {
            Pins::From(first) => {
                let first = interrupt(first);
                quote!(Pins::rotated_from(#first))
            }
            Pins::Rotated(all) => {
                let all = row(all.into_iter().map(&mut interrupt).collect());
                quote!(Pins::rotated([#all]))
            }
            Pins::Straight {
                first,
                last,
                lines: all,
            } => {
                let all = row(all.into_iter().map(&mut interrupt).collect());
                let (first, last) = (value::decimal(first.into()), value::decimal(last.into()));
                let filler = layout::filler();
                quote!(Pins::straight(#filler, #first, #last, [#all]))
            }
        })
        .collect();
    let rows = layout::rows(&rows);
    quote!(&[#rows])
}
