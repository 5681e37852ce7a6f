//! TCP as tasks use it: listeners and streams.

mod listener;
mod stream;

pub use listener::TcpListener;
pub use stream::{ConnectError, TcpError, TcpStream};
