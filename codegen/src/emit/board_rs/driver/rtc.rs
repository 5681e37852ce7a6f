//! The clock that tells the time of day, where the board has one.

use quote::quote;

use super::{Driver, pc};
use crate::Board;
use crate::board::Rtc;
use crate::emit::board_rs::memory::Names;
use crate::emit::board_rs::{Imports, layout, value};

/// `type Rtc` and `const RTC`: for a board without a clock, by a driver that is never made.
pub(in crate::emit::board_rs) fn rtc(
    board: &Board,
    names: &Names,
    imports: &mut Imports,
) -> Driver {
    let registers = match board.rtc {
        Some(Rtc::Mc146818 { port, century }) => return mc146818(port, century, imports),
        Some(Rtc::Pl031 { registers } | Rtc::Goldfish { registers }) => Some(registers),
        None => None,
    };
    imports.add("vmos_drivers::address", "Range");
    imports.add("vmos_drivers::mmio", "Mmio");
    let (driver, doc) = if let Some(Rtc::Goldfish { .. }) = board.rtc {
        imports.add("vmos_drivers::rtc::goldfish", "Goldfish");
        (quote!(Goldfish<Mmio>), "From `rtc.goldfish`.")
    } else {
        imports.add("vmos_drivers::rtc::pl031", "Pl031");
        (quote!(Pl031<Mmio>), "From `rtc.pl031`.")
    };
    let doc = registers.map(|_| value::doc(doc));
    let place = value::option(registers.map(|registers| names.range(registers, imports)));
    Driver {
        items: quote! {
            #doc
            type Rtc = #driver;
            const RTC: Option<Range> = #place;
        },
        processor: Vec::new(),
    }
}

fn mc146818(port: u16, century: Option<u8>, imports: &mut Imports) -> Driver {
    imports.add("vmos_drivers::rtc::mc146818", "self");
    imports.add("vmos_drivers::rtc::mc146818", "Mc146818");
    imports.add("vmos_drivers::port", "Ports");
    imports.add("vmos_drivers::port", "PortIo");
    let century = century.map(|register| value::hexadecimal(register.into()));
    let place = layout::structure(
        &quote!(mc146818::Config),
        &[
            ("ports", pc::ports(port, 2, imports)),
            ("century", value::option(century)),
        ],
    );
    let (doc, place) = (
        value::doc("From `rtc.mc146818`."),
        value::option(Some(place)),
    );
    Driver {
        items: quote! {
            #doc
            type Rtc = Mc146818<Ports<P>>;
            const RTC: Option<mc146818::Config> = #place;
        },
        processor: vec![quote!(PortIo)],
    }
}
