//! Power: powering off and resetting the machine.

pub mod isa_debug_exit;
pub mod psci;
pub mod register_write;
pub mod sbi;
pub mod semihosting;
pub mod sifive_test;

mod first_of;

pub use first_of::FirstOf;

/// A way to power off or reset the machine.
pub trait Power {
    /// Powers the machine off. `status` (0 for success) becomes the exit status of the emulator or
    /// debugger, if the board supports that. Returns only on failure.
    fn off(&mut self, status: u8);

    /// Resets the machine. Returns only on failure.
    fn reset(&mut self);
}

#[cfg(test)]
mod tests;
