//! Where devices are found: virtio-mmio slots and the PCI host bridge.

use proc_macro2::TokenStream;
use quote::quote;

use super::memory::Names;
use super::{Imports, layout, value};
use crate::Board;
use crate::board::{BarAssignment, Range};

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

/// `const PCI`
pub(super) fn pci(board: &Board, names: &Names, imports: &mut Imports) -> TokenStream {
    imports.add("vmos_drivers::board", "PciHostBridge");
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
                ("ecam", names.range(pci.ecam, imports)),
                ("bars", bars),
                ("memory32", memory32),
                ("memory64", memory64),
                ("first_intx", value::interrupt(pci.intx, imports)),
                ("message_interrupts", quote!(#message_interrupts)),
            ],
        )
    });
    let doc = bridge.as_ref().map(|_| value::doc("From `pci.ecam`."));
    let bridge = value::option(bridge);
    quote!(#doc const PCI: Option<PciHostBridge> = #bridge;)
}
