//! A network link between a machine and a test: each datagram between two unix sockets carries a
//! raw frame.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::machine::LIMIT;
use crate::outcome::Outcome;
use crate::packet::{self, ITS_ADDRESS, Mac};

/// Sends frames at this end of the link, in a separate thread.
#[derive(Debug)]
pub struct Sender {
    socket: UnixDatagram,
    machine: PathBuf,
}

/// Makes the thread that reads frames wait.
#[derive(Debug, Default)]
struct Pause {
    is_on: Mutex<bool>,
    changed: Condvar,
}

impl Pause {
    fn set(&self, is_on: bool) {
        *self.is_on.lock().unwrap_or_else(PoisonError::into_inner) = is_on;
        self.changed.notify_all();
    }

    /// Waits until there is no pause.
    fn wait(&self) {
        let is_on = self.is_on.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_while(is_on, |is_on| *is_on);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// This end of the link.
#[derive(Debug)]
pub struct Wire {
    sender: Sender,
    frames: Receiver<Vec<u8>>,
    /// Whether no frame is read.
    pause: Arc<Pause>,
}

impl Wire {
    /// Opens this end of the link; the machine opens its end when it starts.
    pub fn new(here: &Path, machine: &Path) -> Outcome<Self> {
        let _ = fs::remove_file(here);
        let socket = UnixDatagram::bind(here)?;
        socket.set_write_timeout(Some(LIMIT))?;
        let (reader, end) = (socket.try_clone()?, machine.to_owned());
        // If the machine has no space for an answer, the answer is dropped. Waiting for space could
        // block the machine forever.
        let answers = UnixDatagram::unbound()?;
        answers.set_nonblocking(true)?;
        let (sender, frames) = mpsc::channel();
        let pause = Arc::<Pause>::default();
        let paused = Arc::clone(&pause);
        // Reads without pause, since a full socket makes QEMU hold frames back, and answers ARP
        // requests for the address of this end, as any host would.
        thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok(length) = reader.recv(&mut buffer) {
                paused.wait();
                let frame = &buffer[..length];
                if let Some(answer) = packet::answer_to_arp(frame) {
                    let _ = answers.send_to(&answer, &end);
                }
                if sender.send(frame.to_vec()).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            sender: Sender {
                socket,
                machine: machine.to_owned(),
            },
            frames,
            pause,
        })
    }

    /// Sends a frame.
    pub fn send(&self, frame: &[u8]) -> Outcome {
        self.sender.send(frame)
    }

    /// Returns another handle for sending.
    pub fn sender(&self) -> Outcome<Sender> {
        Ok(Sender {
            socket: self.sender.socket.try_clone()?,
            machine: self.sender.machine.clone(),
        })
    }

    /// Reads one more frame and then none, so that QEMU must hold back further frames.
    pub fn stop_reading(&self) {
        self.pause.set(true);
    }

    /// Reads frames again.
    pub fn read_again(&self) {
        self.pause.set(false);
    }

    /// Returns the first result of `wanted` for a received frame, if there is one in time.
    pub fn receive<T>(&self, limit: Duration, wanted: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let frame = self.frames.recv_timeout(left).ok()?;
            if let Some(found) = wanted(&frame) {
                return Some(found);
            }
        }
    }

    /// Returns all received frames that have not been read.
    #[must_use]
    pub fn drain(&self) -> Vec<Vec<u8>> {
        self.frames.try_iter().collect()
    }

    /// Determines the machine's hardware address.
    pub fn resolve(&self, limit: Duration) -> Outcome<Mac> {
        self.send(&packet::arp_request(ITS_ADDRESS))?;
        let mac = self.receive(limit, |frame| packet::arp_reply(frame, ITS_ADDRESS));
        mac.ok_or_else(|| format!("no answer to ARP for {ITS_ADDRESS} within {limit:?}").into())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // The thread that reads frames must not wait for ever.
        self.read_again();
    }
}

impl Sender {
    /// Sends a frame; waits while the machine accepts none.
    pub fn send(&self, frame: &[u8]) -> Outcome {
        self.socket
            .send_to(frame, &self.machine)
            .map_err(|error| format!("cannot send a frame to the machine: {error}"))?;
        Ok(())
    }
}
