//! What a network device of this process is connected to.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};

use alloc::vec::Vec;

/// The length of the longest frame, in bytes: that of a datagram of QEMU's.
pub const LARGEST_FRAME: usize = 64 << 10;
/// The number of bytes that wait for a stream that is full. More frames are lost.
const BACKLOG: usize = 1 << 20;

/// One end of a link for Ethernet frames. It never waits.
pub trait Wire {
    /// Sends a frame; it is lost if the wire takes no more.
    fn send(&mut self, frame: &[u8]);

    /// Receives a frame into `room`, and returns its length; `None` if there is none now. A frame that
    /// is longer than `room` is cut.
    fn receive(&mut self, room: &mut [u8]) -> Option<usize>;

    /// Returns what becomes readable when a frame arrives.
    fn descriptor(&self) -> Option<BorrowedFd<'_>>;
}

/// A wire with a datagram for each frame, as QEMU's `-netdev dgram`.
#[derive(Debug)]
pub struct Datagrams<S>(S);

/// A socket whose every message is a frame.
pub trait Socket: AsFd {
    /// Makes sending and receiving not wait.
    ///
    /// # Errors
    ///
    /// If the host refuses it.
    fn set_nonblocking(&self) -> io::Result<()>;
    /// Sends a message to the peer.
    ///
    /// # Errors
    ///
    /// If it cannot be sent now.
    fn send(&self, message: &[u8]) -> io::Result<usize>;
    /// Receives a message.
    ///
    /// # Errors
    ///
    /// If there is none now.
    fn receive(&self, room: &mut [u8]) -> io::Result<usize>;
}

macro_rules! socket {
    ($socket:ty) => {
        impl Socket for $socket {
            fn set_nonblocking(&self) -> io::Result<()> {
                <$socket>::set_nonblocking(self, true)
            }

            fn send(&self, message: &[u8]) -> io::Result<usize> {
                <$socket>::send(self, message)
            }

            fn receive(&self, room: &mut [u8]) -> io::Result<usize> {
                self.recv(room)
            }
        }
    };
}

socket!(UdpSocket);
socket!(UnixDatagram);

impl<S: Socket> Datagrams<S> {
    /// Makes a wire of a socket that is connected to the peer.
    ///
    /// # Errors
    ///
    /// If the host does not let it be used without waiting.
    pub fn new(socket: S) -> io::Result<Self> {
        socket.set_nonblocking()?;
        Ok(Self(socket))
    }
}

impl<S: Socket> Wire for Datagrams<S> {
    fn send(&mut self, frame: &[u8]) {
        // The peer may not be there yet, or be full.
        let _ = self.0.send(frame);
    }

    fn receive(&mut self, room: &mut [u8]) -> Option<usize> {
        loop {
            match self.0.receive(room) {
                Ok(len) => return Some(len),
                // An earlier message did not reach the peer.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(_) => return None,
            }
        }
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

/// A wire with the frames one after the other, each after its length in four bytes, the most
/// significant first, as QEMU's `-netdev stream`.
#[derive(Debug)]
pub struct Stream<S> {
    stream: S,
    /// What was received and is not a whole frame yet.
    received: Vec<u8>,
    /// What could not be sent yet.
    unsent: Vec<u8>,
    is_open: bool,
}

impl Stream<TcpStream> {
    /// Makes a wire of a TCP connection.
    ///
    /// # Errors
    ///
    /// If the host does not let it be used without waiting.
    pub fn over_tcp(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self::of(stream))
    }
}

impl Stream<UnixStream> {
    /// Makes a wire of a connection of a Unix socket.
    ///
    /// # Errors
    ///
    /// If the host does not let it be used without waiting.
    pub fn over_unix(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self::of(stream))
    }
}

impl<S> Stream<S> {
    const fn of(stream: S) -> Self {
        Self {
            stream,
            received: Vec::new(),
            unsent: Vec::new(),
            is_open: true,
        }
    }
}

impl<S: Read + Write + AsFd> Stream<S> {
    fn flush(&mut self) {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(count) if count > 0 => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }

    /// Returns the length of the first frame, if all of it has arrived.
    fn whole(&self) -> Option<usize> {
        let (length, rest) = self.received.split_first_chunk()?;
        let len = u32::from_be_bytes(*length) as usize;
        (rest.len() >= len).then_some(len)
    }
}

impl<S: Read + Write + AsFd> Wire for Stream<S> {
    fn send(&mut self, frame: &[u8]) {
        self.flush();
        if self.unsent.len() + frame.len() > BACKLOG {
            return;
        }
        self.unsent.extend((frame.len() as u32).to_be_bytes());
        self.unsent.extend(frame);
        self.flush();
    }

    fn receive(&mut self, room: &mut [u8]) -> Option<usize> {
        const LENGTH: usize = 4;
        self.flush();
        while self.is_open && self.whole().is_none() {
            let mut bytes = [0; 16 << 10];
            match self.stream.read(&mut bytes) {
                Ok(0) => self.is_open = false,
                Ok(count) => self.received.extend(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.is_open = false,
            }
        }
        let len = self.whole()?;
        let kept = len.min(room.len());
        room[..kept].copy_from_slice(&self.received[LENGTH..LENGTH + kept]);
        self.received.drain(..LENGTH + len);
        Some(kept)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        // What has ended is always readable.
        self.is_open.then(|| self.stream.as_fd())
    }
}
