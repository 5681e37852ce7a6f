//! The two directions of a connection, for two tasks or two parts of one.

use alloc::rc::Rc;
use core::fmt;

use super::stream::TcpStream;

/// The reading half of a [split](TcpStream::split) connection.
///
/// ```no_run
/// # async fn example(mut stream: vmos::net::TcpStream) -> vmos::Result<()> {
/// use embedded_io_async::Read;
///
/// let (mut reader, _writer) = stream.split();
/// let mut buffer = [0; 64];
/// let count = reader.read(&mut buffer).await?;
/// # Ok(())
/// # }
/// ```
pub struct TcpReader<'a> {
    pub(super) stream: &'a TcpStream,
}

/// The writing half of a [split](TcpStream::split) connection.
///
/// ```no_run
/// # async fn example(mut stream: vmos::net::TcpStream) -> vmos::Result<()> {
/// use embedded_io_async::Write;
///
/// let (_reader, mut writer) = stream.split();
/// writer.write_all(b"hello").await?;
/// # Ok(())
/// # }
/// ```
pub struct TcpWriter<'a> {
    pub(super) stream: &'a TcpStream,
}

/// The reading half of a connection that was [split](TcpStream::into_split) into owned halves.
/// Dropping it does not affect the other half; data that still arrives is kept until the window is
/// full.
///
/// ```no_run
/// use embedded_io_async::Read;
/// use vmos::net::OwnedTcpReader;
///
/// /// Counts what arrives, while another task writes.
/// #[vmos::task]
/// async fn count(mut reader: OwnedTcpReader) {
///     let (mut buffer, mut total) = ([0; 512], 0);
///     while let Ok(length @ 1..) = reader.read(&mut buffer).await {
///         total += length;
///     }
///     vmos::println!("{total} bytes");
/// }
///
/// # async fn example(stream: vmos::net::TcpStream, spawner: vmos::Spawner) -> vmos::Result<()> {
/// let (reader, writer) = stream.into_split();
/// spawner.spawn(count(reader)?);
/// # Ok(())
/// # }
/// ```
pub struct OwnedTcpReader {
    pub(super) stream: Rc<TcpStream>,
}

/// The writing half of a connection that was [split](TcpStream::into_split) into owned halves.
/// Dropping it shuts down the writing side.
///
/// ```no_run
/// # async fn example(stream: vmos::net::TcpStream) -> vmos::Result<()> {
/// use embedded_io_async::Write;
///
/// let (reader, mut writer) = stream.into_split();
/// writer.write_all(b"that was all").await?;
/// // The peer reads the end of the stream; this side can still read.
/// drop(writer);
/// # Ok(())
/// # }
/// ```
pub struct OwnedTcpWriter {
    pub(super) stream: Rc<TcpStream>,
    /// Whether dropping the half shuts down the writing side.
    ends: bool,
}

/// The halves belong to two connections.
pub struct NotOne(
    /// The reading half of one connection.
    pub OwnedTcpReader,
    /// The writing half of another connection.
    pub OwnedTcpWriter,
);

impl TcpStream {
    /// Splits the connection into its two directions, for two parts of a task that wait
    /// independently.
    ///
    /// ```
    /// use embassy_futures::select::select;
    /// use embedded_io_async::{Read, Write};
    /// use vmos::net::{TcpError, TcpStream};
    ///
    /// /// Copies data both ways until one side ends.
    /// async fn relay(mut one: TcpStream, mut other: TcpStream) {
    ///     let (mut from_one, mut to_one) = one.split();
    ///     let (mut from_other, mut to_other) = other.split();
    ///     let there = copy(&mut from_one, &mut to_other);
    ///     let back = copy(&mut from_other, &mut to_one);
    ///     select(there, back).await;
    /// }
    ///
    /// async fn copy<E>(
    ///     from: &mut impl Read<Error = E>,
    ///     to: &mut impl Write<Error = E>,
    /// ) -> Result<(), E> {
    ///     let mut piece = [0; 512];
    ///     loop {
    ///         match from.read(&mut piece).await? {
    ///             0 => return Ok(()),
    ///             length => to.write_all(&piece[..length]).await?,
    ///         }
    ///     }
    /// }
    /// ```
    pub fn split(&mut self) -> (TcpReader<'_>, TcpWriter<'_>) {
        (TcpReader { stream: self }, TcpWriter { stream: self })
    }

    /// Splits the connection for two tasks. Dropping the second half drops the connection.
    pub fn into_split(self) -> (OwnedTcpReader, OwnedTcpWriter) {
        let stream = Rc::new(self);
        let reader = OwnedTcpReader {
            stream: Rc::clone(&stream),
        };
        (reader, OwnedTcpWriter { stream, ends: true })
    }
}

impl OwnedTcpReader {
    /// Joins the two halves of a connection.
    ///
    /// # Errors
    ///
    /// Returns the halves if they belong to two connections.
    pub fn reunite(self, mut writer: OwnedTcpWriter) -> Result<TcpStream, NotOne> {
        if !Rc::ptr_eq(&self.stream, &writer.stream) {
            return Err(NotOne(self, writer));
        }
        writer.ends = false;
        drop(writer);
        match Rc::try_unwrap(self.stream) {
            Ok(stream) => Ok(stream),
            Err(_) => panic!("a connection has more than two halves"),
        }
    }
}

impl Drop for OwnedTcpWriter {
    fn drop(&mut self) {
        if self.ends {
            self.stream.shut_down();
        }
    }
}

impl AsRef<Self> for TcpStream {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl AsRef<TcpStream> for TcpReader<'_> {
    fn as_ref(&self) -> &TcpStream {
        self.stream
    }
}

impl AsRef<TcpStream> for TcpWriter<'_> {
    fn as_ref(&self) -> &TcpStream {
        self.stream
    }
}

impl AsRef<TcpStream> for OwnedTcpReader {
    fn as_ref(&self) -> &TcpStream {
        &self.stream
    }
}

impl AsRef<TcpStream> for OwnedTcpWriter {
    fn as_ref(&self) -> &TcpStream {
        &self.stream
    }
}

impl fmt::Debug for NotOne {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for NotOne {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves belong to two connections")
    }
}

impl core::error::Error for NotOne {}
