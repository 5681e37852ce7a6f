//! Console drivers. The log is printed on the console.

pub mod cmsdk_uart;
pub mod nrf51_uart;
pub mod ns16550;
pub mod pl011;

/// A console that never waits for its hardware.
pub trait Console {
    /// Sends as many of `bytes` as the transmitter accepts without waiting, and returns their
    /// number.
    fn write(&mut self, bytes: &[u8]) -> usize;

    /// Returns the next received byte, if there is one.
    fn read(&mut self) -> Option<u8>;

    /// Enables or disables the interrupt that the console raises when the transmitter has space.
    fn notify_when_writable(&mut self, notify: bool);

    /// Acknowledges the console's interrupt.
    fn acknowledge_interrupt(&mut self);
}
