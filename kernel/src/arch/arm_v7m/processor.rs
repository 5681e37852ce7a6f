//! The processor: none of its drivers needs state.

/// The processor that runs the kernel.
#[derive(Clone, Copy, Debug, Default)]
pub struct Processor;
