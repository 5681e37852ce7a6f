//! Messages of QEMU to a device in another process (the vhost-user protocol of QEMU's
//! `docs/interop/vhost-user.rst`).

use std::fs::File;
use std::io::{self, IoSliceMut, Write as _};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use crate::outcome::Outcome;

/// The largest number of files with a message.
const MOST_FILES: usize = 8;
/// The length of a message's header.
const HEADER: usize = 12;
/// The flags of a reply: version 1, and that it is one.
const REPLY: u32 = 1 | 4;

/// A message.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) request: u32,
    pub(super) payload: Vec<u8>,
    pub(super) files: Vec<File>,
}

impl Message {
    /// Receives a message. Returns `None` if there is none yet, and an error of the kind
    /// `UnexpectedEof` if QEMU has ended.
    pub(super) fn receive(stream: &UnixStream) -> Outcome<Option<Self>> {
        let mut head = [0; HEADER];
        let mut files = Vec::new();
        let count = match receive(stream, &mut head, &mut files) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if count == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let word =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let mut payload = vec![0; word(8) as usize];
        let mut filled = 0;
        while filled < payload.len() {
            match receive(stream, &mut payload[filled..], &mut files) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(count) => filled += count,
                // The rest of the message is on its way.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::yield_now();
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(Self {
            request: word(0),
            payload,
            files,
        }))
    }

    /// Returns the number at `offset` of the payload; 0 if it is shorter.
    pub(super) fn word(&self, offset: usize) -> u32 {
        let bytes = self.payload.get(offset..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    /// Returns the 64-bit number at `offset` of the payload; 0 if it is shorter.
    pub(super) fn long(&self, offset: usize) -> u64 {
        u64::from(self.word(offset)) | u64::from(self.word(offset + 4)) << 32
    }

    /// Replies to the message.
    pub(super) fn reply(&self, mut stream: &UnixStream, payload: &[u8]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for word in [self.request, REPLY, payload.len() as u32] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(payload);
        stream.write_all(&bytes)
    }
}

fn receive(stream: &UnixStream, bytes: &mut [u8], files: &mut Vec<File>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FILES))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(bytes)];
    let received = recvmsg(stream, &mut slices, &mut control, RecvFlags::empty())?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            files.extend(descriptors.map(File::from));
        }
    }
    Ok(received.bytes)
}
