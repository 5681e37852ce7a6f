//! The host, for tests of the kernel: the clock is the host's, there are no interrupts, and memory
//! protection is left to the host.

use core::convert::Infallible;
use core::fmt;
use core::time::Duration;

use std::sync::OnceLock;
use std::time::Instant;

use vmos_drivers::address::PhysicalAddress;
use vmos_drivers::interrupt_controller::gic_v3::CpuInterface;
use vmos_drivers::power::psci::{Conduit, Method};
use vmos_drivers::power::semihosting::Trap;
use vmos_drivers::timer::arm_generic::{Counter, SystemRegisters};

pub(crate) use super::ones_complement::sum_by_carry as sum_words;
use super::{Mapping, TranslationError};

use crate::firmware::TableKind;

/// How long a wait for an interrupt lasts. None comes; the deadlines are checked again afterwards.
const WAIT: Duration = Duration::from_millis(1);

/// The host's processor; tests only use its clock.
#[derive(Clone, Copy, Default, Debug)]
pub struct Processor;

impl SystemRegisters for Processor {
    fn frequency(&self) -> u64 {
        1_000_000_000
    }

    fn count(&self, _counter: Counter) -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        let elapsed = START.get_or_init(Instant::now).elapsed();
        elapsed.as_nanos() as u64
    }

    fn set_compare_value(&mut self, _counter: Counter, _count: u64) {}

    fn set_control(&mut self, _counter: Counter, _control: u32) {}
}

impl CpuInterface for Processor {
    fn affinity(&self) -> u32 {
        0
    }

    fn enable_system_registers(&mut self) {}

    fn set_priority_mask(&mut self, _priority: u8) {}

    fn set_binary_point(&mut self, _point: u8) {}

    fn set_control(&mut self, _control: u32) {}

    fn set_group_1_enable(&mut self, _enable: u32) {}

    fn acknowledge(&mut self) -> u32 {
        // A special number that stands for no interrupt.
        1023
    }

    fn end_of_interrupt(&mut self, _number: u32) {}

    fn complete_writes(&self) {}
}

impl Conduit for Processor {
    fn call(&mut self, _method: Method, _function: u32) -> i32 {
        // NOT_SUPPORTED
        -1
    }
}

impl Trap for Processor {
    fn call(&mut self, _operation: usize, _block: &[usize; 2]) -> isize {
        -1
    }
}

/// An empty state: nothing is masked on the host.
#[derive(Clone, Copy, Debug)]
pub struct InterruptState(());

/// Does nothing: there are no interrupts.
pub fn mask_interrupts() -> InterruptState {
    InterruptState(())
}

/// Does nothing: the host has no interrupts to restore.
pub fn restore_interrupts(_state: InterruptState) {}

/// Returns false: there are no interrupts.
pub fn interrupt_pending() -> bool {
    false
}

/// Sleeps for a short time, or until the thread is unparked.
pub fn wait_for_interrupt() {
    std::thread::park_timeout(WAIT);
}

/// Stops this thread forever.
pub fn park() -> ! {
    loop {
        std::thread::park();
    }
}

/// The kind of table that loaders pass.
pub(crate) const FIRMWARE_TABLE: TableKind = TableKind::DeviceTree { or_tags: false };

/// Returns `None`: there is no loader.
#[must_use]
pub fn firmware_table(_arguments: [usize; 4]) -> Option<PhysicalAddress> {
    None
}

/// Does nothing.
///
/// # Errors
///
/// Never.
///
/// # Safety
///
/// No requirements on the host.
pub unsafe fn enable_translation<const SHORT_DESCRIPTORS: bool>(
    _mappings: impl IntoIterator<Item = Mapping>,
    _pages: impl FnMut() -> Option<PhysicalAddress>,
) -> Result<(), TranslationError> {
    Ok(())
}

/// Never created: the host reports faults itself.
#[derive(Clone, Debug)]
pub struct Registers(Infallible);

impl fmt::Display for Registers {
    #[cold]
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

/// Returns 0: the host walks its own stacks.
#[must_use]
pub fn frame_pointer() -> usize {
    0
}

/// Visits nothing: the host walks its own stacks.
pub fn backtrace(_from: usize, _visit: impl FnMut(usize)) {}
