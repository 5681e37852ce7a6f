//! What the drivers of RISC-V machines ask of the hart that runs the kernel.

/// A hart, as the machine's parts tell one from another.
pub trait Hart: Default {
    /// Its number (`mhartid`).
    fn id(&self) -> usize;

    /// The mode that the kernel runs in.
    fn mode(&self) -> Mode;
}

/// A privilege mode that a kernel runs in (RISC-V privileged architecture, 1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// M: nothing is below, and the machine's own registers are in reach.
    Machine,
    /// S: firmware runs in M mode and answers calls.
    Supervisor,
}

/// A hart that firmware runs below of (RISC-V Supervisor Binary Interface 2.0).
pub trait Firmware: Default {
    /// Calls `function` of `extension` (chapter 3).
    fn call(&mut self, extension: usize, function: usize, arguments: [usize; 2]) -> Answer;
}

/// What firmware answers a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// 0, or what went wrong.
    pub error: isize,
    /// What was asked for.
    pub value: usize,
}

/// The hart's view of the machine's one clock.
pub trait Timebase: Default {
    /// The `time` CSR: ticks since some point before the kernel started.
    fn time(&self) -> u64;

    /// Ticks in a second, where a table of the firmware's tells them.
    fn frequency(&self) -> Option<u64>;
}
