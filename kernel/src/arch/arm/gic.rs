//! The system registers of a GICv3's CPU interface in AArch32 state (Arm IHI 0069, section 12.3).

use core::arch::asm;

use vmos_drivers::interrupt_controller::gic_v3::CpuInterface;

use super::Processor;
use super::processor::{read, write};

impl CpuInterface for Processor {
    fn affinity(&self) -> u32 {
        // MPIDR, which has no Aff3.
        read!("c0, c0, 5") & 0x00ff_ffff
    }

    fn enable_system_registers(&mut self) {
        // ICC_SRE
        let enabled = read!("c12, c12, 5") | 1;
        write!("c12, c12, 5", enabled, "isb");
    }

    fn set_priority_mask(&mut self, priority: u8) {
        // ICC_PMR
        write!("c4, c6, 0", priority.into());
    }

    fn set_binary_point(&mut self, point: u8) {
        // ICC_BPR1
        write!("c12, c12, 3", point.into());
    }

    fn set_control(&mut self, control: u32) {
        // ICC_CTLR
        write!("c12, c12, 4", control);
    }

    fn set_group_1_enable(&mut self, enable: u32) {
        // ICC_IGRPEN1
        write!("c12, c12, 7", enable, "isb");
    }

    #[inline]
    fn acknowledge(&mut self) -> u32 {
        // ICC_IAR1
        read!("c12, c12, 0", "dsb sy")
    }

    #[inline]
    fn end_of_interrupt(&mut self, number: u32) {
        // ICC_EOIR1
        write!("c12, c12, 1", number);
    }

    fn complete_writes(&self) {
        // SAFETY: only waits.
        unsafe { asm!("dsb sy", options(nostack, preserves_flags)) };
    }
}
