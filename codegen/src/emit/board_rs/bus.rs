//! Where devices are probed: virtio-mmio slots and the PCI host bridge.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::memory::Names;
use super::{Imports, code, layout, value};
use crate::Board;
use crate::board::{BarAssignment, Pins, Range};
use crate::emit::Error;

/// Returns `const VIRTIO_MMIO`.
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

/// Returns `type PciConfiguration`, `const PCI_CONFIGURATION` and `const PCI`.
pub(super) fn pci(
    board: &Board,
    names: &Names,
    imports: &mut Imports,
) -> Result<TokenStream, Error> {
    imports.add("vmos_drivers::board", "PciHostBridge");
    let code = board
        .pci
        .as_ref()
        .map_or(&board.no_pci, |pci| &pci.part.code);
    let code::Tokens {
        driver: space,
        config_type: place_type,
        config: place,
        ..
    } = code::Tokens::of(code, names, imports)?;
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
                ("pins", pins(&pci.pins, imports)),
                ("message_interrupts", quote!(#message_interrupts)),
            ],
        )
    });
    let key = board.pci.as_ref().map(|pci| &pci.part.key);
    let doc = key.map(|key| value::doc(&format!("From `{key}`.")));
    let bridge = value::option(bridge);
    Ok(quote! {
        #doc
        type PciConfiguration = #space;
        const PCI_CONFIGURATION: Option<#place_type> = #place;
        const PCI: Option<PciHostBridge> = #bridge;
    })
}

/// Returns the interrupts of the pins of PCI slots, as an expression.
fn pins(pins: &[Pins], imports: &mut Imports) -> TokenStream {
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

/// Returns `type VirtioTransport`.
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
