//! The numbers of the peripherals of the nRF51 series, which are in their addresses and are those of
//! their interrupts (nRF51 Series Reference Manual 3.0, 10.1.1 and 10.1.6).

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::{Address, Field, Interrupt};

/// The space that each peripheral has for its registers, in bytes, and the number of peripherals.
const SPACE: u64 = 0x1000;
const PERIPHERALS: u64 = 32;

/// Reports an interrupt that is not that of the peripheral at `base`.
pub(super) fn check(base: &Field<Address>, interrupt: &Field<Interrupt>, problems: &mut Problems) {
    let (Some(base), Some(interrupt)) = (base.get(), interrupt.get()) else {
        return;
    };
    let number = base.value.0 / SPACE % PERIPHERALS;
    if u64::from(interrupt.value.number) == number {
        return;
    }
    let title = format!(
        "`{}` is not the interrupt of this peripheral",
        interrupt.path
    );
    problems.report(
        Diagnostic::new(Code::BadInterrupt, interrupt.at, title)
            .label("each peripheral has the interrupt of its own number")
            .also(base.at, format!("peripheral {number}"))
            .write(format!("{{ irq = {number} }}")),
    );
}
