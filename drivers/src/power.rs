//! Power: how a machine is stopped.

pub mod isa_debug_exit;
pub mod psci;
pub mod register_write;
pub mod sbi;
pub mod semihosting;
pub mod sifive_test;

mod first_of;

pub use first_of::FirstOf;

/// A way to stop or restart the machine.
pub trait Power {
    /// Stops the machine, passing `status` (0 for success) to whoever started it where the board
    /// has a means to. Returns only where the machine refused.
    fn off(&mut self, status: u8);

    /// Restarts the machine. Returns only where the machine cannot.
    fn reset(&mut self);
}

#[cfg(test)]
mod tests;
