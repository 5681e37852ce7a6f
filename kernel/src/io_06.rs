//! Streams for crates that are written against embedded-io-async 0.6.
//!
//! The streams of this crate implement the traits of version 0.7. [`Io06`] implements those of 0.6 for
//! whatever implements those of 0.7: a stream, a reference to one, a half, the terminal, or a TLS connection.
//!
//! ```no_run
//! # async fn serve(kernel: vmos::Kernel) -> vmos::Result<()> {
//! use embedded_io_async_06::{Read, Write};
//! use vmos::io_06::Io06;
//!
//! let listener = kernel.net()?.tcp_listen(7)?;
//! let mut stream = Io06(listener.accept().await?);
//! let mut buffer = [0; 512];
//! let count = stream.read(&mut buffer).await?;
//! stream.write_all(&buffer[..count]).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Needs the feature `embedded-io-async-06`.

use core::fmt;

use embedded_io_async::{Error, ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use embedded_io_async_06 as io_06;

/// A stream of embedded-io-async 0.7 with the traits of 0.6.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Io06<T>(pub T);

/// The error of a stream, with the trait of 0.6.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Error06<E>(pub E);

impl<E: fmt::Display> fmt::Display for Error06<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: Error> core::error::Error for Error06<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.0.source()
    }
}

impl<E: Error> io_06::Error for Error06<E> {
    fn kind(&self) -> io_06::ErrorKind {
        match self.0.kind() {
            ErrorKind::NotFound => io_06::ErrorKind::NotFound,
            ErrorKind::PermissionDenied => io_06::ErrorKind::PermissionDenied,
            ErrorKind::ConnectionRefused => io_06::ErrorKind::ConnectionRefused,
            ErrorKind::ConnectionReset => io_06::ErrorKind::ConnectionReset,
            ErrorKind::ConnectionAborted => io_06::ErrorKind::ConnectionAborted,
            ErrorKind::NotConnected => io_06::ErrorKind::NotConnected,
            ErrorKind::AddrInUse => io_06::ErrorKind::AddrInUse,
            ErrorKind::AddrNotAvailable => io_06::ErrorKind::AddrNotAvailable,
            ErrorKind::BrokenPipe => io_06::ErrorKind::BrokenPipe,
            ErrorKind::AlreadyExists => io_06::ErrorKind::AlreadyExists,
            ErrorKind::InvalidInput => io_06::ErrorKind::InvalidInput,
            ErrorKind::InvalidData => io_06::ErrorKind::InvalidData,
            ErrorKind::TimedOut => io_06::ErrorKind::TimedOut,
            ErrorKind::Interrupted => io_06::ErrorKind::Interrupted,
            ErrorKind::Unsupported => io_06::ErrorKind::Unsupported,
            ErrorKind::OutOfMemory => io_06::ErrorKind::OutOfMemory,
            ErrorKind::WriteZero => io_06::ErrorKind::WriteZero,
            // 0.7 may get kinds that 0.6 does not have.
            _ => io_06::ErrorKind::Other,
        }
    }
}

impl<T: ErrorType> io_06::ErrorType for Io06<T> {
    type Error = Error06<T::Error>;
}

impl<T: Read> io_06::Read for Io06<T> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        self.0.read(buffer).await.map_err(Error06)
    }
}

impl<T: Write> io_06::Write for Io06<T> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        self.0.write(bytes).await.map_err(Error06)
    }

    async fn flush(&mut self) -> Result<(), Self::Error> {
        self.0.flush().await.map_err(Error06)
    }
}

impl<T: ReadReady> io_06::ReadReady for Io06<T> {
    fn read_ready(&mut self) -> Result<bool, Self::Error> {
        self.0.read_ready().map_err(Error06)
    }
}

impl<T: WriteReady> io_06::WriteReady for Io06<T> {
    fn write_ready(&mut self) -> Result<bool, Self::Error> {
        self.0.write_ready().map_err(Error06)
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use embassy_futures::block_on;
    use embedded_io_async_06::{Error as _, Read as _, Write as _};

    use super::*;

    #[test]
    fn bytes_pass_in_both_directions() {
        let mut source = Io06(&b"hello"[..]);
        let mut read = [0; 3];
        block_on(source.read_exact(&mut read)).unwrap();
        assert_eq!((&read, source.0), (b"hel", &b"lo"[..]));

        let mut room = [0; 4];
        let mut sink = Io06(&mut room[..]);
        block_on(sink.write_all(b"hey")).unwrap();
        block_on(sink.flush()).unwrap();
        assert_eq!(&room, b"hey\0");
    }

    #[test]
    fn an_error_keeps_its_kind_and_its_text() {
        let mut room = [0; 2];
        let refused = block_on(Io06(&mut room[..]).write_all(b"hey")).unwrap_err();
        assert_eq!(refused.kind(), io_06::ErrorKind::WriteZero);
        for kind in [
            ErrorKind::TimedOut,
            ErrorKind::ConnectionReset,
            ErrorKind::Other,
        ] {
            let error = Error06(kind);
            assert_eq!(format!("{:?}", error.kind()), format!("{kind:?}"));
            assert_eq!(format!("{error}"), format!("{kind}"));
        }
    }
}
