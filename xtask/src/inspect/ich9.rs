//! Reads the interrupt wiring of PCI slots from the registers of Intel's ICH9 chipset (Intel I/O
//! Controller Hub 9 datasheet, 10.1: chipset configuration registers).

/// QEMU's name of the model.
pub(super) const MODEL: &str = "ICH9-LPC";

/// The address at which firmware maps the chipset's configuration registers.
const REGISTERS: u64 = 0xFED1_C000;

/// Each slot with its own register, and the register's offset. Slot 30 is a bridge without lines.
const SLOTS: [(u32, u64); 6] = [
    (25, 0x3150),
    (26, 0x314C),
    (27, 0x3148),
    (28, 0x3146),
    (29, 0x3144),
    (31, 0x3140),
];

/// The I/O APIC input of line PIRQA; the other seven lines follow.
const PIRQA: u32 = 16;

/// The input of INTA of slot 0: QEMU wires the slots without a register to the lines PIRQE to
/// PIRQH, with number (s + p) % 4 for pin p of slot s (hw/isa/lpc_ich9.c).
pub(super) const INTX: u32 = PIRQA + 4;

/// Returns the inputs of pins A to D of the slots: each register has three bits per pin, in fields
/// of four.
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
