//! The processor traits of the drivers.

use core::arch::asm;

use vmos_drivers::interrupt_controller::imsic::InterruptFile;
use vmos_drivers::riscv::{
    Answer, Firmware, Hart, Local, LocalInterrupts, Mode, Pending, Timebase,
};
use vmos_drivers::timer::supervisor::Sstc;

use crate::device_tree::DeviceTree;

use super::csr::{change, read};
use super::{entered, interrupts, timebase};

/// `SBI_ERR_NOT_SUPPORTED` (SBI 2.0, chapter 3).
const NOT_SUPPORTED: isize = -2;

/// The processor that runs the kernel.
#[derive(Clone, Copy, Default, Debug)]
pub struct Processor;

impl Hart for Processor {
    fn id(&self) -> usize {
        entered::hart()
    }

    #[inline]
    fn mode(&self) -> Mode {
        entered::mode()
    }
}

impl LocalInterrupts for Processor {
    fn enable(&mut self, interrupt: Local, on: bool) {
        interrupts::enable(interrupt, on);
    }

    #[inline]
    fn pending(&self) -> Pending {
        interrupts::pending()
    }
}

/// `miselect` is 0x350, `mireg` 0x351 and `mtopei` 0x35c; `siselect`, `sireg` and `stopei` are
/// 0x150, 0x151 and 0x15c (AIA 1.0, chapter 2).
impl InterruptFile for Processor {
    fn read(&mut self, register: usize) -> usize {
        change!("csrw", "0x350", "0x150", register);
        match entered::mode() {
            Mode::Machine => read!("0x351"),
            Mode::Supervisor => read!("0x151"),
        }
    }

    fn write(&mut self, register: usize, value: usize) {
        change!("csrw", "0x350", "0x150", register);
        change!("csrw", "0x351", "0x151", value);
    }

    #[inline]
    fn take(&mut self) -> usize {
        let taken: usize;
        match entered::mode() {
            // SAFETY: the write takes the interrupt that the read returns; it belongs to the
            // calling driver.
            Mode::Machine => unsafe {
                asm!("csrrw {0}, 0x35c, zero", out(reg) taken, options(nostack, preserves_flags));
            },
            // SAFETY: as above.
            Mode::Supervisor => unsafe {
                asm!("csrrw {0}, 0x15c, zero", out(reg) taken, options(nostack, preserves_flags));
            },
        }
        taken
    }
}

impl Timebase for Processor {
    #[cfg(target_pointer_width = "64")]
    #[inline]
    fn time(&self) -> u64 {
        read!("time") as u64
    }

    #[cfg(target_pointer_width = "32")]
    #[inline]
    fn time(&self) -> u64 {
        loop {
            let high = read!("timeh");
            let low = read!("time");
            // The low half may have overflowed in between.
            if read!("timeh") == high {
                return (high as u64) << 32 | low as u64;
            }
        }
    }

    fn frequency(&self) -> Option<u64> {
        let address = entered::device_tree()?;
        // SAFETY: the address comes from the loader; the device tree is excluded from the heap
        // later.
        let tree = unsafe { DeviceTree::at(address) }.ok()?;
        timebase::frequency(tree)
    }
}

impl Sstc for Processor {
    /// Writes the comparator. Without the extension, the write is an illegal instruction; while it
    /// executes, a special vector skips it.
    #[cold]
    fn has_stimecmp(&mut self) -> bool {
        let is_there: usize;
        // SAFETY: the comparator belongs to the calling driver. The vector is restored, and the
        // exception changes nothing that the kernel relies on: interrupts are disabled.
        unsafe {
            asm!(
                "li {is_there}, 0",
                "la {vector}, 2f",
                "csrrw {vector}, stvec, {vector}",
                "csrw 0x14d, {never}",
                "li {is_there}, 1",
                ".balign 4",
                "2:",
                "csrw stvec, {vector}",
                vector = out(reg) _,
                is_there = out(reg) is_there,
                never = in(reg) usize::MAX,
                options(nostack)
            );
        };
        is_there != 0
    }

    /// `stimecmp` has the number 0x14d, its upper half 0x15d (Sstc 1.0, chapter 1).
    #[inline]
    fn set_stimecmp(&mut self, count: u64) {
        #[cfg(target_pointer_width = "64")]
        // SAFETY: the comparator belongs to the calling driver.
        unsafe {
            asm!("csrw 0x14d, {0}", in(reg) count, options(nostack, preserves_flags));
        };
        // No intermediate value may be in the past.
        #[cfg(target_pointer_width = "32")]
        // SAFETY: as above.
        unsafe {
            asm!(
                "csrw 0x14d, {never}",
                "csrw 0x15d, {high}",
                "csrw 0x14d, {low}",
                never = in(reg) usize::MAX,
                high = in(reg) (count >> 32) as usize,
                low = in(reg) count as usize,
                options(nostack, preserves_flags)
            );
        };
    }
}

impl Firmware for Processor {
    fn call(&mut self, extension: usize, function: usize, arguments: [usize; 2]) -> Answer {
        // In M mode there is no firmware below: the call would trap into the kernel itself.
        if entered::mode() == Mode::Machine {
            return Answer {
                error: NOT_SUPPORTED,
                value: 0,
            };
        }
        let (error, value): (isize, usize);
        // SAFETY: firmware returns in a0 and a1, and preserves all other registers (SBI 2.0,
        // chapter 3).
        unsafe {
            asm!(
                "ecall",
                inlateout("a0") arguments[0] => error,
                inlateout("a1") arguments[1] => value,
                in("a6") function,
                in("a7") extension,
                options(nostack)
            );
        };
        Answer { error, value }
    }
}
