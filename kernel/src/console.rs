//! The console: bytes go to the transmitter as fast as it accepts them, and then wait in a ring
//! buffer. A burst of log lines therefore does not wait, and no line is lost: a writer waits only
//! if the ring is full. If the transmitter accepts nothing for a long time, the console discards
//! output until it accepts a byte again, so that a wrong address in the board file does not block
//! the system.
//!
//! Apps read and write the console through a [`Terminal`].

mod terminal;

use core::cell::RefCell;
use core::fmt::{self, Write};

use critical_section::Mutex;
use vmos_drivers::console::Console as Transmitter;

use crate::machine;

pub use terminal::{CONSOLE_INPUT, Terminal, TerminalError, TerminalReader, TerminalWriter};

/// The function that is called with each byte that the console received, and with `None` after it
/// has sent bytes.
pub(crate) type Listener = fn(Option<u8>);

/// The size of the ring buffer, in bytes.
const RING_SIZE: usize = machine::CONSOLE_BUFFER;

/// The size of the ring buffer of a console for a report, in bytes. It is on the small stack on which
/// faults are reported, and the report waits for the transmitter anyway.
const REPORT_RING_SIZE: usize = 16;

/// How often to poll a transmitter that accepts nothing before discarding output: some seconds. The
/// slowest line sends a byte in a few milliseconds.
const PATIENCE: usize = if cfg!(test) { 1000 } else { 20_000_000 };

/// A console, with the bytes that wait for its transmitter.
pub(crate) struct Console<T, const RING: usize = RING_SIZE> {
    transmitter: T,
    ring: [u8; RING],
    /// The position of the next byte to read; it is not reduced to the size of the ring.
    read: usize,
    /// The position of the next byte to write; it is not reduced to the size of the ring.
    written: usize,
    /// How many more polls without progress are allowed.
    patience: usize,
}

impl<T: Transmitter> Console<T, REPORT_RING_SIZE> {
    /// Returns a console for the report of a fault.
    pub(crate) const fn for_report(transmitter: T) -> Self {
        Self::of(transmitter, PATIENCE)
    }
}

impl<T: Transmitter, const RING: usize> Console<T, RING> {
    const fn of(transmitter: T, patience: usize) -> Self {
        Self {
            transmitter,
            ring: [0; RING],
            read: 0,
            written: 0,
            patience,
        }
    }

    /// Sends `bytes`, after all earlier ones.
    pub(crate) fn send(&mut self, mut bytes: &[u8]) {
        if self.read == self.written {
            let taken = self.transmitter.write(bytes);
            bytes = &bytes[taken..];
        }
        for &byte in bytes {
            while self.written - self.read == RING {
                if !self.drain_patiently() {
                    return;
                }
            }
            self.ring[self.written % RING] = byte;
            self.written += 1;
        }
        if self.read != self.written {
            self.transmitter.notify_when_writable(true);
        }
    }

    /// Sends as many of `bytes` as the ring has space for, after all earlier ones; returns their
    /// number.
    pub(crate) fn send_some(&mut self, bytes: &[u8]) -> usize {
        self.drain();
        let count = bytes.len().min(RING - (self.written - self.read));
        self.send(&bytes[..count]);
        count
    }

    /// Returns whether no bytes wait for the transmitter.
    pub(crate) fn is_empty(&self) -> bool {
        self.read == self.written
    }

    /// Handles the transmitter's interrupt: sends waiting bytes, and calls `listener` for each
    /// received byte and, at the end, with `None`.
    pub(crate) fn serve(&mut self, listener: Listener) {
        self.transmitter.acknowledge_interrupt();
        while let Some(byte) = self.transmitter.read() {
            listener(Some(byte));
        }
        self.drain();
        listener(None);
        self.transmitter
            .notify_when_writable(self.read != self.written);
    }

    /// Waits until everything was sent, or the transmitter accepts nothing for too long.
    pub(crate) fn flush(&mut self) {
        while self.read != self.written && self.drain_patiently() {}
    }

    /// Sends waiting bytes; returns false if the transmitter made no progress for too long.
    fn drain_patiently(&mut self) -> bool {
        let before = self.read;
        self.drain();
        if self.read == before {
            self.patience = self.patience.saturating_sub(1);
        }
        self.patience > 0
    }

    fn drain(&mut self) {
        while self.read != self.written {
            let start = self.read % RING;
            let end = RING.min(start + (self.written - self.read));
            let taken = self.transmitter.write(&self.ring[start..end]);
            if taken == 0 {
                break;
            }
            self.read += taken;
            self.patience = PATIENCE;
        }
    }
}

impl<T: Transmitter, const RING: usize> Write for Console<T, RING> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Serial lines end in carriage return and line feed.
        let mut rest = text.as_bytes();
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            self.send(&rest[..end]);
            self.send(b"\r\n");
            rest = &rest[end + 1..];
        }
        self.send(rest);
        Ok(())
    }
}

/// The board's console. It has no transmitter before it is started.
pub(crate) type Shared<T> = Mutex<RefCell<Console<Slot<T>>>>;

/// The console, or `None`. This type's `None` is all zeros, so that a console without transmitter,
/// with its ring buffer, is in `.bss`. The `None` of an `Option` may be another value, stored in a
/// niche of the driver, which would add the 8 KiB of the ring to the image. At start, only the
/// transmitter is written: copying a whole console with its ring would be slow while the MMU is
/// off.
#[repr(u8)]
pub(crate) enum Slot<T> {
    None = 0,
    Some(T) = 1,
}

impl<T: Transmitter> Console<Slot<T>> {
    /// Creates an empty console without transmitter.
    pub(crate) const fn without_transmitter() -> Self {
        Self::of(Slot::None, 0)
    }

