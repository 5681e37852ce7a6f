//! The timer that a board picks.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Driver, pc};
use crate::Board;
use crate::board::{
    Counter, Interrupt, InterruptController, MachineTimer, MachineTimerRegisters, Range,
    SupervisorTimer, TimeReference, Timer,
};
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
        Timer::Machine(timer) => machine(&timer, names, imports),
        Timer::Supervisor { timer, frequency } => supervisor(timer, frequency, imports),
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

/// What a RISC-V hart's own timer raises.
fn local_interrupt(imports: &mut Imports) -> TokenStream {
    imports.add("vmos_drivers::interrupt_controller::plic", "self");
    quote!(plic::TIMER)
}

fn frequency(stated: Option<u64>) -> (&'static str, TokenStream) {
    ("frequency", value::option(stated.map(value::decimal)))
}

fn machine(timer: &MachineTimer, names: &Names, imports: &mut Imports) -> Chosen {
    imports.add("vmos_drivers::timer::mtimer", "self");
    imports.add("vmos_drivers::timer::mtimer", "Mtimer");
    imports.add("vmos_drivers::mmio", "Mmio");
    imports.add("vmos_drivers::riscv", "self");
    let time = timer.time.map(|time| names.range(time, imports));
    let config = layout::structure(
        &quote!(mtimer::Config),
        &[
            ("compare", names.range(timer.compare, imports)),
            ("time", value::option(time)),
            frequency(timer.frequency),
        ],
    );
    let mut chosen = Chosen {
        key: match timer.registers {
            MachineTimerRegisters::Clint => "clint",
            MachineTimerRegisters::Aclint => "aclint",
        },
        driver: quote!(Mtimer<Mmio, P>),
        config_type: quote!(mtimer::Config),
        config,
        interrupt: local_interrupt(imports),
        processor: vec![quote!(riscv::Hart), quote!(riscv::Timebase)],
    };
    if let Some(other) = timer.supervisor {
        imports.add("vmos_drivers::timer", "ByMode");
        let other = supervisor(other, timer.frequency, imports);
        let (machine, supervisor) = (chosen.driver, other.driver);
        chosen.driver = quote!(ByMode<#machine, #supervisor, P>);
        let (machine, supervisor) = (chosen.config_type, other.config_type);
        chosen.config_type = quote!((#machine, #supervisor));
        chosen.config = layout::tuple(&[chosen.config, other.config]);
        chosen.processor.extend(other.processor);
    }
    chosen
}

fn supervisor(timer: SupervisorTimer, stated: Option<u64>, imports: &mut Imports) -> Chosen {
    imports.add("vmos_drivers::timer::supervisor", "self");
    let (key, driver, processor) = match timer {
        SupervisorTimer::Sbi => {
            imports.add("vmos_drivers::timer::supervisor", "SbiTimer");
            imports.add("vmos_drivers::riscv", "self");
            let processor = vec![quote!(riscv::Firmware), quote!(riscv::Timebase)];
            ("sbi", quote!(SbiTimer<P>), processor)
        }
        SupervisorTimer::Sstc => {
            imports.add("vmos_drivers::timer::supervisor", "SstcTimer");
            ("sstc", quote!(SstcTimer<P>), vec![quote!(supervisor::Sstc)])
        }
    };
    Chosen {
        key,
        driver,
        config_type: quote!(supervisor::Config),
        config: {
            let (_, frequency) = frequency(stated);
            quote!(supervisor::Config::stating(#frequency))
        },
        interrupt: local_interrupt(imports),
        processor,
    }
}
