//! Checks the table of what the board claims (`vmos_drivers::board::Table`), entry by entry.

use vmos_codegen::Board;
use vmos_codegen::board::{Range, Trigger};

use super::Audit;
use super::elf::Elf;
use super::text;

const SYMBOL: &str = "__vmos_board_table";
const MAGIC: &[u8] = b"VMOStab1";
/// The number of numbers that describe the layout, after the magic number.
const NUMBERS: usize = 19;
/// The key of the window through which the processor sees the PCI configuration space at another
/// address.
const VIEW: &str = "view";
/// The key of the only region that the processor can see at another address.
const VIEWED: &str = "pci.ecam";
const LISTS: [&str; 4] = ["ram", "reserved", "mmio", "interrupts"];

/// An entry with its expected values.
struct Entry {
    key: String,
    /// The fields other than the key, in the order of the layout: name, expected value, and the key
    /// of the description that sets it.
    fields: Vec<(&'static str, u64, String)>,
}

/// The layout of the entries of a list in memory.
struct Layout {
    size: u64,
    key: u64,
    /// The offset and size of each field in an entry, in bytes.
    fields: Vec<(u64, u64)>,
}

pub(super) fn check(board: &Board, elf: &Elf<'_>, audit: &mut Audit) {
    let table = elf.symbol(SYMBOL);
    audit.holds(table.is_some(), None, || {
        format!("the symbol `{SYMBOL}` is missing")
    });
    let Some(table) = table else { return };
    let found = elf.bytes(table, MAGIC.len() as u64);
    audit.holds(found == Some(MAGIC), None, || {
        format!(
            "the board table starts with {1:?}; expected {0:?} ({2})",
            MAGIC.escape_ascii().to_string(),
            found.unwrap_or_default().escape_ascii().to_string(),
            elf.place(table)
        )
    });
    let Some(numbers) = layout_numbers(elf, table, audit) else {
        return;
    };
    let is_protected = elf
        .segment(table, 1)
        .is_some_and(|segment| !segment.access.write);
    audit.holds(is_protected, None, || {
        String::from("the board table is in a writable segment")
    });

    let expected = [
        ram(board),
        reserved(board),
        devices(board),
        interrupts(board),
    ];
    let layouts = [
        ranged_layout(&numbers[4..8]),
        ranged_layout(&numbers[8..13]),
        ranged_layout(&numbers[8..13]),
        line_layout(&numbers[13..18]),
    ];
    let level = numbers[18];
    for (index, (mut entries, layout)) in expected.into_iter().zip(layouts).enumerate() {
        if index == 3 {
            for entry in &mut entries {
                // Until here the value is 0 for level and 1 for edge.
                if let Some((_, trigger, _)) = entry.fields.get_mut(1) {
                    *trigger = if *trigger == 0 {
                        level
                    } else {
                        1 - level.min(1)
                    };
                }
            }
        }
        list(
            elf,
            LISTS[index],
            table + numbers[index],
            &entries,
            &layout,
            audit,
        );
    }
}

/// Reads the numbers that describe the layout; `None` if no table can have such a layout.
fn layout_numbers(elf: &Elf<'_>, table: u64, audit: &mut Audit) -> Option<Vec<u64>> {
    let first = table + MAGIC.len() as u64;
    let numbers: Option<Vec<u64>> = (0..NUMBERS as u64)
        .map(|number| elf.number(first + 4 * number, 4))
        .collect();
    audit.holds(numbers.is_some(), None, || {
        format!(
            "the board table ends within the numbers that describe its layout ({})",
            elf.place(first)
        )
    });
    let numbers = numbers?;
    let word = elf.word();
    let begin = (MAGIC.len() as u64 + 4 * NUMBERS as u64).next_multiple_of(word);
    // The lists follow the layout in order. A field must be aligned and inside its entry.
    let in_entry = |size: u64, alignment: u64, length: u64| {
        move |number: u64| number.is_multiple_of(alignment) && number + length <= size
    };
    let is_size = |number: u64| number.is_multiple_of(4) && (1..=256).contains(&number);
    let mut all_hold = true;
    for (index, &number) in numbers.iter().enumerate() {
        let entry = |size: usize| numbers[size];
        let (what, holds) = match index {
            0..4 => (LISTS[index], number == begin + 2 * word * index as u64),
            4 => ("the size of an entry of `ram`", is_size(number)),
            8 => ("the size of an entry of `mmio`", is_size(number)),
            13 => ("the size of an entry of `interrupts`", is_size(number)),
            5 => ("a key in `ram`", in_entry(entry(4), word, 2 * word)(number)),
            9 => (
                "a key in `mmio`",
                in_entry(entry(8), word, 2 * word)(number),
            ),
            14 => (
                "a key in `interrupts`",
                in_entry(entry(13), word, 2 * word)(number),
            ),
            6..8 => ("a field in `ram`", in_entry(entry(4), 4, 8)(number)),
            10..13 => ("a field in `mmio`", in_entry(entry(8), 4, 8)(number)),
            15 | 17 => ("a field in `interrupts`", in_entry(entry(13), 4, 4)(number)),
            16 => (
                "`trigger` in `interrupts`",
                in_entry(entry(13), 1, 1)(number),
            ),
            _ => ("the level trigger", number <= 1),
        };
        all_hold &= holds;
        audit.holds(holds, None, || {
            format!(
                "the layout of the board table has the invalid value {number:#x} for {what} ({})",
                elf.place(first + 4 * index as u64)
            )
        });
    }
    let fields = |key: usize, others: &[(usize, u64)]| {
        let others = others
            .iter()
            .map(|(index, length)| (numbers[*index], *length));
        let mut fields: Vec<_> = others.chain([(numbers[key], 2 * word)]).collect();
        fields.sort_unstable();
        fields
    };
    let entries = [
        ("ram", fields(5, &[(6, 8), (7, 8)])),
        ("mmio", fields(9, &[(10, 8), (11, 8), (12, 8)])),
        ("interrupts", fields(14, &[(15, 4), (16, 1), (17, 4)])),
    ];
    for (name, fields) in entries {
        let is_apart = fields
            .windows(2)
            .all(|pair| pair[0].0 + pair[0].1 <= pair[1].0);
        all_hold &= is_apart;
        audit.holds(is_apart, None, || {
            format!(
                "the layout of the board table has fields of `{name}` overlap ({})",
                elf.place(first)
            )
        });
    }
    all_hold.then_some(numbers)
}

fn ranged_layout(numbers: &[u64]) -> Layout {
    Layout {
        size: numbers[0],
        key: numbers[1],
        fields: numbers[2..].iter().map(|offset| (*offset, 8)).collect(),
    }
}

fn line_layout(numbers: &[u64]) -> Layout {
    Layout {
        size: numbers[0],
        key: numbers[1],
        fields: vec![(numbers[2], 4), (numbers[3], 1), (numbers[4], 4)],
    }
}

fn ram(board: &Board) -> Vec<Entry> {
    let ram = board.memory.ram.iter();
    ram.map(|ram| {
        let key = format!("memory.ram.{}", ram.name);
        let fields = vec![
            ("base", ram.base, format!("{key}.base")),
            ("expected_size", ram.expected_size, format!("{key}.size")),
        ];
        Entry { key, fields }
    })
    .collect()
}

/// Returns the entry of a region claimed by `key`; `seen` is where the processor sees it, if that
/// differs from its bus address.
fn region(key: &str, range: Range, seen: Option<Range>) -> Entry {
    let physical = format!("{key}.base");
    let (seen, base, size) = match seen {
        Some(seen) => (
            seen,
            format!("{key}.{VIEW}.base"),
            format!("{key}.{VIEW}.buses"),
        ),
        None => (range, physical.clone(), format!("{key}.size")),
    };
    let fields = vec![
        ("base", seen.base, base),
        ("size", seen.size, size),
        ("physical", range.base, physical),
    ];
    let key = key.to_owned();
    Entry { key, fields }
}

fn reserved(board: &Board) -> Vec<Entry> {
    let reserved = board.memory.reserved.iter();
    reserved
        .map(|one| region(&format!("memory.reserved.{}", one.name), one.range, None))
        .collect()
}

/// Returns the entries other than RAM. A region that the processor sees at another address has one
/// entry for both.
fn devices(board: &Board) -> Vec<Entry> {
    let is_view = |key: &str| key.rsplit('.').next() == Some(VIEW);
    let claims = board.ranges.iter();
    claims
        .filter(|claim| !claim.key.starts_with("memory.") && !is_view(&claim.key))
        .map(|claim| {
            let pci = board.pci.as_ref().filter(|_| claim.key == VIEWED);
            let seen = pci.and_then(|pci| pci.view());
            region(&claim.key, claim.what, seen)
        })
        .collect()
}

fn interrupts(board: &Board) -> Vec<Entry> {
    let claims = board.interrupts.iter();
    claims
        .map(|claim| {
            let key = claim.key.clone();
            let trigger = match claim.what.trigger {
                Trigger::Level => 0,
                Trigger::Edge => 1,
                Trigger::LevelLow => 2,
                Trigger::EdgeFalling => 3,
            };
            let fields = vec![
                ("number", claim.what.number.into(), key.clone()),
                ("trigger", trigger, key.clone()),
                ("count", claim.what.count.into(), key.clone()),
            ];
            Entry { key, fields }
        })
        .collect()
}

/// Compares a list with its expected entries. At `at`, the table holds the list's address and
/// length.
fn list(
    elf: &Elf<'_>,
    name: &str,
    at: u64,
    expected: &[Entry],
    layout: &Layout,
    audit: &mut Audit,
) {
    let word = elf.word();
    let length = elf.number(at + word, word);
    audit.holds(length == Some(expected.len() as u64), None, || {
        format!(
            "the length of `{name}` in the board table is {}; expected {} ({})",
            length.unwrap_or_default(),
            expected.len(),
            elf.place(at + word)
        )
    });
    let start = elf.number(at, word).unwrap_or_default();
    let size = layout.size * expected.len() as u64;
    let is_there = expected.is_empty() || elf.bytes(start, size).is_some();
    audit.holds(is_there, None, || {
        format!(
            "`{name}` of the board table has the address {start:#x}, which is not in the file ({})",
            elf.place(at)
        )
    });
    if !is_there {
        return;
    }
    for (index, entry) in expected.iter().enumerate() {
        let base = start + layout.size * index as u64;
        let what = format!("entry {index} of `{name}`, `{}`", entry.key);
        let name = format!("{what}: its key");
        text::check(elf, &name, &entry.key, base + layout.key, &entry.key, audit);
        for ((field, value, key), (offset, size)) in entry.fields.iter().zip(&layout.fields) {
            let at = base + offset;
            let range = elf.file_range(at, *size);
            audit
                .table
                .extend(range.map(|range| (entry.key.clone(), range)));
            let found = elf.number(at, *size);
            audit.holds(found == Some(*value), Some(key), || {
                format!(
                    "{what}: `{field}` is {:#x}; expected {value:#x} ({})",
                    found.unwrap_or_default(),
                    elf.place(at)
                )
            });
        }
    }
}
