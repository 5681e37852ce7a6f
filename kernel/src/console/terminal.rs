//! The console, for apps that read and write it.

use alloc::boxed::Box;
use core::cell::{Cell, RefCell};
use core::convert::Infallible;
use core::fmt;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};

use critical_section::Mutex;
use embedded_io_async::{ErrorType, Read, ReadReady, Write, WriteReady};

use crate::machine;

/// The capacity of the input, in bytes. Further bytes are dropped and counted.
pub const CONSOLE_INPUT: usize = 1024;

/// Input that has not been read yet.
struct Input {
    /// The ring buffer, allocated when a terminal is opened.
    ring: RefCell<Option<Box<Ring>>>,
    /// Whether a [`Terminal`] is open.
    is_taken: Cell<bool>,
    reader: Cell<Option<Waker>>,
    writer: Cell<Option<Waker>>,
}

static INPUT: Mutex<Input> = Mutex::new(Input {
    ring: RefCell::new(None),
    is_taken: Cell::new(false),
    reader: Cell::new(None),
    writer: Cell::new(None),
});

struct Ring {
    bytes: [u8; CONSOLE_INPUT],
    /// The position of the next byte to be read; not reduced to the size of the ring.
    read: usize,
    /// The position of the next byte to be written.
    written: usize,
    overruns: u64,
}

impl Ring {
    const fn new() -> Self {
        Self {
            bytes: [0; CONSOLE_INPUT],
            read: 0,
            written: 0,
            overruns: 0,
        }
    }

    fn push(&mut self, byte: u8) {
        if self.written - self.read == CONSOLE_INPUT {
            self.overruns += 1;
            return;
        }
        self.bytes[self.written % CONSOLE_INPUT] = byte;
        self.written += 1;
    }

    fn pop(&mut self, room: &mut [u8]) -> usize {
        let mut count = 0;
        for byte in room.iter_mut() {
            if self.read == self.written {
                break;
            }
            *byte = self.bytes[self.read % CONSOLE_INPUT];
            self.read += 1;
            count += 1;
        }
        count
    }
}

/// Takes a received byte, or wakes the task that waits to write.
fn listen(byte: Option<u8>) {
    critical_section::with(|cs| {
        let input = INPUT.borrow(cs);
        let sleeper = match (byte, &mut *input.ring.borrow_mut()) {
            (Some(byte), Some(ring)) => {
                ring.push(byte);
                &input.reader
            }
            (Some(_), None) => return,
            (None, _) => &input.writer,
        };
        if let Some(waker) = sleeper.take() {
            waker.wake();
        }
    });
}

/// The reason why the terminal cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalError {
    /// Another task has opened the terminal.
    Taken,
    /// The board's console has no interrupt, so input would not be noticed.
    NoInterrupt,
}

impl fmt::Display for TerminalError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Taken => "another task has opened the console's terminal; drop it there first",
            Self::NoInterrupt => {
                "the console has no interrupt, so input would not be noticed: see `interrupt` of \
                 [console] in the board file"
            }
        })
    }
}

impl core::error::Error for TerminalError {}

/// The console as a stream of bytes: nothing is echoed, and line ends are not converted. Only one
/// can be open.
///
/// From when it is opened, up to [`CONSOLE_INPUT`] bytes wait to be read; further bytes are dropped
/// and [counted](Self::overruns). Output appears between the lines of the log.
///
/// ```no_run
/// use embedded_io_async::{Read, Write};
/// use vmos::Result;
/// use vmos::console::Terminal;
///
/// async fn echo() -> Result<()> {
///     let mut terminal = Terminal::open()?;
///     let mut byte = [0];
///     while terminal.read(&mut byte).await? > 0 {
///         terminal.write_all(&byte).await?;
///     }
///     Ok(())
/// }
/// ```
pub struct Terminal(());

/// The input side of a [`Terminal`].
pub struct TerminalReader<'a> {
    _terminal: &'a Terminal,
}

/// The output side of a [`Terminal`].
pub struct TerminalWriter<'a> {
    _terminal: &'a Terminal,
}

impl Terminal {
    /// Opens the console. Dropping the terminal closes it and discards unread input.
    ///
    /// # Errors
    ///
    /// If another task has it open, or the board's console has no interrupt.
    pub fn open() -> Result<Self, TerminalError> {
        critical_section::with(|cs| {
            let input = INPUT.borrow(cs);
            if input.is_taken.get() {
                return Err(TerminalError::Taken);
            }
            if !machine::listen_to_console(listen) {
                return Err(TerminalError::NoInterrupt);
            }
            let ring = &mut *input.ring.borrow_mut();
            ring.get_or_insert_with(|| Box::new(Ring::new()));
            input.is_taken.set(true);
            Ok(Self(()))
        })
    }

