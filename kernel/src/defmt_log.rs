//! Log messages by defmt: only numbers leave the machine, and the host adds the texts from the
//! image.
//!
//! The messages go through the port `defmt` of a virtio console device, which `cargo xtask run`
//! adds and decodes for an app with the feature `defmt`:
//!
//! ```no_run
//! # async fn log(kernel: vmos::Kernel, spawner: vmos::Spawner) -> vmos::Result<()> {
//! vmos::defmt_log::start(kernel, spawner).await?;
//! defmt::info!("{=u32} datagrams", 7);
//! # Ok(())
//! # }
//! ```
//!
//! Messages before `start`, and while the host does not read, wait in [`CAPACITY`] bytes. One that
//! does not fit is dropped as a whole, and counted by [`dropped`].

use alloc::collections::VecDeque;
use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Poll, Waker};

use critical_section::Mutex;
use embedded_io_async::Write as _;

use crate::serial::SerialPort;
use crate::time::{self, Duration, with_timeout};
use crate::{Error, Kernel, Spawner};

/// The name of the port.
pub const PORT: &str = "defmt";
/// The number of bytes that wait for the port.
pub const CAPACITY: usize = 4096;
/// The time within which the machine must report the port.
const LIMIT: Duration = Duration::from_secs(5);

/// The messages that wait for the port.
struct Waiting {
    encoder: defmt::Encoder,
    bytes: VecDeque<u8>,
    /// The number of bytes before the current message.
    complete: usize,
    /// Whether the current message does not fit.
    is_too_long: bool,
    dropped: u64,
    reader: Option<Waker>,
}

static WAITING: Mutex<RefCell<Waiting>> = Mutex::new(RefCell::new(Waiting {
    encoder: defmt::Encoder::new(),
    bytes: VecDeque::new(),
    complete: 0,
    is_too_long: false,
    dropped: 0,
    reader: None,
}));

fn with<R>(act: impl FnOnce(&mut Waiting) -> R) -> R {
    critical_section::with(|cs| act(&mut WAITING.borrow_ref_mut(cs)))
}

impl Waiting {
    /// Adds bytes of the current message.
    fn add((bytes, is_too_long): (&mut VecDeque<u8>, &mut bool), more: &[u8]) {
        if bytes.capacity() < CAPACITY && bytes.try_reserve_exact(CAPACITY).is_err()
            || more.len() > CAPACITY - bytes.len()
        {
            *is_too_long = true;
        }
        if !*is_too_long {
            bytes.extend(more);
        }
    }

    fn encode(&mut self, act: impl FnOnce(&mut defmt::Encoder, &mut dyn FnMut(&[u8]))) {
        let Self {
            encoder,
            bytes,
            is_too_long,
            ..
        } = self;
        act(encoder, &mut |more| Self::add((bytes, is_too_long), more));
    }

    fn begin(&mut self) {
        self.complete = self.bytes.len();
        self.is_too_long = false;
        self.encode(|encoder, write| encoder.start_frame(write));
    }

    fn end(&mut self) {
        self.encode(|encoder, write| encoder.end_frame(write));
        if self.is_too_long {
            self.bytes.truncate(self.complete);
            self.dropped += 1;
        }
        self.complete = self.bytes.len();
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Moves complete messages to `buffer`. Returns the number of bytes.
    fn take(&mut self, buffer: &mut [u8]) -> usize {
        let len = self.complete.min(buffer.len());
        for (place, byte) in buffer.iter_mut().zip(self.bytes.drain(..len)) {
            *place = byte;
        }
        self.complete -= len;
        len
    }
}

#[defmt::global_logger]
struct Logger;

// SAFETY: one context runs, and it writes a message between `acquire` and `release` without
// awaiting, so messages do not interleave.
unsafe impl defmt::Logger for Logger {
    fn acquire() {
        with(Waiting::begin);
    }

    unsafe fn flush() {}

    unsafe fn release() {
        with(Waiting::end);
    }

    unsafe fn write(bytes: &[u8]) {
        with(|waiting| waiting.encode(|encoder, write| encoder.write(bytes, write)));
    }
}

defmt::timestamp!("{=u64:us}", time::now() / 1_000);

/// Returns how many messages were dropped, because they did not fit.
#[must_use]
pub fn dropped() -> u64 {
    with(|waiting| waiting.dropped)
}

/// Sends the messages to the host from now on.
///
/// # Errors
///
/// Returns [`Error`] if the machine has no port `defmt`, or if it was started before.
pub async fn start(kernel: Kernel, spawner: Spawner) -> crate::Result<()> {
    let port = with_timeout(LIMIT, kernel.serial_port(PORT)).await;
    let port = port.map_err(|_| {
        Error::new(
            "no port `defmt`: add one with `--serial defmt=SOCKET`, or use `cargo xtask run`",
        )
    })??;
    spawner.spawn(send(port)?);
    Ok(())
}

#[embassy_executor::task]
async fn send(mut port: SerialPort) {
    let mut buffer = [0; 256];
    loop {
        let len = poll_fn(|context| {
            with(|waiting| match waiting.take(&mut buffer) {
                0 => {
                    waiting.reader = Some(context.waker().clone());
                    Poll::Pending
                }
                len => Poll::Ready(len),
            })
        })
        .await;
        if port.write_all(&buffer[..len]).await.is_err() {
            // The device is being restarted; what it had is lost, as its own bytes are.
            time::Timer::after(Duration::from_millis(100)).await;
        }
    }
}
