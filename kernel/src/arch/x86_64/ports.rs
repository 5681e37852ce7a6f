//! The instructions that access I/O ports.

use core::arch::asm;

use vmos_drivers::port::PortIo;

use super::Processor;

macro_rules! access {
    ($in:ident, $out:ident, $width:ty, $register:tt) => {
        #[inline]
        unsafe fn $in(&self, port: u16) -> $width {
            let value: $width;
            // SAFETY: the caller's guarantee.
            unsafe {
                asm!(
                    concat!("in ", $register, ", dx"),
                    out($register) value,
                    in("dx") port,
                    options(nostack, preserves_flags)
                );
            };
            value
        }

        #[inline]
        unsafe fn $out(&self, port: u16, value: $width) {
            // SAFETY: the caller's guarantee.
            unsafe {
                asm!(
                    concat!("out dx, ", $register),
                    in("dx") port,
                    in($register) value,
                    options(nostack, preserves_flags)
                );
            };
        }
    };
}

impl PortIo for Processor {
    access!(in8, out8, u8, "al");
    access!(in16, out16, u16, "ax");
    access!(in32, out32, u32, "eax");
}
