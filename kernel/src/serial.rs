//! Streams of bytes between the machine and its host, over a virtio console device with ports.
//!
//! A port has a name, which the machine's configuration gives it:
//!
//! ```text
//! -device virtio-serial-device -chardev socket,path=log.sock,server=on,wait=off,id=log
//! -device virtserialport,chardev=log,name=log
//! ```
//!
//! ```no_run
//! # async fn log(kernel: vmos::Kernel) -> vmos::Result<()> {
//! use embedded_io_async::Write;
//!
//! let mut port = kernel.serial_port("log").await?;
//! port.write_all(b"hello\n").await?;
//! # Ok(())
//! # }
//! ```
//!
//! There are no packets, and no bytes are lost: the host cannot send more than there is memory for,
//! and a write waits for a host that does not read. Needs the feature `virtio-console`.

use alloc::string::String;
use core::fmt;
use core::future::poll_fn;
use core::task::Poll;

use embedded_io_async::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use vmos_drivers::virtio::console::{Console, Facts};

use crate::driver_cell::DriverCell;
use crate::machine::Transport;

pub use vmos_drivers::virtio::console::{LONGEST_NAME, MOST_PORTS};

/// A driver, shared by the event loop and the handles.
pub(crate) type Shared = DriverCell<Console<Transport>>;

/// A port as the machine's configuration describes it, and its state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PortState {
    /// The name, at most [`LONGEST_NAME`] bytes; empty if the port has none.
    pub name: String,
    /// Whether it is meant for a console (QEMU's `virtconsole`).
    pub is_console: bool,
    /// Whether something on the host has the other end open.
    pub is_connected: bool,
}

impl From<&Facts> for PortState {
    fn from(facts: &Facts) -> Self {
        Self {
            name: facts.name.clone(),
            is_console: facts.is_console,
            is_connected: facts.is_connected,
        }
    }
}

/// The reason why a port cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SerialError {
    /// The machine has no console device, or it failed to start.
    Absent,
    /// Another task has the port with this name.
    Taken(String),
    /// The device failed, or the port was removed.
    Device(vmos_drivers::virtio::console::Error),
}

impl fmt::Display for SerialError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str(
                "there is no virtio console on this machine: add one with `--serial NAME=SOCKET`",
            ),
            Self::Taken(name) => write!(f, "the port `{name}` is in use: drop its handle first"),
            Self::Device(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SerialError {}

impl embedded_io_async::Error for SerialError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Absent => ErrorKind::NotFound,
            Self::Taken(_) => ErrorKind::AddrInUse,
            Self::Device(_) => ErrorKind::ConnectionReset,
        }
    }
}

/// Finds the port with a name and opens it. Waits until a device has it: devices report their ports
/// only some time after boot.
pub(crate) async fn open(
    consoles: &[&'static Shared],
    name: &str,
) -> Result<SerialPort, SerialError> {
    if consoles.is_empty() {
        return Err(SerialError::Absent);
    }
    let (driver, number) = poll_fn(|context| {
        let found = consoles.iter().find_map(|driver| {
            match driver.borrow_mut().poll_find(name, context.waker()) {
                Poll::Ready(number) => Some((*driver, number)),
                Poll::Pending => None,
            }
        });
        found.map_or(Poll::Pending, Poll::Ready)
    })
    .await;
    if !driver.borrow_mut().open(number) {
        return Err(SerialError::Taken(name.into()));
    }
    Ok(SerialPort { driver, number })
}

/// One end of a stream of bytes; the other one is on the host. Dropping it closes this end.
///
/// Reading and writing works through `&SerialPort` too, so that one task can do both. Two tasks
/// must not wait for the same direction.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// use embedded_io_async::{Read, Write};
///
/// let mut port = kernel.serial_port("echo").await?;
/// let mut buffer = [0; 64];
/// let count = port.read(&mut buffer).await?;
/// port.write_all(&buffer[..count]).await?;
/// # Ok(())
/// # }
/// ```
pub struct SerialPort {
    driver: &'static Shared,
    number: u16,
}

impl fmt::Debug for SerialPort {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "serial port {}", self.number)
    }
}

impl SerialPort {
    /// Waits until something on the host has opened the other end.
    ///
    /// # Errors
    ///
    /// Returns [`SerialError`] if the device failed or the port was removed.
    pub async fn connected(&self) -> Result<(), SerialError> {
        poll_fn(|context| {
            let mut driver = self.driver.borrow_mut();
            driver.poll_connected(self.number, context.waker())
        })
        .await
        .map_err(SerialError::Device)
    }
}

impl Drop for SerialPort {
    fn drop(&mut self) {
        self.driver.borrow_mut().close(self.number);
    }
}

macro_rules! streams {
    ($($name:ty),*) => {$(
        impl ErrorType for $name {
            type Error = SerialError;
        }

        impl Read for $name {
            /// Returns 0 once when the other end was closed; the next call waits until it is opened
            /// again.
            async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SerialError> {
                if buffer.is_empty() {
                    return Ok(0);
                }
                let read = poll_fn(|context| {
                    let mut driver = self.driver.borrow_mut();
                    driver.poll_read(self.number, buffer, context.waker())
                });
                read.await.map_err(SerialError::Device)
            }
        }

        impl ReadReady for $name {
            fn read_ready(&mut self) -> Result<bool, SerialError> {
                let is_readable = self.driver.borrow_mut().is_readable(self.number);
                is_readable.map_err(SerialError::Device)
            }
        }

        impl Write for $name {
            /// Waits until the other end is open and there is room.
            async fn write(&mut self, bytes: &[u8]) -> Result<usize, SerialError> {
                let write = poll_fn(|context| {
                    let mut driver = self.driver.borrow_mut();
                    driver.poll_write(self.number, bytes, context.waker())
                });
                write.await.map_err(SerialError::Device)
            }

            /// Waits until the host has taken everything that was written.
            async fn flush(&mut self) -> Result<(), SerialError> {
                let flush = poll_fn(|context| {
                    let mut driver = self.driver.borrow_mut();
                    driver.poll_flush(self.number, context.waker())
                });
                flush.await.map_err(SerialError::Device)
            }
        }

        impl WriteReady for $name {
            fn write_ready(&mut self) -> Result<bool, SerialError> {
                let is_writable = self.driver.borrow_mut().is_writable(self.number);
                is_writable.map_err(SerialError::Device)
            }
        }
    )*};
}

streams!(SerialPort, &SerialPort);
