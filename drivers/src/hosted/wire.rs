//! What a network device of this process is connected to.

use alloc::vec::Vec;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;

use rustix::event::PollFlags;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

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

    /// Returns the descriptor, with the events, that shows that a frame has arrived or that waiting ones
    /// can be sent; `None` if the wire has ended, or if frames only arrive while the machine is awake.
    fn awaited(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        None
    }
}

/// A wire with a datagram for each frame, as QEMU's `-netdev dgram`.
#[derive(Debug)]
pub struct Datagrams(Socket);

#[derive(Debug)]
enum Socket {
    /// Connected to the peer.
    Udp(UdpSocket),
    /// The peer's path may appear later.
    Unix(UnixDatagram, PathBuf),
}

impl Datagrams {
    /// Makes a wire of a UDP socket that is connected to the peer.
    ///
    /// # Errors
    ///
    /// If the host does not let it be used without waiting.
    pub fn over_udp(socket: UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self(Socket::Udp(socket)))
    }

    /// Makes a wire of a Unix socket that sends to the socket at `peer`.
    ///
    /// # Errors
    ///
    /// If the host does not let it be used without waiting.
    pub fn over_unix(socket: UnixDatagram, peer: impl Into<PathBuf>) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self(Socket::Unix(socket, peer.into())))
    }
}

impl Wire for Datagrams {
    fn send(&mut self, frame: &[u8]) {
        // The peer may not be there yet, or be full.
        let _ = match &self.0 {
            Socket::Udp(socket) => socket.send(frame),
            Socket::Unix(socket, peer) => socket.send_to(frame, peer),
        };
    }

    fn receive(&mut self, room: &mut [u8]) -> Option<usize> {
        loop {
            let received = match &self.0 {
                Socket::Udp(socket) => socket.recv(room),
                Socket::Unix(socket, _) => socket.recv(room),
            };
            match received {
                Ok(len) => return Some(len),
                // An earlier datagram did not reach the peer.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(_) => return None,
            }
        }
    }

    fn awaited(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let descriptor = match &self.0 {
            Socket::Udp(socket) => socket.as_fd(),
            Socket::Unix(socket, _) => socket.as_fd(),
        };
        Some((descriptor, PollFlags::IN))
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
        // By `fcntl`, which Miri knows for a Unix socket; the standard library calls `ioctl`.
        fcntl_setfl(&stream, fcntl_getfl(&stream)? | OFlags::NONBLOCK)?;
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
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                _ => {
                    self.is_open = false;
                    self.unsent.clear();
                }
            }
        }
    }

    /// Returns the length of the first frame, if all of it has arrived. A length beyond
    /// [`LARGEST_FRAME`] ends the wire, as QEMU does.
    fn whole(&mut self) -> Option<usize> {
        let (length, rest) = self.received.split_first_chunk()?;
        let len = u32::from_be_bytes(*length) as usize;
        if len > LARGEST_FRAME {
            self.is_open = false;
            self.received.clear();
            return None;
        }
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
        loop {
            let whole = self.whole();
            if whole.is_some() || !self.is_open {
                break;
            }
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

    fn awaited(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let mut flags = PollFlags::IN;
        flags.set(PollFlags::OUT, !self.unsent.is_empty());
        // What has ended is always readable.
        self.is_open.then(|| (self.stream.as_fd(), flags))
    }
}

/// The request that names the interface of an open TUN/TAP device (Linux, `TUNSETIFF`).
const TUNSETIFF: Opcode = opcode::write::<i32>(b'T', 202);
/// The flags of an interface with whole frames and nothing before them (`IFF_TAP | IFF_NO_PI`).
const TAP_WITHOUT_HEADER: u16 = 0x1002;
/// The longest name of an interface, without its end.
const LONGEST_NAME: usize = 15;

/// What names an interface (Linux, `struct ifreq`).
#[repr(C)]
struct InterfaceRequest {
    name: [u8; LONGEST_NAME + 1],
    flags: u16,
    unused: [u8; 22],
}

/// A TAP interface of the host.
#[derive(Debug)]
pub struct Tap {
    file: File,
    /// Whether the interface exists. One that was deleted does not come back.
    is_there: bool,
}

impl Tap {
    /// Opens the interface `name`. If there is none, it is created, for the life of this process.
    ///
    /// # Errors
    ///
    /// If the name is empty or longer than 15 bytes, the interface is in use, or the user may not use
    /// it.
    pub fn open(name: &str) -> io::Result<Self> {
        if name.is_empty() || name.len() > LONGEST_NAME {
            let said = "the name of an interface has 1 to 15 bytes";
            return Err(io::Error::new(ErrorKind::InvalidInput, said));
        }
        let nonblocking = OFlags::NONBLOCK.bits() as i32;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(nonblocking)
            .open("/dev/net/tun")?;
        let mut request = InterfaceRequest {
            name: [0; LONGEST_NAME + 1],
            flags: TAP_WITHOUT_HEADER,
            unused: [0; 22],
        };
        request.name[..name.len()].copy_from_slice(name.as_bytes());
        // SAFETY: this request reads and writes a `struct ifreq`, whose size and layout the value has.
        let request = unsafe { Updater::<TUNSETIFF, _>::new(&mut request) };
        // SAFETY: as above.
        unsafe { ioctl(&file, request) }?;
        Ok(Self {
            file,
            is_there: true,
        })
    }
}

impl Wire for Tap {
    fn send(&mut self, frame: &[u8]) {
        // An interface that is down takes no frame.
        let _ = self.file.write(frame);
    }

    fn receive(&mut self, room: &mut [u8]) -> Option<usize> {
        match self.file.read(room) {
            Ok(len) => Some(len),
            Err(error) => {
                let kind = error.kind();
                self.is_there &= matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted);
                None
            }
        }
    }

    fn awaited(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        // What was deleted is always readable.
        self.is_there.then(|| (self.file.as_fd(), PollFlags::IN))
    }
}