    /// Returns the number of bytes dropped because the input was full.
    #[must_use]
    pub fn overruns(&self) -> u64 {
        with_ring(|ring| ring.overruns)
    }

    /// Splits the terminal into its two directions, for two parts of a task.
    pub fn split(&mut self) -> (TerminalReader<'_>, TerminalWriter<'_>) {
        let _terminal = &*self;
        (TerminalReader { _terminal }, TerminalWriter { _terminal })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        critical_section::with(|cs| INPUT.borrow(cs).is_taken.set(false));
    }
}

fn with_ring<R: Default>(act: impl FnOnce(&mut Ring) -> R) -> R {
    critical_section::with(|cs| {
        let ring = &mut *INPUT.borrow(cs).ring.borrow_mut();
        ring.as_mut().map_or_else(R::default, |ring| act(ring))
    })
}

fn poll_read(context: &Context<'_>, room: &mut [u8]) -> Poll<Result<usize, Infallible>> {
    if room.is_empty() {
        return Poll::Ready(Ok(0));
    }
    match with_ring(|ring| ring.pop(room)) {
        0 => {
            let waker = context.waker().clone();
            critical_section::with(|cs| INPUT.borrow(cs).reader.set(Some(waker)));
            Poll::Pending
        }
        count => Poll::Ready(Ok(count)),
    }
}

/// Registers the task to be woken when the console has sent bytes.
fn sleep_writer(context: &Context<'_>) {
    let waker = context.waker().clone();
    critical_section::with(|cs| INPUT.borrow(cs).writer.set(Some(waker)));
}

fn poll_write(context: &Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Infallible>> {
    match machine::send_to_console(bytes) {
        0 if !bytes.is_empty() => {
            sleep_writer(context);
            Poll::Pending
        }
        count => Poll::Ready(Ok(count)),
    }
}

fn poll_flush(context: &Context<'_>) -> Poll<Result<(), Infallible>> {
    if machine::console_is_idle() {
        return Poll::Ready(Ok(()));
    }
    sleep_writer(context);
    Poll::Pending
}

macro_rules! errors {
    ($($name:ty),*) => {$(
        impl ErrorType for $name {
            type Error = Infallible;
        }
    )*};
}

macro_rules! reads {
    ($($name:ty),*) => {$(
        impl Read for $name {
            async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
                poll_fn(|context| poll_read(context, buffer)).await
            }
        }

        impl ReadReady for $name {
            fn read_ready(&mut self) -> Result<bool, Infallible> {
                Ok(with_ring(|ring| ring.read != ring.written))
            }
        }
    )*};
}

macro_rules! writes {
    ($($name:ty),*) => {$(
        impl Write for $name {
            async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
                poll_fn(|context| poll_write(context, bytes)).await
            }

            /// Waits until the console's transmitter has accepted everything.
            async fn flush(&mut self) -> Result<(), Infallible> {
                poll_fn(|context| poll_flush(context)).await
            }
        }

        impl WriteReady for $name {
            fn write_ready(&mut self) -> Result<bool, Infallible> {
                Ok(machine::console_is_idle())
            }
        }
    )*};
}

errors!(Terminal, TerminalReader<'_>, TerminalWriter<'_>);
reads!(Terminal, TerminalReader<'_>);
writes!(Terminal, TerminalWriter<'_>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_in_order_and_lost_ones_counted() {
        let mut ring = Ring::new();
        for n in 0..CONSOLE_INPUT + 5 {
            ring.push(n as u8);
        }
        assert_eq!(ring.overruns, 5);
        let mut room = [0; CONSOLE_INPUT + 1];
        assert_eq!(ring.pop(&mut room[..3]), 3);
        assert_eq!(room[..3], [0, 1, 2]);
        ring.push(77);
        assert_eq!(ring.pop(&mut room), CONSOLE_INPUT - 2);
        assert_eq!(room[CONSOLE_INPUT - 3], 77);
        assert_eq!(ring.pop(&mut room), 0);
    }

    #[test]
    fn input_is_dropped_while_no_terminal_is_open() {
        listen(Some(b'x'));
        let terminal = Terminal::open();
        assert!(terminal.is_ok());
        assert_eq!(with_ring(|ring| ring.written), 0);
        assert_eq!(Terminal::open().err(), Some(TerminalError::Taken));
    }
}
