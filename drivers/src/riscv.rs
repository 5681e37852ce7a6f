//! The processor operations that the drivers of RISC-V machines need.

/// A hart, as drivers identify it.
pub trait Hart: Default {
    /// Its number (`mhartid`).
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
