//! Reads the interrupt wiring of PCI slots from the registers of Intel's PIIX3 chipset, which
//! firmware sets (Intel 82371SB datasheet, 2.2.10: PIRQ route control).

/// QEMU's name of the model.
pub(super) const MODEL: &str = "PIIX3";

/// The address of the chipset's registers for port 0xCF8 (PCI Local Bus Specification 3.0,
/// 3.2.2.3.2).
const ADDRESS: u32 = 1 << 31 | 1 << 11 | 0x60;

/// The monitor command that reads the selected registers.
pub(super) const READ: &str = "i /w 0xcfc";

/// The line is not routed.
const DISABLED: u32 = 1 << 7;

/// Returns the monitor command that selects the registers for port 0xCFC.
pub(super) fn select() -> String {
    format!("o /w 0xcf8 {ADDRESS:#x}")
}

/// Returns the four lines, of which pin p of slot s raises number (s + p) % 4, from the monitor's
/// output. Pin A of slot 1 is PIRQA.
pub(super) fn lines(printed: &str) -> Option<[u32; 4]> {
    let digits = printed.trim().rsplit("0x").next()?;
    let registers = u32::from_str_radix(digits, 16).ok()?;
    let line = |index: u32| {
        let register = registers >> (8 * ((index + 3) % 4)) & 0xFF;
        (register & DISABLED == 0).then_some(register & 0xF)
    };
    Some([line(0)?, line(1)?, line(2)?, line(3)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_that_of_the_slot_before_the_first() {
        assert_eq!(
            lines("portl[0x0cfc] = 0x0c0b0a09\r\n"),
            Some([12, 9, 10, 11])
        );
    }

    #[test]
    fn lines_that_go_nowhere_are_not_known() {
        assert_eq!(lines("portl[0x0cfc] = 0x80808080"), None);
        assert_eq!(lines("unknown command: 'i'"), None);
    }

    #[test]
    fn the_registers_are_those_of_slot_1() {
        assert_eq!(select(), "o /w 0xcf8 0x80000860");
    }
}
