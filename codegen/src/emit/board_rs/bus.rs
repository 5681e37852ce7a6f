//! Where devices are found: virtio-mmio slots and the PCI host bridge.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::driver::pc;
use super::memory::Names;
use super::{Imports, layout, value};
use crate::Board;
use crate::board::{BarAssignment, PciConfiguration, Range};

/// `const VIRTIO_MMIO`
pub(super) fn virtio_mmio(board: &Board, names: &Names, imports: &mut Imports) -> TokenStream {
    imports.add("vmos_drivers::board", "VirtioMmio");
    let slots = board.virtio_mmio.as_ref().map(|slots| {
        let size = slots.stride.saturating_mul(slots.count.into());
        layout::structure(
            &quote!(VirtioMmio),
            &[
                (
                    "base",
                    names.base(
                        Range {
                            base: slots.base,
                            size,
                        },
                        imports,
                    ),
                ),
                ("stride", value::hexadecimal(slots.stride)),
                ("count", value::decimal(slots.count.into())),
                (
                    "first_interrupt",
                    value::interrupt(slots.interrupts, imports),
                ),
            ],
        )
    });
    let doc = slots.as_ref().map(|_| value::doc("From `virtio-mmio`."));
    let slots = value::option(slots);
    quote!(#doc const VIRTIO_MMIO: Option<VirtioMmio> = #slots;)
}

/// `type PciConfiguration`, `const PCI_CONFIGURATION` and `const PCI`
pub(super) fn pci(board: &Board, names: &Names, imports: &mut Imports) -> TokenStream {
    imports.add("vmos_drivers::board", "PciHostBridge");
    let configuration = board.pci.as_ref().map(|pci| pci.configuration);
    let key = match configuration {
        Some(PciConfiguration::Ecam { .. }) => Some("ecam"),
        Some(PciConfiguration::Ports { .. }) => Some("ports"),
        None => None,
    };
    let (space, place) = pc::pci_configuration(configuration, names, imports);
    let place_type = match configuration {
        Some(PciConfiguration::Ports { .. }) => quote!(ports::Config),
        _ => {
            imports.add("vmos_drivers::address", "Range");
            quote!(Range)
        }
    };
    let bridge = board.pci.as_ref().map(|pci| {
        imports.add("vmos_drivers::board", "BarAssignment");
        let bars = match pci.bars {
            BarAssignment::Kernel => quote!(BarAssignment::Kernel),
            BarAssignment::Firmware => quote!(BarAssignment::Firmware),
        };
        let message_interrupts = pci.msi.is_some();
        let mut window = |window: Option<Range>| {
            value::option(window.map(|window| names.range(window, imports)))
        };
        let (memory32, memory64) = (window(pci.memory32), window(pci.memory64));
        layout::structure(
            &quote!(PciHostBridge),
            &[
                ("bars", bars),
                ("memory32", memory32),
                ("memory64", memory64),
                ("pins", pc::pins(&pci.pins, imports)),
                ("message_interrupts", quote!(#message_interrupts)),
            ],
        )
    });
    let doc = key.map(|key| value::doc(&format!("From `pci.{key}`.")));
    let (place, bridge) = (value::option(place), value::option(bridge));
    quote! {
        #doc
        type PciConfiguration = #space;
        const PCI_CONFIGURATION: Option<#place_type> = #place;
        const PCI: Option<PciHostBridge> = #bridge;
    }
}

/// `type VirtioTransport`
pub(super) fn virtio_transport(board: &Board, imports: &mut Imports) -> TokenStream {
    const TRANSPORT: &str = "vmos_drivers::virtio::transport";
    imports.add(TRANSPORT, "AnyTransport");
    let mut bus = |is_there, name| {
        if is_there {
            imports.add("vmos_drivers::mmio", "Mmio");
            imports.add(TRANSPORT, name);
            let name = format_ident!("{name}");
            quote!(#name<Mmio>)
        } else {
            imports.add(TRANSPORT, "Absent");
            quote!(Absent)
        }
    };
    let slots = bus(board.virtio_mmio.is_some(), "MmioTransport");
    let functions = bus(board.pci.is_some(), "PciTransport");
    quote!(type VirtioTransport = AnyTransport<#slots, #functions>;)
}