    /// Sets the console's transmitter.
    pub(crate) fn start(&mut self, transmitter: T) {
        self.transmitter = Slot::Some(transmitter);
        self.patience = PATIENCE;
    }

    /// Returns the console, if it has a transmitter.
    pub(crate) fn as_mut(&mut self) -> Option<&mut Self> {
        match self.transmitter {
            Slot::None => None,
            Slot::Some(_) => Some(self),
        }
    }
}

impl<T: Transmitter> Transmitter for Slot<T> {
    fn write(&mut self, bytes: &[u8]) -> usize {
        match self {
            Self::None => 0,
            Self::Some(transmitter) => transmitter.write(bytes),
        }
    }

    fn read(&mut self) -> Option<u8> {
        match self {
            Self::None => None,
            Self::Some(transmitter) => transmitter.read(),
        }
    }

    fn notify_when_writable(&mut self, notify: bool) {
        if let Self::Some(transmitter) = self {
            transmitter.notify_when_writable(notify);
        }
    }

    fn acknowledge_interrupt(&mut self) {
        if let Self::Some(transmitter) = self {
            transmitter.acknowledge_interrupt();
        }
    }
}

/// Writes `arguments` to the console.
///
/// [`println!`](crate::println) expands to a call of this function.
pub fn print(arguments: fmt::Arguments<'_>) {
    machine::with_console(|console| {
        // The console never returns an error.
        let _ = console.write_fmt(arguments);
    });
}

/// Writes a line to the console. Apps use it for output to people; messages of the system belong in
/// the log.
#[macro_export]
macro_rules! println {
    () => { $crate::console::print(::core::format_args!("\n")) };
    ($($argument:tt)*) => {
        $crate::console::print(::core::format_args!("{}\n", ::core::format_args!($($argument)*)))
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// A simulated transmitter that accepts `room` bytes at a time.
    struct Wire {
        room: usize,
        sent: Vec<u8>,
        asked_to_notify: bool,
    }

    impl Transmitter for Wire {
        fn write(&mut self, bytes: &[u8]) -> usize {
            let taken = bytes.len().min(self.room);
            self.sent.extend_from_slice(&bytes[..taken]);
            self.room -= taken;
            taken
        }

        fn read(&mut self) -> Option<u8> {
            None
        }

        fn notify_when_writable(&mut self, notify: bool) {
            self.asked_to_notify = notify;
        }

        fn acknowledge_interrupt(&mut self) {}
    }

    fn console(room: usize) -> Console<Wire> {
        let wire = Wire {
            room,
            sent: Vec::new(),
            asked_to_notify: false,
        };
        Console::of(wire, PATIENCE)
    }

    #[test]
    fn accepted_bytes_do_not_wait() {
        let mut console = console(100);
        console.send(b"at once");
        assert_eq!(console.transmitter.sent, b"at once");
        assert!(!console.transmitter.asked_to_notify);
    }

    #[test]
    fn other_bytes_wait_for_the_interrupt() {
        let mut console = console(3);
        console.send(b"abcdef");
        assert_eq!(console.transmitter.sent, b"abc");
        assert!(console.transmitter.asked_to_notify);
        console.transmitter.room = 10;
        console.serve(|_| {});
        assert_eq!(console.transmitter.sent, b"abcdef");
        assert!(!console.transmitter.asked_to_notify);
    }

    #[test]
    fn later_bytes_do_not_overtake_waiting_ones() {
        let mut console = console(1);
        console.send(b"ab");
        console.transmitter.room = 10;
        console.send(b"cd");
        console.serve(|_| {});
        assert_eq!(console.transmitter.sent, b"abcd");
    }

    #[test]
    fn a_console_without_transmitter_is_absent() {
        let mut console = Console::without_transmitter();
        assert!(console.as_mut().is_none());
        console.start(Wire {
            room: 100,
            sent: Vec::new(),
            asked_to_notify: false,
        });
        let started = console.as_mut().expect("it has one");
        started.send(b"now");
        assert!(matches!(&started.transmitter, Slot::Some(wire) if wire.sent == b"now"));
        assert_eq!(started.patience, PATIENCE);
    }

    #[test]
    fn output_to_a_blocked_transmitter_is_discarded() {
        let mut console = console(0);
        console.send(&[b'x'; 2 * RING_SIZE]);
        console.flush();
        assert_eq!(console.transmitter.sent, b"");
    }

    #[test]
    fn a_transmitter_that_recovers_gets_the_waiting_bytes() {
        let mut console = console(0);
        console.send(&[b'x'; RING_SIZE + 1]);
        console.transmitter.room = RING_SIZE;
        console.flush();
        assert_eq!(console.transmitter.sent.len(), RING_SIZE);
        assert_eq!(console.patience, PATIENCE);
    }

    #[test]
    fn bytes_keep_their_order_around_the_end_of_the_ring() {
        let mut console = console(0);
        let text: Vec<u8> = (0..RING_SIZE).map(|n| n as u8).collect();
        let mut expected = Vec::new();
        for _ in 0..3 {
            console.send(&text[..RING_SIZE / 2 + 7]);
            expected.extend_from_slice(&text[..RING_SIZE / 2 + 7]);
            console.transmitter.room = usize::MAX;
            console.serve(|_| {});
            console.transmitter.room = 0;
        }
        assert_eq!(console.transmitter.sent, expected);
    }

    #[test]
    fn a_line_ends_in_carriage_return_and_line_feed() {
        let mut console = console(100);
        console.write_str("a\nb").expect("it never refuses");
        assert_eq!(console.transmitter.sent, b"a\r\nb");
    }
}
