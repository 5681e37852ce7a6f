//! The timer that a board picks.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Driver, pc};
use crate::Board;
use crate::board::{Counter, Interrupt, InterruptController, Range, TimeReference, Timer};
use crate::emit::board_rs::memory::Names;
use crate::emit::board_rs::{Imports, layout, value};

/// A timer: its key, its driver, the configuration and its type, what it raises, and the processor
/// traits that it asks for.
struct Chosen {
    key: &'static str,
    driver: TokenStream,
    config_type: TokenStream,
    config: TokenStream,
    interrupt: TokenStream,
    processor: Vec<TokenStream>,
}

/// `type Timer`, `const TIMER` and `const TIMER_INTERRUPT`
pub(in crate::emit::board_rs) fn timer(
    board: &Board,
    names: &Names,
    imports: &mut Imports,
) -> Driver {
    imports.add("vmos_drivers::interrupt", "Interrupt");
    let Chosen {
        key,
        driver,
        config_type,
        config,
        interrupt,
        processor,
    } = match board.timer {
        Timer::ArmGeneric {
            counter,
            interrupt,
            frequency,
        } => arm_generic(counter, interrupt, frequency, imports),
        Timer::LocalApic { reference } => local_apic(reference, board, names, imports),
    };
    let doc = value::doc(&format!("From `timer.{key}`."));
    let items = quote! {
        #doc
        type Timer = #driver;
        const TIMER: #config_type = #config;
        const TIMER_INTERRUPT: Interrupt = #interrupt;
    };
    Driver { items, processor }
}

fn arm_generic(
    counter: Counter,
    interrupt: Interrupt,
    frequency: Option<u64>,
    imports: &mut Imports,
) -> Chosen {
    imports.add("vmos_drivers::timer::arm_generic", "self");
    imports.add("vmos_drivers::timer::arm_generic", "ArmGeneric");
    let counter = match counter {
        Counter::Virtual => quote!(arm_generic::Counter::Virtual),
        Counter::Physical => quote!(arm_generic::Counter::Physical),
    };
    Chosen {
        key: "arm-generic",
        driver: quote!(ArmGeneric<P>),
        config_type: quote!(arm_generic::Config),
        config: layout::structure(
            &quote!(arm_generic::Config),
            &[
                ("counter", counter),
                ("frequency", value::option(frequency.map(value::decimal))),
            ],
        ),
        interrupt: value::interrupt(interrupt, imports),
        processor: vec![quote!(arm_generic::SystemRegisters)],
    }
}

fn local_apic(
    reference: TimeReference,
    board: &Board,
    names: &Names,
    imports: &mut Imports,
) -> Chosen {
    let local = match board.interrupt_controller {
        InterruptController::Apic { local, .. } => local,
        // The checks refuse a board whose timer is part of what is not there.
        _ => Range { base: 0, size: 1 },
    };
    imports.add("vmos_drivers::interrupt_controller::apic", "self");
    let timer = pc::timer(reference, local, names, imports);
    Chosen {
        key: "local-apic",
        driver: timer.driver,
        config_type: timer.config_type,
        config: timer.config,
        interrupt: quote!(apic::TIMER_INTERRUPT),
        processor: vec![quote!(TimeStamp)],
    }
}
