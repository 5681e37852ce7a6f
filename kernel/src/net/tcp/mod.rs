//! TCP for tasks: listeners, streams and the halves of a stream.

mod halves;
mod io;
mod listener;
mod ready;
mod stream;

pub use halves::{NotOne, OwnedTcpReader, OwnedTcpWriter, TcpReader, TcpWriter};
pub use listener::TcpListener;
pub use stream::{ConnectError, TcpError, TcpStream};
