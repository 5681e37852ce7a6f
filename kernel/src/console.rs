//! The console: bytes go to the transmitter as fast as it takes them, and wait in a ring when it
//! does not. A burst of log lines therefore costs no waiting, and none is lost: only when the ring
//! is full too does a writer wait for the transmitter. A transmitter that takes nothing for a long
//! time is given up until it takes something again, so that one that is not there, where the board
//! file is wrong, cannot hold everything up.
//!
//! What is typed reaches an app through its [`Terminal`].

mod terminal;

use core::cell::RefCell;
use core::fmt::{self, Write};

use critical_section::Mutex;
use vmos_drivers::console::Console as Transmitter;

pub use terminal::{CONSOLE_INPUT, Terminal, TerminalError, TerminalReader, TerminalWriter};

/// Hears of each byte that the console received, and with none that it has sent some.
pub(crate) type Listener = fn(Option<u8>);

/// How many bytes may wait for the transmitter.
const RING_SIZE: usize = 8192;

/// How often to look in vain whether the transmitter takes a byte before it is given up: some
/// seconds, and one byte is sent in a few milliseconds on the slowest line.
const PATIENCE: usize = if cfg!(test) { 1000 } else { 20_000_000 };

/// A console with the bytes that its transmitter has not taken yet.
pub(crate) struct Console<T> {
    transmitter: T,
    ring: [u8; RING_SIZE],
    /// Where the next byte is read; counts on without wrapping to the ring's size.
    read: usize,
    /// Where the next byte is written.
    written: usize,
    /// How often it may still take nothing.
    patience: usize,
}

impl<T: Transmitter> Console<T> {
    pub(crate) const fn new(transmitter: T) -> Self {
        Self::of(transmitter, PATIENCE)
    }

    const fn of(transmitter: T, patience: usize) -> Self {
        Self {
            transmitter,
            ring: [0; RING_SIZE],
            read: 0,
            written: 0,
            patience,
        }
    }

    /// Sends `bytes`, after all that was sent before.
    pub(crate) fn send(&mut self, mut bytes: &[u8]) {
        if self.read == self.written {
            let taken = self.transmitter.write(bytes);
            bytes = &bytes[taken..];
        }
        for &byte in bytes {
            while self.written - self.read == RING_SIZE {
                if !self.drain_patiently() {
                    return;
                }
            }
            self.ring[self.written % RING_SIZE] = byte;
            self.written += 1;
        }
        if self.read != self.written {
            self.transmitter.notify_when_writable(true);
        }
    }

    /// Sends as many of `bytes` as there is room for, after all that was sent before; returns how many.
    pub(crate) fn send_some(&mut self, bytes: &[u8]) -> usize {
        self.drain();
        let count = bytes.len().min(RING_SIZE - (self.written - self.read));
        self.send(&bytes[..count]);
        count
    }

    /// Whether nothing waits for the transmitter.
    pub(crate) fn is_empty(&self) -> bool {
        self.read == self.written
    }

    /// The transmitter raised its interrupt: gives it what waits, and tells `listener` of each byte that
    /// was received and, at the end, of those that were sent.
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

    /// Waits until everything was sent, or the transmitter is given up.
    pub(crate) fn flush(&mut self) {
        while self.read != self.written && self.drain_patiently() {}
    }

    /// Whether to go on: the transmitter took something, or may still.
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
            let start = self.read % RING_SIZE;
            let end = RING_SIZE.min(start + (self.written - self.read));
            let taken = self.transmitter.write(&self.ring[start..end]);
            if taken == 0 {
                break;
            }
            self.read += taken;
            self.patience = PATIENCE;
        }
    }
}

impl<T: Transmitter> Write for Console<T> {
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

/// The board's console: it has a transmitter from when it is started on.
pub(crate) type Shared<T> = Mutex<RefCell<Console<Slot<T>>>>;

/// An `Option` whose `None` is 0, so that a console without a transmitter is all zeros and its ring
/// is in `.bss`. Where an `Option` puts its mark in a niche of the driver's that is another number,
/// the ring would be 8 KiB of the image. The transmitter is put into its place alone: with its ring
/// a console would be copied there, byte by byte while the MMU is off.
#[repr(u8)]
pub(crate) enum Slot<T> {
    None = 0,
    Some(T) = 1,
}

impl<T: Transmitter> Console<Slot<T>> {
    /// A console without a transmitter, and with nothing to send.
    pub(crate) const fn without_transmitter() -> Self {
        Self::of(Slot::None, 0)
    }

    /// Gives it its transmitter.
    pub(crate) fn start(&mut self, transmitter: T) {
        self.transmitter = Slot::Some(transmitter);
        self.patience = PATIENCE;
    }

    /// The console, if it has a transmitter.
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

/// Writes `arguments` to the console, as they are.
///
/// This is what [`println!`](crate::println) expands to.
pub fn print(arguments: fmt::Arguments<'_>) {
    crate::machine::with_console(|console| {
        // The console never refuses a byte.
        let _ = console.write_fmt(arguments);
    });
}

/// Writes a line to the console: for an app that speaks to a person. What the system does belongs
/// in the log.
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

    /// A transmitter with room for `room` bytes at a time.
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
        Console::new(Wire {
            room,
            sent: Vec::new(),
            asked_to_notify: false,
        })
    }

    #[test]
    fn what_the_transmitter_takes_at_once_does_not_wait() {
        let mut console = console(100);
        console.send(b"at once");
        assert_eq!(console.transmitter.sent, b"at once");
        assert!(!console.transmitter.asked_to_notify);
    }

    #[test]
    fn what_it_does_not_take_waits_for_its_interrupt() {
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
    fn a_console_is_none_before_it_has_a_transmitter() {
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
    fn a_transmitter_that_takes_nothing_is_given_up() {
        let mut console = console(0);
        console.send(&[b'x'; 2 * RING_SIZE]);
        console.flush();
        assert_eq!(console.transmitter.sent, b"");
    }

    #[test]
    fn one_that_takes_something_again_gets_what_waited() {
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
