//! `entry.S` and `vectors.S`: the entry code and the exception vectors.

use minijinja::{Value, context};

use super::template::{self, Template};
use super::{Artefact, Error, header, linker};
use crate::Board;
use crate::board::{Architecture, EntryValue, NO_ACCESS};
use crate::notation::plain;

mod arm;
mod pc;

/// Returns the entry code, up to the call of `vmos_start`.
///
/// # Errors
///
/// If there is no template for the processor, or the image would be loaded outside RAM.
pub fn entry(board: &Board) -> Result<Artefact, Error> {
    render(board, template::assembly(board)?.entry)
}

/// Returns the vectors, up to the call of `vmos_exception`.
///
/// # Errors
///
/// As for [`entry`].
pub fn vectors(board: &Board) -> Result<Artefact, Error> {
    render(board, template::assembly(board)?.vectors)
}

fn render(board: &Board, template: Template) -> Result<Artefact, Error> {
    let (load_address, load_key) = linker::load(board);
    let ram = linker::ram(board)?;
    let everywhere = context! {
        header => header::of_board_by(board, template.path()),
        title => &*board.title,
        load_key,
    };
    let more = match board.architecture {
        Architecture::Aarch64 | Architecture::Arm => context! {
            // Not below the RAM, unless the board is refused and only looked at.
            text_offset => plain(load_address.saturating_sub(ram.base)),
            arm => arm::context(board),
        },
        Architecture::ArmV6M | Architecture::ArmV7M | Architecture::ArmV8M => {
            context! {
                has_vtor => board.architecture != Architecture::ArmV6M,
                interrupts => external_interrupts(board),
            }
        }
        Architecture::X86_64 => context! { pc => pc::context(board) },
        // The width of a register, the harts that pass interrupts on, and the modes in which the kernel
        // may be entered.
        Architecture::Riscv64 => context! { bits => 64, relays => relays(board), ..loader(board) },
        Architecture::Riscv32 => context! { bits => 32, relays => relays(board), ..loader(board) },
    };
    template.render(context! { ..everywhere, ..more })
}

/// Returns the key that claims each external interrupt of a vector table, in the order of their
/// numbers.
fn external_interrupts(board: &Board) -> Vec<Option<String>> {
    let lines = board.interrupt_controller.lines.iter();
    let numbers = lines.flat_map(|lines| lines.first..lines.first + lines.count);
    // A board with more is refused; but the files are also written for such a value, to see what depends
    // on it.
    let numbers = numbers.take(NO_ACCESS as usize / 4);
    let claims = |number| {
        let mut claims = board.interrupts.iter();
        claims.find(|claim| {
            (claim.what.number..claim.what.number + claim.what.count).contains(&number)
        })
    };
    numbers
        .map(|number| claims(number).map(|claim| claim.key.clone()))
        .collect()
}

/// Returns the harts that pass on their external interrupts in M mode, with the addresses of the
/// registers `msip`.
fn relays(board: &Board) -> Vec<Value> {
    let relays = board.interrupt_controller.relays.iter();
    let relays = relays.map(|relay| {
        context! {
            key => &*relay.key,
            hart => relay.hart,
            msip => plain(relay.msip),
            kernel => plain(relay.kernel),
        }
    });
    relays.collect()
}

/// Returns the loader's values for the entry code.
fn loader(board: &Board) -> Value {
    let values = board.boot.entry.iter();
    Value::from_pairs(values.map(|(name, value)| {
        let value = match value {
            EntryValue::Word(word) => Value::from(*word),
            EntryValue::Words(words) => Value::from(words.clone()),
            EntryValue::Flag(flag) => Value::from(*flag),
            EntryValue::Number(number) => number.map_or(Value::from(()), |one| plain(one).into()),
        };
        (*name, value)
    }))
}
