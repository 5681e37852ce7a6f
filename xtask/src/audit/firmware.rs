//! Checks the table of values expected from firmware (`vmos_drivers::attestation::Fact`), row by
//! row.

use vmos_codegen::Board;
use vmos_codegen::board::Fact;
use vmos_codegen::board::Pci;

use super::Audit;
use super::elf::Elf;
use super::text;

const SYMBOL: &str = "__vmos_board_firmware";
/// The field's value if the interrupt has no first cell.
const NO_CELL: u32 = u32::MAX;

/// A row with its expected values: its discriminant, and its fields in order.
struct Row {
    variant: u32,
    fields: Vec<(&'static str, Value)>,
}

/// The expected value of a field.
enum Value {
    Text(String),
    /// A value as wide as an address.
    Word(u64),
    Narrow(u32),
    Wide(u64),
}

pub(super) fn check(board: &Board, elf: &Elf<'_>, audit: &mut Audit) {
    // An empty table is not in the image.
    if board.firmware.is_empty() {
        return;
    }
    let start = elf.symbol(SYMBOL);
    audit.holds(start.is_some(), None, || {
        format!("the symbol `{SYMBOL}` is missing")
    });
    let Some(start) = start else { return };
    let is_protected = elf
        .segment(start, 1)
        .is_some_and(|segment| !segment.access.write);
    audit.holds(is_protected, None, || {
        format!("`{SYMBOL}` is in a writable segment")
    });
    // Every row is as large as the largest variant.
    let size = longest(elf.word());
    let mut part = String::new();
    for (index, fact) in board.firmware.iter().enumerate() {
        if let Fact::Part { key, .. } | Fact::Holder { key, .. } = fact {
            part.clone_from(key);
        }
        let key = match own_key(fact) {
            Some(own) if part.is_empty() => own.to_owned(),
            Some(own) => format!("{part}.{own}"),
            None => part.clone(),
        };
        let what = format!("row {index} of the firmware table, `{key}`");
        let at = start + size * index as u64;
        one(elf, &what, &key, at, &row(&seen(board, fact)), audit);
    }
}

/// Reduces a RAM fact to the part that the processor can address: the kernel compares only that
/// with firmware's tables.
fn seen(board: &Board, fact: &Fact) -> Fact {
    let mut fact = fact.clone();
    if let Fact::Registers { range, .. } = &mut fact
        && let Some(Pci {
            registers: Some(registers),
            view: Some(view),
            ..
        }) = &board.pci
        && registers == range
    {
        range.size = view.size;
    }
    fact
}

/// Returns the offset of a field that follows `end` in a row, aligned as in C, and its size.
fn place(value: &Value, end: u64, word: u64) -> (u64, u64) {
    let (alignment, size) = match value {
        Value::Text(_) => (word, 2 * word),
        Value::Word(_) => (word, word),
        Value::Narrow(_) => (4, 4),
        Value::Wide(_) => (8, 8),
    };
    (end.next_multiple_of(alignment), size)
}

/// Returns the size of a row: the largest variant, rounded up to the strictest alignment.
fn longest(word: u64) -> u64 {
    let text = || Value::Text(String::new());
    let rows = [
        vec![text(), text(), text()],
        vec![text(), text(), Value::Wide(0)],
        vec![text(), Value::Word(0), Value::Wide(0), Value::Wide(0)],
    ];
    let end = |fields: &Vec<Value>| {
        fields.iter().fold(4, |end, field| {
            let (at, size) = place(field, end, word);
            at + size
        })
    };
    rows.iter().map(end).max().unwrap_or(0).next_multiple_of(8)
}

/// Compares a row with its expected values.
fn one(elf: &Elf<'_>, what: &str, key: &str, at: u64, row: &Row, audit: &mut Audit) {
    let word = elf.word();
    let number = |name, at, size, wanted: u64, audit: &mut Audit| {
        let range = elf.file_range(at, size);
        audit
            .table
            .extend(range.map(|range| (key.to_owned(), range)));
        let found = elf.number(at, size);
        audit.holds(found == Some(wanted), Some(key), || {
            format!(
                "{what}: `{name}` is {:#x}; expected {wanted:#x} ({})",
                found.unwrap_or_default(),
                elf.place(at)
            )
        });
    };
    number("variant", at, 4, row.variant.into(), audit);
    let mut end = 4;
    for (name, value) in &row.fields {
        let (offset, size) = place(value, end, word);
        end = offset + size;
        match value {
            Value::Text(wanted) => {
                let what = format!("{what}: `{name}`");
                text::check(elf, &what, key, at + offset, wanted, audit);
            }
            Value::Narrow(wanted) => number(name, at + offset, size, (*wanted).into(), audit),
            Value::Word(wanted) | Value::Wide(wanted) => {
                number(name, at + offset, size, *wanted, audit);
            }
        }
    }
}

/// Returns the key, relative to the device's table, that a fact comes from.
fn own_key(fact: &Fact) -> Option<&str> {
    match fact {
        Fact::Inputs { space, .. } => Some(space),
        Fact::Registers { key, .. }
        | Fact::Interrupt { key, .. }
        | Fact::Frequency { key, .. }
        | Fact::Window { key, .. }
        | Fact::Intx { key, .. }
        | Fact::Text { key, .. }
        | Fact::LocalApic { key, .. }
        | Fact::IoApic { key, .. }
        | Fact::Ecam { key, .. }
        | Fact::PowerTimer { key, .. } => Some(key),
        Fact::Part { .. } | Fact::Holder { .. } | Fact::Or { .. } | Fact::Slots { .. } => None,
    }
}

fn row(fact: &Fact) -> Row {
    let text = |text: &str| Value::Text(text.to_owned());
    let (variant, fields) = match fact {
        Fact::Inputs { space, cell, first } => (
            0,
            vec![
                ("space", text(space)),
                ("cell", Value::Narrow(cell.unwrap_or(NO_CELL))),
                ("first", Value::Narrow(*first)),
            ],
        ),
        Fact::Part { key, compatible } => (
            1,
            vec![("key", text(key)), ("compatible", text(compatible))],
        ),
        Fact::Holder { key, property } => {
            (2, vec![("key", text(key)), ("property", text(property))])
        }
        Fact::Or { compatible } => (3, vec![("compatible", text(compatible))]),
        Fact::Registers { key, index, range } => (
            4,
            vec![
                ("key", text(key)),
                ("index", Value::Word(*index as u64)),
                ("base", Value::Wide(range.base)),
                ("size", Value::Wide(range.size)),
            ],
        ),
        Fact::Interrupt { key, index, number } => (
            5,
            vec![
                ("key", text(key)),
                ("index", Value::Word(*index as u64)),
                ("number", Value::Narrow(*number)),
            ],
        ),
        Fact::Frequency {
            key,
            property,
            hertz,
        } => (
            6,
            vec![
                ("key", text(key)),
                ("property", text(property)),
                ("hertz", Value::Wide(*hertz)),
            ],
        ),
        Fact::Slots {
            base,
            stride,
            count,
            interrupt,
        } => (
            7,
            vec![
                ("base", Value::Wide(*base)),
                ("stride", Value::Wide(*stride)),
                ("count", Value::Narrow(*count)),
                ("interrupt", Value::Narrow(*interrupt)),
            ],
        ),
        Fact::Window { key, space, range } => (
            8,
            vec![
                ("key", text(key)),
                ("space", Value::Narrow(*space)),
                ("base", Value::Wide(range.base)),
                ("size", Value::Wide(range.size)),
            ],
        ),
        Fact::Intx { key, number } => (
            9,
            vec![("key", text(key)), ("number", Value::Narrow(*number))],
        ),
        Fact::Text {
            key,
            property,
            text: wanted,
        } => (
            10,
            vec![
                ("key", text(key)),
                ("property", text(property)),
                ("text", text(wanted)),
            ],
        ),
        Fact::LocalApic { key, range } => (
            11,
            vec![("key", text(key)), ("base", Value::Wide(range.base))],
        ),
        Fact::IoApic { key, range, first } => (
            12,
            vec![
                ("key", text(key)),
                ("base", Value::Wide(range.base)),
                ("first", Value::Narrow(*first)),
            ],
        ),
        Fact::Ecam { key, range } => (
            13,
            vec![
                ("key", text(key)),
                ("base", Value::Wide(range.base)),
                ("size", Value::Wide(range.size)),
            ],
        ),
        Fact::PowerTimer { key, port } => (
            14,
            vec![("key", text(key)), ("port", Value::Narrow((*port).into()))],
        ),
    };
    Row { variant, fields }
}
