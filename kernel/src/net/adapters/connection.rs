//! A TCP connection with one error type for all operations.

use embedded_io_async::{ErrorType, Read, ReadReady, Write, WriteReady};

use super::error::NetError;
use crate::net::{TcpReader, TcpStream, TcpWriter};

/// A [`TcpStream`] for crates that are generic over traits: connecting, reading and writing have
/// the same error type.
pub struct Connection(
    /// The wrapped TCP stream.
    pub TcpStream,
);

/// The reading half of a [`Connection`].
pub struct Reading<'a>(
    /// The wrapped reading half.
    pub TcpReader<'a>,
);

/// The writing half of a [`Connection`].
pub struct Writing<'a>(
    /// The wrapped writing half.
    pub TcpWriter<'a>,
);

macro_rules! reads {
    ($($name:ty),*) => {$(
        impl Read for $name {
            async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, NetError> {
                Ok(self.0.read(buffer).await?)
            }
        }

        impl ReadReady for $name {
            fn read_ready(&mut self) -> Result<bool, NetError> {
                Ok(self.0.read_ready()?)
            }
        }
    )*};
}

macro_rules! writes {
    ($($name:ty),*) => {$(
        impl Write for $name {
            async fn write(&mut self, bytes: &[u8]) -> Result<usize, NetError> {
                Ok(self.0.write(bytes).await?)
            }

            async fn flush(&mut self) -> Result<(), NetError> {
                Ok(self.0.flush().await?)
            }
        }

        impl WriteReady for $name {
            fn write_ready(&mut self) -> Result<bool, NetError> {
                Ok(self.0.write_ready()?)
            }
        }
    )*};
}

macro_rules! errors {
    ($($name:ty),*) => {$(
        impl ErrorType for $name {
            type Error = NetError;
        }
    )*};
}

errors!(Connection, Reading<'_>, Writing<'_>);
reads!(Connection, Reading<'_>);
writes!(Connection, Writing<'_>);
