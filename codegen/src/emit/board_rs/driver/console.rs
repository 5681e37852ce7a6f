//! The console that a board picks.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Driver, pc};
use crate::Board;
use crate::board::{Console, Range, RegisterLayout, Registers};
use crate::emit::board_rs::memory::Names;
use crate::emit::board_rs::{Imports, layout, value};

/// A console: its key, its driver, the configuration and its type, and the processor traits that it
/// asks for.
struct Chosen {
    key: &'static str,
    driver: TokenStream,
    config_type: TokenStream,
    config: TokenStream,
    processor: Vec<TokenStream>,
}

/// `type Console`, `const CONSOLE` and `const CONSOLE_INTERRUPT`
pub(in crate::emit::board_rs) fn console(
    board: &Board,
    names: &Names,
    imports: &mut Imports,
) -> Driver {
    imports.add("vmos_drivers::interrupt", "Interrupt");
    let (chosen, interrupt) = match board.console {
        Console::Pl011 {
            registers,
            interrupt,
            clock,
            baud,
        } => (pl011(registers, clock, baud, names, imports), interrupt),
        Console::Ns16550 {
            registers,
            layout,
            interrupt,
            clock,
            baud,
        } => {
            let line = (clock, baud);
            (ns16550(registers, layout, line, names, imports), interrupt)
        }
    };
    let Chosen {
        key,
        driver,
        config_type,
        config,
        processor,
    } = chosen;
    let interrupt = value::option(interrupt.map(|line| value::interrupt(line, imports)));
    let doc = value::doc(&format!("From `console.{key}`."));
    let items = quote! {
        #doc
        type Console = #driver;
        const CONSOLE: #config_type = #config;
        const CONSOLE_INTERRUPT: Option<Interrupt> = #interrupt;
    };
    Driver { items, processor }
}

fn baud_rate(baud: Option<u32>) -> TokenStream {
    value::option(baud.map(|baud| value::decimal(baud.into())))
}

fn pl011(
    registers: Range,
    clock: u64,
    baud: Option<u32>,
    names: &Names,
    imports: &mut Imports,
) -> Chosen {
    imports.add("vmos_drivers::console::pl011", "self");
    imports.add("vmos_drivers::console::pl011", "Pl011");
    imports.add("vmos_drivers::mmio", "Mmio");
    Chosen {
        key: "pl011",
        driver: quote!(Pl011<Mmio>),
        config_type: quote!(pl011::Config),
        config: layout::structure(
            &quote!(pl011::Config),
            &[
                ("registers", names.range(registers, imports)),
                ("clock", value::decimal(clock)),
                ("baud", baud_rate(baud)),
            ],
        ),
        processor: vec![],
    }
}

fn ns16550(
    registers: Registers,
    RegisterLayout { stride, width }: RegisterLayout,
    (clock, baud): (u64, Option<u32>),
    names: &Names,
    imports: &mut Imports,
) -> Chosen {
    imports.add("vmos_drivers::console::ns16550", "self");
    imports.add("vmos_drivers::console::ns16550", "Ns16550");
    let mut processor = vec![];
    let (driver, config_type, registers) = match registers {
        Registers::Ports(range) => {
            imports.add("vmos_drivers::port", "PortRange");
            imports.add("vmos_drivers::port", "Ports");
            imports.add("vmos_drivers::port", "PortIo");
            processor.push(quote!(PortIo));
            (
                quote!(Ns16550<Ports<P>>),
                quote!(ns16550::Config<PortRange>),
                pc::ports(range.base as u16, range.size, imports),
            )
        }
        Registers::Memory(range) => {
            imports.add("vmos_drivers::mmio", "Mmio");
            imports.add("vmos_drivers::address", "Range");
            (
                quote!(Ns16550<Mmio>),
                quote!(ns16550::Config<Range>),
                names.range(range, imports),
            )
        }
    };
    let width = match width {
        1 => quote!(ns16550::Width::Bits8),
        2 => quote!(ns16550::Width::Bits16),
        _ => quote!(ns16550::Width::Bits32),
    };
    let places = layout::structure(
        &quote!(ns16550::Layout),
        &[("stride", value::hexadecimal(stride)), ("width", width)],
    );
    Chosen {
        key: "ns16550",
        driver,
        config_type,
        config: layout::structure(
            &quote!(ns16550::Config),
            &[
                ("registers", registers),
                ("layout", places),
                ("clock", value::decimal(clock)),
                ("baud", baud_rate(baud)),
            ],
        ),
        processor,
    }
}
