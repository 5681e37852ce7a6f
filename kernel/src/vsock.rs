//! Streams between the machine and its host over a virtio socket device, without a network.
//!
//! A stream connects two ports, like TCP, but the machines are numbered: 2 is the host. No bytes
//! are lost or reordered, and the sender waits for a receiver that does not read.
//!
//! ```no_run
//! # async fn echo(kernel: vmos::Kernel) -> vmos::Result<()> {
//! use embedded_io_async::{Read, Write};
//!
//! let listener = kernel.vsock()?.listen(7)?;
//! let (mut stream, peer) = listener.accept().await;
//! vmos::println!("machine {} has connected", peer.cid);
//! let mut buffer = [0; 512];
//! let count = stream.read(&mut buffer).await?;
//! stream.write_all(&buffer[..count]).await?;
//! # Ok(())
//! # }
//! ```
//!
//! There can be [`MOST_CONNECTIONS`] streams with 16 KiB of memory each, and [`MOST_LISTENERS`]
//! listeners, each with up to [`BACKLOG`] connections that were not accepted yet; more are refused.
//! Needs the feature `virtio-vsock`.

use core::fmt;
use core::future::poll_fn;

use embedded_io_async::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use vmos_drivers::virtio::vsock::{Error, Handle, Vsock as Driver};

use crate::driver_cell::DriverCell;
use crate::machine::Transport;
use crate::time::{Duration, with_timeout};

pub use vmos_drivers::virtio::vsock::{
    Address, BACKLOG, HOST, MOST_CONNECTIONS, MOST_LISTENERS, RECEIVE_BUFFER,
};

/// The driver, shared by the event loop and the handles.
pub(crate) type Shared = DriverCell<Driver<Transport>>;

/// The time within which a peer must answer a request to connect.
const LIMIT: Duration = Duration::from_secs(5);

/// The reason why a stream failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VsockError {
    /// The peer did not answer a request to connect within 5 s.
    TimedOut,
    /// The device or the peer reports an error.
    Device(Error),
}

impl fmt::Display for VsockError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("the peer did not answer within 5 s"),
            Self::Device(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for VsockError {}

impl embedded_io_async::Error for VsockError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TimedOut => ErrorKind::TimedOut,
            Self::Device(Error::Refused) => ErrorKind::ConnectionRefused,
            Self::Device(Error::Closed) => ErrorKind::BrokenPipe,
            Self::Device(Error::PortTaken(_)) => ErrorKind::AddrInUse,
            Self::Device(Error::TooMany | Error::OutOfMemory) => ErrorKind::OutOfMemory,
            Self::Device(Error::Reset | Error::DeviceReset(_)) => ErrorKind::ConnectionReset,
        }
    }
}

impl From<Error> for VsockError {
    fn from(error: Error) -> Self {
        Self::Device(error)
    }
}

/// A handle of the socket device. All copies refer to the same device.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// use vmos::vsock::{Address, HOST};
///
/// let vsock = kernel.vsock()?;
/// vmos::println!("this is machine {}", vsock.cid());
/// let stream = vsock.connect(Address { cid: HOST, port: 1234 }).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Vsock {
    driver: &'static Shared,
}

impl Vsock {
    pub(crate) fn new(driver: &'static Shared) -> Self {
        Self { driver }
    }

    /// Returns the number of this machine.
    #[must_use]
    pub fn cid(&self) -> u64 {
        self.driver.borrow().cid()
    }

    /// Accepts connections to `port` until the listener is dropped.
    ///
    /// # Errors
    ///
    /// Returns [`VsockError`] if the port is in use, or if there are too many listeners.
    pub fn listen(&self, port: u32) -> Result<VsockListener, VsockError> {
        self.driver.borrow_mut().listen(port)?;
        let driver = self.driver;
        Ok(VsockListener { driver, port })
    }

