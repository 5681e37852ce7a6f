//! The devices of a table of expected values.

use vmos_drivers::attestation::Fact;

use super::tree::Lengths;

/// A device of a table.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// The table's rows for the device, the opening row first.
    pub(super) rows: &'static [Fact],
    /// The lengths of the device's `compatible` strings.
    pub(super) lengths: Lengths,
    /// The device's first registers: the index in `reg`, and the address.
    pub(super) registers: Option<(usize, u64)>,
    pub(super) has_slots: bool,
    pub(super) is_console: bool,
    pub(super) is_interrupt_controller: bool,
}

impl Part {
    /// Returns the number of devices in a table.
    pub(crate) const fn count(table: &[Fact]) -> usize {
        let (mut row, mut count) = (0, 0);
        while row < table.len() {
            if table[row].opens().is_some() {
                count += 1;
            }
            row += 1;
        }
        count
    }

    /// Divides a table into its `N` devices; evaluated when the kernel is compiled.
    pub(crate) const fn all_of<const N: usize>(table: &'static [Fact]) -> [Self; N] {
        let mut parts = [Self::new(&[]); N];
        let (mut row, mut count) = (0, 0);
        while row < table.len() {
            let start = row;
            row += 1;
            if table[start].opens().is_none() {
                continue;
            }
            while row < table.len() && table[row].opens().is_none() {
                row += 1;
            }
            parts[count] = Self::new(table.split_at(row).0.split_at(start).1);
            count += 1;
        }
        parts
    }

    const fn new(rows: &'static [Fact]) -> Self {
        let mut part = Self {
            rows,
            lengths: Lengths::NONE,
            registers: None,
            has_slots: false,
            is_console: false,
            is_interrupt_controller: false,
        };
        let mut row = 0;
        while row < rows.len() {
            if let Some(key) = rows[row].opens() {
                part.is_console = starts_with(key, "console.");
                part.is_interrupt_controller = starts_with(key, "interrupt-controller.");
            }
            match rows[row] {
                Fact::Part { compatible, .. } | Fact::Or { compatible } => {
                    part.lengths.add(compatible.as_bytes());
                }
                Fact::Holder { .. } => part.lengths = Lengths::ANY,
                Fact::Registers { index, base, .. } if part.registers.is_none() => {
                    part.registers = Some((index, base));
                }
                Fact::Slots { .. } => part.has_slots = true,
                _ => {}
            }
            row += 1;
        }
        part
    }

    /// Returns the device's table in the board file.
    pub(super) fn key(&self) -> Option<&'static str> {
        self.rows.first()?.opens()
    }

    /// Returns the name of the further interrupt controller that the device belongs to.
    pub(super) fn further(&self) -> Option<&'static str> {
        let (_, name) = self.key()?.split_once(".further.")?;
        Some(name.split_once('.').map_or(name, |(name, _)| name))
    }
}

/// Returns whether `text` starts with `start`.
const fn starts_with(text: &str, start: &str) -> bool {
    let (text, start) = (text.as_bytes(), start.as_bytes());
    let mut index = 0;
    while index < start.len() {
        if index >= text.len() || text[index] != start[index] {
            return false;
        }
        index += 1;
    }
    true
}
