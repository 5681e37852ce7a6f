//! The host's side of a virtio socket device: QEMU's `vhost-user-vsock` passes the device's queues
//! to this process over a Unix socket, so that no module of the host's kernel is needed.
//!
//! [`Vsock`] carries packets only; what they mean is up to the test.

use std::collections::VecDeque;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::outcome::Outcome;

mod backend;
mod memory;
mod message;

use backend::Backend;

/// The number of the machine.
pub const GUEST: u64 = 33;
/// The number of the host.
pub const HOST: u64 = 2;
/// The length of a header in bytes.
const HEADER: usize = 44;
/// The time between two looks at the queues.
const PAUSE: Duration = Duration::from_millis(1);

/// A packet (virtio 1.2, 5.10.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// The sending machine and its port.
    pub from: (u64, u32),
    /// The receiving machine and its port.
    pub to: (u64, u32),
    /// The operation.
    pub operation: u16,
    /// The flags, for a shutdown.
    pub flags: u32,
    /// The size of the sender's receive buffer.
    pub allocated: u32,
    /// How many bytes the sender has taken from it.
    pub forwarded: u32,
    /// The bytes, for data.
    pub payload: Vec<u8>,
}

impl Packet {
    /// Reads a packet.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (head, payload) = bytes.split_first_chunk::<HEADER>()?;
        let word =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        (word(24) as usize == payload.len() && head[28..30] == [1, 0]).then(|| Self {
            from: (long(0), word(16)),
            to: (long(8), word(20)),
            operation: u16::from_le_bytes([head[30], head[31]]),
            flags: word(32),
            allocated: word(36),
            forwarded: word(40),
            payload: payload.to_vec(),
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.payload.len());
        for machine in [self.from.0, self.to.0] {
            bytes.extend(machine.to_le_bytes());
        }
        let len = self.payload.len() as u32;
        for word in [self.from.1, self.to.1, len] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend([1, 0]);
        bytes.extend(self.operation.to_le_bytes());
        for word in [self.flags, self.allocated, self.forwarded] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(&self.payload);
        bytes
    }
}

/// The packets on their way, and whether the device goes on.
#[derive(Debug, Default)]
struct State {
    to_machine: VecDeque<Vec<u8>>,
    from_machine: VecDeque<Packet>,
    /// Why the device has ended, if it has.
    ended: Option<String>,
    is_over: bool,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The host's side of a socket device, served by a thread.
#[derive(Debug)]
pub struct Vsock {
    shared: Shared,
    thread: Option<JoinHandle<()>>,
}

impl Vsock {
    /// Waits for QEMU on a Unix socket.
    pub fn new(socket: &Path) -> Outcome<Self> {
        let listener = UnixListener::bind(socket)?;
        listener.set_nonblocking(true)?;
        let shared = Shared::default();
        let its = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let ended = serve(&listener, &its).err();
            lock(&its).ended = Some(ended.map_or_else(String::new, |error| error.to_string()));
            its.1.notify_all();
        });
        let thread = Some(thread);
        Ok(Self { shared, thread })
    }

    /// Sends a packet to the machine.
    pub fn send(&self, packet: &Packet) {
        lock(&self.shared).to_machine.push_back(packet.bytes());
    }

    /// Waits for a packet of the machine.
    pub fn receive(&self, limit: Duration) -> Outcome<Packet> {
        let deadline = Instant::now() + limit;
        let mut state = lock(&self.shared);
        loop {
            if let Some(packet) = state.from_machine.pop_front() {
                return Ok(packet);
            }
            if let Some(ended) = &state.ended {
                return Err(format!("the socket device has ended: {ended}").into());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("the machine sends no packet within {limit:?}").into());
            }
            let waited = self.shared.1.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Vsock {
    fn drop(&mut self) {
        lock(&self.shared).is_over = true;
        if let Some(thread) = self.thread.take() {
            // Its error is in the state.
            let _ = thread.join();
        }
    }
}

/// Serves the device until the test or QEMU ends.
fn serve(listener: &UnixListener, shared: &Shared) -> Outcome {
    let Some(stream) = accept(listener, shared)? else {
        return Ok(());
    };
    stream.set_nonblocking(true)?;
    let mut backend = Backend::new(stream);
    while !lock(shared).is_over {
        if !backend.answer_messages()? {
            return Ok(());
        }
        {
            let mut state = lock(shared);
            while let Some(packet) = state.to_machine.front() {
                if !backend.give(packet)? {
                    break;
                }
                state.to_machine.pop_front();
            }
        }
        while let Some(bytes) = backend.take()? {
            let packet = Packet::read(&bytes).ok_or("the machine sends a malformed packet")?;
            lock(shared).from_machine.push_back(packet);
            shared.1.notify_all();
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

fn accept(listener: &UnixListener, shared: &Shared) -> Outcome<Option<UnixStream>> {
    loop {
        match listener.accept() {
            Ok((stream, _)) => return Ok(Some(stream)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        if lock(shared).is_over {
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
}
