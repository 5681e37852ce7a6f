//! picoserve: a connection as its server wants it, and a timer.
//!
//! ```no_run
//! use vmos::net::{PicoserveTimer, TcpListener};
//!
//! use picoserve::routing::get;
//!
//! async fn serve(listener: TcpListener) {
//!     let app = picoserve::Router::new().route("/", get(|| async { "hello" }));
//!     let config = picoserve::Config::const_default().keep_connection_alive();
//!     loop {
//!         if let Ok(stream) = listener.accept().await {
//!             let mut buffer = [0; 2048];
//!             let server =
//!                 picoserve::Server::custom(&app, PicoserveTimer, &config, &mut buffer);
//!             let _ = server.serve(stream).await;
//!         }
//!     }
//! }
//! ```

use core::future::poll_fn;

use embassy_time::Instant;
use embedded_io_async::{Read as _, Write as _};
use picoserve::io::{Socket, Write};
use picoserve::mem::{BorrowedBuffer, BorrowedCursor};
use picoserve::time::{Duration, Timer};
use picoserve::{Error, Timeouts};

use crate::net::{TcpError, TcpReader, TcpStream, TcpWriter};

/// What picoserve is told it runs on.
pub enum Vmos {}

/// The timer by which a server of picoserve gives up on a peer.
#[derive(Clone, Copy, Debug, Default)]
pub struct PicoserveTimer;

/// The most that is formatted at a time.
const PIECE: usize = 512;

impl Timer<Vmos> for PicoserveTimer {
    async fn delay(&self, duration: Duration) {
        let length = embassy_time::Duration::from_millis(duration.as_millis());
        let end = Instant::now().checked_add(length).unwrap_or(Instant::MAX);
        embassy_time::Timer::at(end).await;
    }
}

impl Write for TcpWriter<'_> {
    async fn write_with<F: FnOnce(BorrowedCursor<'_>) -> R, R>(
        &mut self,
        fill: F,
    ) -> Result<R, TcpError> {
        // What is formatted may ask the network how it is, so it is not written into the network's own
        // memory.
        let mut piece = [0; PIECE];
        let mut piece = BorrowedBuffer::new(&mut piece);
        let result = fill(piece.unfilled());
        self.write_all(piece.filled()).await?;
        Ok(result)
    }
}

impl Socket<Vmos> for TcpStream {
    type Error = TcpError;
    type ReadHalf<'a> = TcpReader<'a>;
    type WriteHalf<'a> = TcpWriter<'a>;

    fn split(&mut self) -> (TcpReader<'_>, TcpWriter<'_>) {
        Self::split(self)
    }

    async fn abort<T: Timer<Vmos>>(self, _: &Timeouts, _: &T) -> Result<(), Error<TcpError>> {
        Self::abort(self);
        Ok(())
    }

    /// Says that nothing more is sent, and reads what the peer still sends until it has the answer:
    /// a connection with something unread would be reset, and the answer lost.
    async fn shutdown<T: Timer<Vmos>>(
        mut self,
        timeouts: &Timeouts,
        timer: &T,
    ) -> Result<(), Error<TcpError>> {
        self.shut_down();
        let arrived = poll_fn(|context| self.poll_closed(context));
        timer
            .run_with_timeout(timeouts.write, arrived)
            .await
            .map_err(Error::WriteTimeout)?
            .map_err(Error::Write)?;
        let ended = async {
            let mut piece = [0; 64];
            while self.read(&mut piece).await? > 0 {}
            Ok(())
        };
        timer
            .run_with_timeout(timeouts.read_request, ended)
            .await
            .map_err(Error::ReadTimeout)?
            .map_err(Error::Read)
    }
}
