//! How the slots of a PC with Intel's ICH9 are wired: its registers say it (Intel I/O Controller Hub 9
//! datasheet, 10.1: chipset configuration registers).

/// QEMU's model of it.
pub(super) const MODEL: &str = "ICH9-LPC";

/// Where firmware maps the chipset's configuration registers.
const REGISTERS: u64 = 0xFED1_C000;

/// Each slot with a register of its own, and where that is. Slot 30 is a bridge with no lines.
const SLOTS: [(u32, u64); 6] = [
    (25, 0x3150),
    (26, 0x314C),
    (27, 0x3148),
    (28, 0x3146),
    (29, 0x3144),
    (31, 0x3140),
];

/// The input of the I/O APIC that line PIRQA is, with the other seven after it.
const PIRQA: u32 = 16;

/// What INTA of slot 0 would raise: QEMU wires the slots without a register to the lines PIRQE to
/// PIRQH, of which pin p of slot s raises number (s + p) % 4 (hw/isa/lpc_ich9.c).
pub(super) const INTX: u32 = PIRQA + 4;

/// What pins A to D of the slots raise: in each register, three bits of every four say it of a pin.
pub(super) fn slot_lines(
    mut read: impl FnMut(u64, usize) -> Option<Vec<u8>>,
) -> Vec<(u32, [u32; 4])> {
    let mut lines = Vec::new();
    for (slot, offset) in SLOTS {
        let Some(&[low, high]) = read(REGISTERS + offset, 2).as_deref() else {
            continue;
        };
        let register = u32::from(u16::from_le_bytes([low, high]));
        let line = |pin: u32| PIRQA + ((register >> (4 * pin)) & 7);
        lines.push((slot, [line(0), line(1), line(2), line(3)]));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_bits_of_every_four_are_the_line_of_a_pin() {
        let lines = slot_lines(|_, _| Some(0x3210_u16.to_le_bytes().to_vec()));
        assert_eq!(lines.first(), Some(&(25, [16, 17, 18, 19])));
        let lines = slot_lines(|_, _| Some(0xF7C5_u16.to_le_bytes().to_vec()));
        assert_eq!(lines.first(), Some(&(25, [21, 20, 23, 23])));
    }

    #[test]
    fn what_cannot_be_read_is_not_known() {
        assert!(slot_lines(|_, _| None).is_empty());
    }
}
