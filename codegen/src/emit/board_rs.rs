//! `board.rs`: the board for the kernel, an implementation of `vmos_drivers::board::Board`.
//!
//! Every range occurs once, as a constant named after its key path, so that a changed address
//! changes one line.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Error, header};
use crate::Board;
use crate::board::PageTables;

mod attestation;
mod bus;
mod code;
mod driver;
mod imports;
mod layout;
mod memory;
mod names;
mod parts;
mod table;
mod value;

use imports::Imports;

/// Returns the module.
///
/// # Errors
///
/// If the board has no way to stop.
pub fn emit(board: &Board) -> Result<String, Error> {
    let mut imports = Imports::default();
    imports.add("vmos_drivers::board", "Board");
    let names = memory::Names::of(board);
    let constants = memory::constants(&names, &mut imports)?;
    let attestation = attestation::table(board, &names, &mut imports);
    let memory = memory::map(&names, &mut imports);
    let table = table::text(board, memory, &mut imports)?;
    let this_board = this_board(board, &names, &mut imports)?;

    let mut text = String::new();
    for line in header::of_board(board) {
        text += &format!("//! {line}\n");
    }
    text += "\nuse core::arch::global_asm;\n\n";
    text += &imports.text();
    text += "\n// The entry code depends on `boot`, the vectors on `board.architecture`.\n";
    text += "global_asm!(include_str!(\"entry.S\"), options(raw));\n";
    text += "global_asm!(include_str!(\"vectors.S\"), options(raw));\n\n";
    text += "// All ranges, each with the key that claims it.\n";
    text += &constants;
    text += &table;
    text += "\n// The values expected in firmware's tables, each with its key.\n";
    text += &attestation;
    text.push('\n');
    text += &layout::format(this_board)?;
    Ok(text)
}

fn this_board(
    board: &Board,
    names: &memory::Names,
    imports: &mut Imports,
) -> Result<TokenStream, Error> {
    let (name, title) = (&board.name, &board.title);
    let board_doc = value::doc(title);
    let blank = layout::blank_line();
    let interrupt_controller = driver::interrupt_controller(board, names, imports)?;
    let timer = driver::timer(board, names, imports)?;
    let console = driver::console(board, names, imports)?;
    let power = driver::power(board, names, imports)?;
    let rtc = driver::rtc(board, names, imports)?;
    let ethernet = driver::ethernet(board, names, imports)?;
    let virtio_mmio = bus::virtio_mmio(board, names, imports);
    let pci = bus::pci(board, names, imports)?;
    let parts = parts::parts(board, names, imports);
    let named = names::names(board, imports);
    let virtio_transport = bus::virtio_transport(board, imports);

    let mut bounds: Vec<TokenStream> = Vec::new();
    for driver in [&interrupt_controller, &timer, &console, &power, &rtc] {
        for bound in &driver.processor {
            if bounds
                .iter()
                .all(|known| known.to_string() != bound.to_string())
            {
                bounds.push(bound.clone());
            }
        }
    }
    let processor = if bounds.is_empty() {
        quote!()
    } else {
        quote!(where #(P: #bounds,)*)
    };
    let short_descriptors = match board.memory.page_tables {
        PageTables::Long => quote!(),
        PageTables::Short => quote!(
            const SHORT_DESCRIPTORS: bool = true;
        ),
    };
    let heap = board.memory.heap.map(|heap| {
        let heap = value::decimal(heap);
        quote!(const HEAP: Option<u64> = Some(#heap);)
    });
    let members = [
        quote! {
            const NAME: &'static str = #name;
            const TITLE: &'static str = #title;
            const MEMORY: MemoryMap = TABLE.memory();
            const INTERRUPTS: &'static [Line] = TABLE.interrupts();
            #short_descriptors
            #heap
        },
        interrupt_controller.items,
        timer.items,
        console.items,
        power.items,
        rtc.items,
        ethernet,
        virtio_mmio,
        pci,
        virtio_transport,
        parts,
        named,
        quote!(
            const ATTESTATION: &'static [Fact] = &FIRMWARE;
        ),
    ];
    let [first, rest @ ..] = members;
    let rest = rest.iter().filter(|member| !member.is_empty());
    Ok(quote! {
        #board_doc
        pub struct ThisBoard;
        #blank
        impl<P> Board<P> for ThisBoard #processor {
            #first
            #(#blank #rest)*
        }
    })
}
