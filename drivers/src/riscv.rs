//! The processor operations that the drivers of RISC-V machines need.

use crate::interrupt::Interrupt;

/// A hart, as drivers identify it.
pub trait Hart: Default {
    /// The hart's number (`mhartid`).
    fn id(&self) -> usize;

    /// The privilege mode in which the kernel runs.
    fn mode(&self) -> Mode;
}

/// A privilege mode that a kernel runs in (RISC-V privileged architecture, 1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// M mode: no firmware runs below, and all registers of the machine are accessible.
    Machine,
    /// S mode: firmware runs in M mode and handles calls.
    Supervisor,
}

/// The interrupt of the hart's own timer. It bypasses the interrupt controller, whose driver
/// reports it by this number: no controller has an input with it, because they have at most 1023.
pub const TIMER: Interrupt = Interrupt::level(1024);

/// The local interrupts of the hart, in the kernel's privilege mode (`mie` and `mip`, or `sie` and
/// `sip`; privileged architecture, 3.1.9 and 10.1.3).
pub trait LocalInterrupts: Hart {
    /// Enables or disables a local interrupt.
    fn enable(&mut self, interrupt: Local, on: bool);

    /// Returns the interrupts that are pending and enabled.
    fn pending(&self) -> Pending;
}

/// A local interrupt of a hart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Local {
    /// The interrupt of the hart's timer.
    Timer,
    /// The external interrupt: any source of the interrupt controller.
    External,
}

/// The pending local interrupts of a hart.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Pending {
    /// Whether the hart's timer interrupt is pending.
    pub timer: bool,
    /// Whether the external interrupt is pending.
    pub external: bool,
}

/// Other harts that pass on their external interrupts to the kernel's hart, because an interrupt
/// controller delivers to them only.
///
/// A relaying hart runs no code of the kernel: it sleeps, raises the software interrupt of the
/// kernel's hart when it has an external interrupt, and then does so again only after its own software
/// interrupt was raised. The kernel accesses the registers of the controller itself.
///
/// In S mode, firmware starts a relay and raises its software interrupt. In M mode, the entry code
/// parks harts as relays, and registers of a CLINT or an ACLINT raise software interrupts.
pub trait Relay: LocalInterrupts {
    /// Makes firmware start `hart` as a relay, which then waits for [`rearm`](Self::rearm). Returns
    /// whether the hart runs. Firmware may reset the hart's contexts of interrupt controllers until
    /// then. Without firmware, in M mode, no hart is started.
    fn start(&mut self, hart: usize) -> bool;

    /// Makes firmware raise the software interrupt of a started hart, which then checks its external
    /// interrupt again.
    fn rearm(&mut self, hart: usize);

    /// Enables the software interrupt of this hart.
    fn listen(&mut self);

    /// Returns whether the software interrupt of this hart is pending.
    fn is_raised(&self) -> bool;

    /// Clears the software interrupt of this hart in S mode. In M mode, it follows its register.
    fn clear(&mut self);
}

/// Calls to SBI firmware (RISC-V Supervisor Binary Interface 2.0).
pub trait Firmware: Default {
    /// Calls `function` of `extension` (chapter 3).
    fn call(&mut self, extension: usize, function: usize, arguments: [usize; 2]) -> Answer;
}

/// The result of a call to firmware.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// 0, or an error code.
    pub error: isize,
    /// The value of a successful call.
    pub value: usize,
}

/// The machine's clock, as the hart sees it.
pub trait Timebase: Default {
    /// Reads the `time` CSR: ticks since some moment before the kernel started.
    fn time(&self) -> u64;

    /// Returns the frequency in Hz, if firmware's tables contain it.
    fn frequency(&self) -> Option<u64>;
}
