//! `linker.ld`: the places of the image and its stacks, and checks that they fit.

use minijinja::{Value, context};

use super::{Artefact, Error, header, template};
use crate::Board;
use crate::board::{Architecture, NO_ACCESS, Ram, STACK_GUARD};
use crate::notation::plain;

/// The smallest page of any supported processor.
const PAGE: u64 = 0x1000;

/// Returns the linker script.
///
/// # Errors
///
/// If the image would be loaded outside RAM.
pub fn emit(board: &Board) -> Result<Artefact, Error> {
    let (load_address, load_key) = load(board);
    let ram = ram(board)?;
    let flash = board.memory.flash_at(load_address);
    let reserved: Vec<Value> = board
        .memory
        .reserved
        .iter()
        .filter(|reserved| contains(ram, reserved.range.base))
        .map(|reserved| {
            context! {
                key => format!("memory.reserved.{}", reserved.name),
                start => plain(reserved.range.base),
                end => end(reserved.range.base, reserved.range.size),
            }
        })
        .collect();
    let template = match flash {
        Some(_) => template::FLASH_LINKER,
        None => template::LINKER,
    };
    let flash = flash.map(|flash| {
        context! {
            key => format!("memory.flash.{}", flash.name),
            start => plain(flash.range.base),
            end => end(flash.range.base, flash.range.size),
        }
    });
    template.render(context! {
        header => header::of_board_by(board, template.path()),
        title => &*board.title,
        load_address => plain(load_address),
        load_key,
        page => plain(PAGE),
        vectors_alignment => plain(vectors_alignment(board.architecture)),
        stack => plain(board.memory.stack),
        ethernet => board.ethernet.as_ref().and_then(|one| {
            let stack = plain(one.stack?);
            Some(context! { stack, key => &*one.part.key })
        }),
        guard => plain(STACK_GUARD),
        emergency_stack => plain(board.memory.fault_stack),
        fault_stack => plain(board.memory.fault_stack),
        no_access => plain(NO_ACCESS),
        heap => board.memory.heap.map(plain),
        flash,
        ram => context! {
            key => format!("memory.ram.{}", ram.name),
            start => plain(ram.base),
            end => end(ram.base, ram.expected_size),
        },
        reserved,
        pvh => board.boot.has_entry_note,
        entry => board.boot.jump().map(plain),
    })
}

/// Returns the load address and its key path.
pub(super) fn load(board: &Board) -> (u64, &'static str) {
    (board.boot.load_address, board.boot.load_key)
}

/// Returns the RAM that the image is loaded into; if it is in flash, the first RAM, in which its
/// variables and stacks are.
pub(super) fn ram(board: &Board) -> Result<&Ram, Error> {
    let (address, _) = load(board);
    let mut ram = board.memory.ram.iter();
    match board.memory.flash_at(address) {
        Some(_) => ram.next(),
        None => ram.find(|ram| contains(ram, address)),
    }
    .ok_or_else(|| Error::LoadAddress {
        board: board.name.clone(),
        address,
    })
}

fn contains(ram: &Ram, address: u64) -> bool {
    address
        .checked_sub(ram.base)
        .is_some_and(|offset| offset < ram.expected_size)
}

/// Returns the first address after a range, which may not fit 64 bits.
fn end(base: u64, size: u64) -> String {
    plain(base.saturating_add(size))
}

const fn vectors_alignment(architecture: Architecture) -> u64 {
    match architecture {
        // VBAR_EL1 has bits 63 to 11.
        Architecture::Aarch64 => 0x800,
        // VBAR has bits 31 to 5.
        Architecture::Arm => 0x20,
        // The linker script of an image in flash starts with the table.
        Architecture::ArmV6M | Architecture::ArmV7M | Architecture::ArmV8M => NO_ACCESS,
        // An interrupt gate accepts any address; 16 aligns the stubs to fetch boundaries.
        Architecture::X86_64 => 0x10,
        // mtvec and stvec have bits 31 or 63 to 2.
        Architecture::Riscv64 | Architecture::Riscv32 => 4,
    }
}
