//! Consoles: where the log goes.

pub mod ns16550;
pub mod pl011;

/// A console that takes bytes as fast as its hardware does.
pub trait Console {
    /// Sends as many of `bytes` as the transmitter takes without waiting, and returns how many.
    fn write(&mut self, bytes: &[u8]) -> usize;

    /// The next byte that was received, if any.
    fn read(&mut self) -> Option<u8>;

    /// Raises the console's interrupt when the transmitter has room again, or stops doing so.
    fn notify_when_writable(&mut self, notify: bool);

    /// Acknowledges the console's interrupt.
    fn acknowledge_interrupt(&mut self);
}
