//! The `embedded-io-async` traits, for all types that give access to a connection.

use core::future::poll_fn;

use embedded_io_async::{ErrorType, Read, ReadReady, Write, WriteReady};

use super::halves::{OwnedTcpReader, OwnedTcpWriter, TcpReader, TcpWriter};
use super::stream::{TcpError, TcpStream};

/// Implements reading for types that refer to a [`TcpStream`].
macro_rules! reads {
    ($($name:ty),*) => {$(
        impl Read for $name {
            async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TcpError> {
                let stream: &TcpStream = (*self).as_ref();
                if buffer.is_empty() {
                    return Ok(0);
                }
                poll_fn(|context| stream.poll_read(context, buffer)).await
            }
        }

        impl ReadReady for $name {
            fn read_ready(&mut self) -> Result<bool, TcpError> {
                let stream: &TcpStream = (*self).as_ref();
                stream.is_readable()
            }
        }
    )*};
}

/// Implements writing for types that refer to a [`TcpStream`].
macro_rules! writes {
    ($($name:ty),*) => {$(
        impl Write for $name {
            async fn write(&mut self, bytes: &[u8]) -> Result<usize, TcpError> {
                let stream: &TcpStream = (*self).as_ref();
                if bytes.is_empty() {
                    return Ok(0);
                }
                poll_fn(|context| stream.poll_write(context, bytes)).await
            }

            /// Waits until the peer has acknowledged everything that was written.
            async fn flush(&mut self) -> Result<(), TcpError> {
                let stream: &TcpStream = (*self).as_ref();
                poll_fn(|context| stream.poll_flush(context)).await
            }
        }

        impl WriteReady for $name {
            fn write_ready(&mut self) -> Result<bool, TcpError> {
                let stream: &TcpStream = (*self).as_ref();
                stream.is_writable()
            }
        }
    )*};
}

macro_rules! errors {
    ($($name:ty),*) => {$(
        impl ErrorType for $name {
            type Error = TcpError;
        }
    )*};
}

errors!(
    TcpStream,
    &TcpStream,
    TcpReader<'_>,
    TcpWriter<'_>,
    OwnedTcpReader,
    OwnedTcpWriter
);

reads!(TcpStream, &TcpStream, TcpReader<'_>, OwnedTcpReader);
writes!(TcpStream, &TcpStream, TcpWriter<'_>, OwnedTcpWriter);
