//! The interrupt controller that a board picks.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Driver, pc};
use crate::Board;
use crate::board::{HartModes, InterruptController, Range};
use crate::emit::board_rs::memory::Names;
use crate::emit::board_rs::{Imports, layout, value};

/// `type InterruptController` and `const INTERRUPT_CONTROLLER`
pub(in crate::emit::board_rs) fn interrupt_controller(
    board: &Board,
    names: &Names,
    imports: &mut Imports,
) -> Driver {
    imports.add("vmos_drivers::mmio", "Mmio");
    let (key, driver, module, fields, processor) = match board.interrupt_controller {
        InterruptController::GicV2 {
            distributor,
            cpu_interface,
            v2m,
        } => {
            imports.add("vmos_drivers::interrupt_controller::gic_v2", "self");
            imports.add("vmos_drivers::interrupt_controller::gic_v2", "GicV2");
            let fields = vec![
                ("distributor", names.range(distributor, imports)),
                ("cpu_interface", names.range(cpu_interface, imports)),
                (
                    "v2m",
                    value::option(v2m.map(|frame| names.range(frame, imports))),
                ),
            ];
            (
                "gic-v2",
                quote!(GicV2<Mmio>),
                quote!(gic_v2),
                fields,
                vec![],
            )
        }
        InterruptController::GicV3 {
            distributor,
            redistributors,
            redistributor_stride,
            redistributor_count,
            its,
        } => {
            imports.add("vmos_drivers::interrupt_controller::gic_v3", "self");
            imports.add("vmos_drivers::interrupt_controller::gic_v3", "GicV3");
            let size = redistributor_stride.saturating_mul(redistributor_count.into());
            let frames = Range {
                base: redistributors,
                size,
            };
            let redistributors = layout::structure(
                &quote!(gic_v3::Redistributors),
                &[
                    ("base", names.base(frames, imports)),
                    ("stride", value::hexadecimal(redistributor_stride)),
                    ("count", value::decimal(redistributor_count.into())),
                ],
            );
            let fields = vec![
                ("distributor", names.range(distributor, imports)),
                ("redistributors", redistributors),
                (
                    "its",
                    value::option(its.map(|its| names.range(its, imports))),
                ),
            ];
            let processor = vec![quote!(gic_v3::CpuInterface)];
            (
                "gic-v3",
                quote!(GicV3<Mmio, P>),
                quote!(gic_v3),
                fields,
                processor,
            )
        }
        InterruptController::Apic {
            local,
            ref io,
            i8259,
        } => (
            "apic",
            quote!(Apic<Mmio, P, Ports<P>>),
            quote!(apic),
            pc::apic(local, io, i8259, names, imports),
            vec![quote!(apic::Vectors), quote!(ModelSpecific), quote!(PortIo)],
        ),
        InterruptController::Plic {
            registers,
            sources,
            ref contexts,
        } => {
            imports.add("vmos_drivers::interrupt_controller::plic", "self");
            imports.add("vmos_drivers::interrupt_controller::plic", "Plic");
            let contexts: Vec<TokenStream> = contexts
                .iter()
                .map(|modes| match modes {
                    HartModes::Machine => quote!(plic::Modes::Machine),
                    HartModes::Supervisor => quote!(plic::Modes::Supervisor),
                    HartModes::Both => quote!(plic::Modes::Both),
                })
                .collect();
            let contexts = layout::list(&contexts);
            let fields = vec![
                ("registers", names.range(registers, imports)),
                ("sources", value::decimal(sources.into())),
                ("contexts", quote!(&[#contexts])),
            ];
            let processor = vec![quote!(plic::LocalInterrupts)];
            (
                "plic",
                quote!(Plic<Mmio, P>),
                quote!(plic),
                fields,
                processor,
            )
        }
    };
    let doc = value::doc(&format!("From `interrupt-controller.{key}`."));
    let config = layout::structure(&quote!(#module::Config), &fields);
    let items = quote! {
        #doc
        type InterruptController = #driver;
        const INTERRUPT_CONTROLLER: #module::Config = #config;
    };
    Driver { items, processor }
}
