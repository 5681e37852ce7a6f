//! The drivers that a board picks, and what each is told.

use proc_macro2::TokenStream;
use quote::quote;

use super::memory::Names;
use super::{Imports, layout, value};
use crate::Board;
use crate::board::{Conduit, Console, Counter, InterruptController, Power, Range, Timer};
use crate::emit::Error;

/// What a chosen driver adds to the board.
pub(super) struct Driver {
    /// Its associated type and constants.
    pub(super) items: TokenStream,
    /// The processor traits that it asks for.
    pub(super) processor: Vec<TokenStream>,
}

/// `type InterruptController` and `const INTERRUPT_CONTROLLER`
pub(super) fn interrupt_controller(board: &Board, names: &Names, imports: &mut Imports) -> Driver {
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

/// `type Timer`, `const TIMER` and `const TIMER_INTERRUPT`
pub(super) fn timer(board: &Board, imports: &mut Imports) -> Driver {
    let Timer::ArmGeneric {
        counter,
        interrupt,
        frequency,
    } = board.timer;
    imports.add("vmos_drivers::timer::arm_generic", "self");
    imports.add("vmos_drivers::timer::arm_generic", "ArmGeneric");
    imports.add("vmos_drivers::interrupt", "Interrupt");
    let counter = match counter {
        Counter::Virtual => quote!(arm_generic::Counter::Virtual),
        Counter::Physical => quote!(arm_generic::Counter::Physical),
    };
    let config = layout::structure(
        &quote!(arm_generic::Config),
        &[
            ("counter", counter),
            ("frequency", value::option(frequency.map(value::decimal))),
        ],
    );
    let interrupt = value::interrupt(interrupt, imports);
    let doc = value::doc("From `timer.arm-generic`.");
    let items = quote! {
        #doc
        type Timer = ArmGeneric<P>;
        const TIMER: arm_generic::Config = #config;
        const TIMER_INTERRUPT: Interrupt = #interrupt;
    };
    Driver {
        items,
        processor: vec![quote!(arm_generic::SystemRegisters)],
    }
}

/// `type Console`, `const CONSOLE` and `const CONSOLE_INTERRUPT`
pub(super) fn console(board: &Board, names: &Names, imports: &mut Imports) -> Driver {
    let Console::Pl011 {
        registers,
        interrupt,
        clock,
        baud,
    } = board.console;
    imports.add("vmos_drivers::console::pl011", "self");
    imports.add("vmos_drivers::console::pl011", "Pl011");
    imports.add("vmos_drivers::mmio", "Mmio");
    imports.add("vmos_drivers::interrupt", "Interrupt");
    let config = layout::structure(
        &quote!(pl011::Config),
        &[
            ("registers", names.range(registers, imports)),
            ("clock", value::decimal(clock)),
            (
                "baud",
                value::option(baud.map(|baud| value::decimal(baud.into()))),
            ),
        ],
    );
    let interrupt = value::option(interrupt.map(|line| value::interrupt(line, imports)));
    let doc = value::doc("From `console.pl011`.");
    let items = quote! {
        #doc
        type Console = Pl011<Mmio>;
        const CONSOLE: pl011::Config = #config;
        const CONSOLE_INTERRUPT: Option<Interrupt> = #interrupt;
    };
    Driver {
        items,
        processor: vec![],
    }
}

/// `type Power` and `const POWER`
///
/// # Errors
///
/// Where the board has no means to stop.
pub(super) fn power(board: &Board, imports: &mut Imports) -> Result<Driver, Error> {
    let mut processor = vec![];
    let mut means: Vec<Means> = vec![];
    for power in &board.power {
        means.push(match power {
            Power::Semihosting => {
                imports.add("vmos_drivers::power::semihosting", "self");
                imports.add("vmos_drivers::power::semihosting", "Semihosting");
                processor.push(quote!(semihosting::Trap));
                Means {
                    driver: quote!(Semihosting<P>),
                    config: quote!(semihosting::Config),
                    value: layout::structure(&quote!(semihosting::Config), &[]),
                }
            }
            Power::Psci { conduit } => {
                imports.add("vmos_drivers::power::psci", "self");
                imports.add("vmos_drivers::power::psci", "Psci");
                processor.push(quote!(psci::Conduit));
                let method = match conduit {
                    Conduit::Hvc => quote!(psci::Method::Hvc),
                    Conduit::Smc => quote!(psci::Method::Smc),
                };
                Means {
                    driver: quote!(Psci<P>),
                    config: quote!(psci::Config),
                    value: layout::structure(&quote!(psci::Config), &[("method", method)]),
                }
            }
        });
    }
    // FirstOf<A, FirstOf<B, C>>, and (a, (b, c)) beside it.
    let Means {
        driver,
        config,
        value,
    } = means
        .into_iter()
        .rev()
        .reduce(|rest, first| first.or(rest, imports))
        .ok_or_else(|| Error::Missing {
            board: board.name.clone(),
            key: "power",
        })?;
    let doc = value::doc("From `power`: the first that can do what is asked is used.");
    let items = quote! {
        #doc
        type Power = #driver;
        const POWER: #config = #value;
    };
    Ok(Driver { items, processor })
}

/// A way to stop the machine: the driver, the type of its configuration, and the configuration.
struct Means {
    driver: TokenStream,
    config: TokenStream,
    value: TokenStream,
}

impl Means {
    /// This, and `other` where this cannot.
    fn or(self, other: Self, imports: &mut Imports) -> Self {
        imports.add("vmos_drivers::power", "FirstOf");
        let Self {
            driver,
            config,
            value,
        } = self;
        let Self {
            driver: other_driver,
            config: other_config,
            value: other_value,
        } = other;
        Self {
            driver: quote!(FirstOf<#driver, #other_driver>),
            config: quote!((#config, #other_config)),
            value: layout::tuple(&[value, other_value]),
        }
    }
}
