//! The drivers that a board selects, with their configurations.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::memory::Names;
use super::{Imports, code, layout, value};
use crate::Board;
use crate::board::{Code, Value};
use crate::emit::Error;

/// The default of `Board::CONSOLE_BUFFER`.
const CONSOLE_BUFFER: u64 = 8 << 10;

/// The items that a selected driver adds to `board.rs`.
pub(super) struct Driver {
    /// The associated types and constants of the board.
    pub(super) items: TokenStream,
    /// The processor traits that it requires.
    pub(super) processor: Vec<TokenStream>,
}

/// Returns `type Name` and `const NAME`, followed by further items of the class.
fn driver(
    name: &str,
    doc: Option<String>,
    code: &Code,
    more: TokenStream,
    (names, imports): (&Names, &mut Imports),
) -> Result<Driver, Error> {
    let of = code::Tokens::of(code, names, imports)?;
    let doc = doc.map(|doc| value::doc(&doc));
    let (name, constant) = (format_ident!("{name}"), format_ident!("{}", constant(name)));
    let code::Tokens {
        driver,
        config_type,
        config,
        processor,
    } = of;
    // The configuration of an optional part is an `Option`.
    let config_type = match &code.config {
        Value::Optional(_) => quote!(Option<#config_type>),
        _ => config_type,
    };
    Ok(Driver {
        items: quote! {
            #doc
            type #name = #driver;
            const #constant: #config_type = #config;
            #more
        },
        processor,
    })
}

/// Returns `INTERRUPT_CONTROLLER`, of type `InterruptController`.
fn constant(name: &str) -> String {
    let mut text = String::new();
    for (index, letter) in name.char_indices() {
        if index > 0 && letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

fn from(key: &str) -> Option<String> {
    Some(format!("From `{key}`."))
}

/// Returns the items `type InterruptController` and `const INTERRUPT_CONTROLLER`.
pub(super) fn interrupt_controller(
    board: &Board,
    names: &Names,
    imports: &mut Imports,
) -> Result<Driver, Error> {
    let part = &board.interrupt_controller.part;
    let name = "InterruptController";
    driver(
        name,
        from(&part.key),
        &part.code,
        quote!(),
        (names, imports),
    )
}

/// Returns the items `type Timer`, `const TIMER` and `const TIMER_INTERRUPT`.
pub(super) fn timer(board: &Board, names: &Names, imports: &mut Imports) -> Result<Driver, Error> {
    imports.add("vmos_drivers::interrupt", "Interrupt");
    let part = &board.timer.part;
    let interrupt = code::value(&board.timer.interrupt, names, imports)?;
    let more = quote!(
        const TIMER_INTERRUPT: Interrupt = #interrupt;
    );
    driver("Timer", from(&part.key), &part.code, more, (names, imports))
}

/// Returns the items `type Console`, `const CONSOLE` and `const CONSOLE_INTERRUPT`, and those of the
/// console that differ from their defaults.
pub(super) fn console(
    board: &Board,
    names: &Names,
    imports: &mut Imports,
) -> Result<Driver, Error> {
    imports.add("vmos_drivers::interrupt", "Interrupt");
    let part = &board.console.part;
    let interrupt = board.console.interrupt;
    let interrupt = value::option(interrupt.map(|line| value::interrupt(line, imports)));
    let transmit = board.console.transmit.map(|line| {
        let line = value::option(Some(value::interrupt(line, imports)));
        quote!(const CONSOLE_TRANSMIT_INTERRUPT: Option<Interrupt> = #line;)
    });
    let buffer = board.memory.console_buffer;
    let buffer = (buffer != CONSOLE_BUFFER).then(|| {
        let buffer = value::decimal(buffer);
        quote!(const CONSOLE_BUFFER: usize = #buffer;)
    });
    let more = quote! {
        const CONSOLE_INTERRUPT: Option<Interrupt> = #interrupt;
        #transmit
        #buffer
    };
    driver(
        "Console",
        from(&part.key),
        &part.code,
        more,
        (names, imports),
    )
}

/// `type Rtc` and `const RTC`; for a board without a clock, a type without values.
pub(super) fn rtc(board: &Board, names: &Names, imports: &mut Imports) -> Result<Driver, Error> {
    let part = board.rtc.part.as_ref();
    let code = part.map_or(&board.rtc.absent, |part| &part.code);
    let doc = part.and_then(|part| from(&part.key));
    driver("Rtc", doc, code, quote!(), (names, imports))
}

/// `type Ethernet` and `const ETHERNET`; for a board without a controller, a type without values.
pub(super) fn ethernet(
    board: &Board,
    names: &Names,
    imports: &mut Imports,
) -> Result<TokenStream, Error> {
    imports.add("vmos_drivers::board", "EthernetPlace");
    let Some(ethernet) = &board.ethernet else {
        imports.add("vmos_drivers::ethernet", "NoEthernet");
        return Ok(quote! {
            type Ethernet = NoEthernet;
            const ETHERNET: Option<EthernetPlace<NoEthernet>> = None;
        });
    };
    let key = &ethernet.part.key;
    let code::Tokens {
        driver,
        config_type,
        config,
        ..
    } = code::Tokens::of(&ethernet.part.code, names, imports)?;
    let interrupt = ethernet.interrupt;
    let interrupt = value::option(interrupt.map(|line| value::interrupt(line, imports)));
    let doc = from(key).map(|doc| value::doc(&doc));
    let place = layout::structure(
        &quote!(EthernetPlace),
        &[
            ("key", quote!(#key)),
            ("config", config),
            ("interrupt", interrupt),
        ],
    );
    let place = value::option(Some(place));
    Ok(quote! {
        #doc
        type Ethernet = #driver;
        const ETHERNET: Option<EthernetPlace<#config_type>> = #place;
    })
}

/// `type Power` and `const POWER`
///
/// # Errors
///
/// If the board has no way to stop.
pub(super) fn power(board: &Board, names: &Names, imports: &mut Imports) -> Result<Driver, Error> {
    let mut means: Vec<Code> = board
        .power
        .iter()
        .map(|one| one.part.code.clone())
        .collect();
    let last = means.pop().ok_or_else(|| Error::Missing {
        board: board.name.clone(),
        key: "power",
    })?;
    if !means.is_empty() {
        imports.add("vmos_drivers::power", "FirstOf");
    }
    let mut processor = Vec::new();
    let mut first = Vec::new();
    for one in means.iter().chain([&last]) {
        let tokens = code::Tokens::of(one, names, imports)?;
        processor.extend(tokens.processor.iter().cloned());
        first.push(tokens);
    }
    // FirstOf<A, FirstOf<B, C>>, with the configuration (a, (b, c)).
    let or = |rest: code::Tokens, first: code::Tokens| code::Tokens {
        driver: {
            let (first, rest) = (&first.driver, &rest.driver);
            quote!(FirstOf<#first, #rest>)
        },
        config_type: layout::pair_type(&first.config_type, &rest.config_type),
        config: layout::tuple(&[first.config, rest.config]),
        processor: Vec::new(),
    };
    let Some(code::Tokens {
        driver,
        config_type,
        config,
        ..
    }) = first.into_iter().rev().reduce(or)
    else {
        return Err(Error::Missing {
            board: board.name.clone(),
            key: "power",
        });
    };
    let doc = value::doc("From `power`: the first one that supports the operation is used.");
    let items = quote! {
        #doc
        type Power = #driver;
        const POWER: #config_type = #config;
    };
    Ok(Driver { items, processor })
}