    /// Connects to a port of another machine, such as the [host](HOST).
    ///
    /// # Errors
    ///
    /// Returns [`VsockError`] if the peer refuses or does not answer within 5 s, or if there are too
    /// many connections.
    pub async fn connect(&self, peer: Address) -> Result<VsockStream, VsockError> {
        let handle = self.driver.borrow_mut().connect(peer)?;
        let driver = self.driver;
        let stream = VsockStream { driver, handle };
        let connected = poll_fn(|context| {
            let mut driver = driver.borrow_mut();
            driver.poll_connected(handle, context.waker())
        });
        match with_timeout(LIMIT, connected).await {
            Ok(connected) => connected?,
            Err(_) => return Err(VsockError::TimedOut),
        }
        Ok(stream)
    }
}

/// A port that accepts connections. Dropping it refuses those that were not accepted.
///
/// Only one task at a time can wait to accept.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let listener = kernel.vsock()?.listen(7)?;
/// let (stream, peer) = listener.accept().await;
/// vmos::println!("machine {} has connected", peer.cid);
/// # Ok(())
/// # }
/// ```
pub struct VsockListener {
    driver: &'static Shared,
    port: u32,
}

impl VsockListener {
    /// Waits for the next connection. Returns it and its peer.
    pub async fn accept(&self) -> (VsockStream, Address) {
        let driver = self.driver;
        let accepted = poll_fn(|context| {
            let mut driver = driver.borrow_mut();
            driver.poll_accept(self.port, context.waker())
        });
        let (handle, peer) = accepted.await;
        (VsockStream { driver, handle }, peer)
    }
}

impl Drop for VsockListener {
    fn drop(&mut self) {
        self.driver.borrow_mut().stop_listening(self.port);
    }
}

/// A stream of bytes to another machine. Dropping it closes it; what was written still arrives.
///
/// Reading and writing works through `&VsockStream` too, so that one task can do both. Two tasks
/// must not wait for the same direction.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// use embedded_io_async::Write;
/// use vmos::vsock::{Address, HOST};
///
/// let address = Address { cid: HOST, port: 1234 };
/// let mut stream = kernel.vsock()?.connect(address).await?;
/// stream.write_all(b"hello").await?;
/// # Ok(())
/// # }
/// ```
pub struct VsockStream {
    driver: &'static Shared,
    handle: Handle,
}

impl Drop for VsockStream {
    fn drop(&mut self) {
        self.driver.borrow_mut().close(self.handle);
    }
}

macro_rules! streams {
    ($($name:ty),*) => {$(
        impl ErrorType for $name {
            type Error = VsockError;
        }

        impl Read for $name {
            /// Returns 0 when the peer sends no more.
            async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, VsockError> {
                let read = poll_fn(|context| {
                    let mut driver = self.driver.borrow_mut();
                    driver.poll_read(self.handle, buffer, context.waker())
                });
                Ok(read.await?)
            }
        }

        impl ReadReady for $name {
            fn read_ready(&mut self) -> Result<bool, VsockError> {
                Ok(self.driver.borrow_mut().is_readable(self.handle)?)
            }
        }

        impl Write for $name {
            async fn write(&mut self, bytes: &[u8]) -> Result<usize, VsockError> {
                let write = poll_fn(|context| {
                    let mut driver = self.driver.borrow_mut();
                    driver.poll_write(self.handle, bytes, context.waker())
                });
                Ok(write.await?)
            }

            /// Waits until the device has taken everything that was written.
            async fn flush(&mut self) -> Result<(), VsockError> {
                let flush = poll_fn(|context| {
                    let mut driver = self.driver.borrow_mut();
                    driver.poll_flush(self.handle, context.waker())
                });
                Ok(flush.await?)
            }
        }

        impl WriteReady for $name {
            fn write_ready(&mut self) -> Result<bool, VsockError> {
                Ok(self.driver.borrow_mut().is_writable(self.handle)?)
            }
        }
    )*};
}

streams!(VsockStream, &VsockStream);
