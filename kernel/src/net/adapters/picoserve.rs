//! picoserve: connections and a timer for its server.
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

/// The runtime, as a type parameter of picoserve.
pub enum Vmos {}

/// The timer with which a picoserve server detects unresponsive peers.
#[derive(Clone, Copy, Debug, Default)]
pub struct PicoserveTimer;

/// The largest number of bytes formatted at a time.
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
        // Formatting may use the network, so it must not write directly into the network's memory.
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

    /// Shuts down the writing side, then reads until the peer has acknowledged the answer: closing
    /// a connection with unread data would reset it and lose the answer.
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
