//! UDP services: echo and discard.

use std::io::Result;
use std::mem;
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;
use std::ptr;
use std::thread;

use crate::setup::checked;

/// The largest number of datagrams per system call.
const BATCH: usize = 64;
/// The longest datagram, in bytes.
const LONGEST: usize = 2048;

/// Starts both services.
pub(crate) fn serve() -> Result<()> {
    let echoes = UdpSocket::bind("0.0.0.0:7")?;
    let discards = UdpSocket::bind("0.0.0.0:9")?;
    thread::spawn(move || {
        let mut batch = Batch::new();
        loop {
            // A datagram that cannot be sent is lost.
            if let Ok(count) = batch.receive(&echoes) {
                let _ = batch.send_back(&echoes, count);
            }
        }
    });
    thread::spawn(move || {
        let mut batch = Batch::new();
        loop {
            let _ = batch.receive(&discards);
        }
    });
    Ok(())
}

/// Opens `count` additional ports that stay open while the machine runs.
pub(crate) fn open(count: u16) -> Result<()> {
    /// The first of the additional ports, as in `apps/bench`.
    const FIRST: u16 = 20_000;
    for place in 0..count {
        mem::forget(UdpSocket::bind(("0.0.0.0", FIRST.saturating_add(place)))?);
    }
    Ok(())
}

/// Buffers for receiving and sending datagrams with one system call. The messages contain pointers
/// to the other fields, which never reallocate.
struct Batch {
    messages: Vec<libc::mmsghdr>,
    parts: Vec<libc::iovec>,
    _senders: Vec<libc::sockaddr_in>,
    _payloads: Vec<[u8; LONGEST]>,
}

impl Batch {
    fn new() -> Self {
        let mut payloads = vec![[0; LONGEST]; BATCH];
        // SAFETY: all zeros are a valid address without a family.
        let mut senders = vec![unsafe { mem::zeroed::<libc::sockaddr_in>() }; BATCH];
        let part = |payload: &mut [u8; LONGEST]| libc::iovec {
            iov_base: payload.as_mut_ptr().cast(),
            iov_len: LONGEST,
        };
        let mut parts: Vec<_> = payloads.iter_mut().map(part).collect();
        let message = |(part, sender): (&mut libc::iovec, &mut libc::sockaddr_in)| {
            // SAFETY: all zeros are a valid empty message.
            let mut message: libc::mmsghdr = unsafe { mem::zeroed() };
            message.msg_hdr.msg_name = ptr::from_mut(sender).cast();
            message.msg_hdr.msg_iov = part;
            message.msg_hdr.msg_iovlen = 1;
            message
        };
        let messages = parts.iter_mut().zip(&mut senders).map(message).collect();
        Self {
            messages,
            parts,
            _senders: senders,
            _payloads: payloads,
        }
    }

    /// Waits for a datagram, and receives all that are available; returns their number.
    fn receive(&mut self, socket: &UdpSocket) -> Result<usize> {
        for (message, part) in self.messages.iter_mut().zip(&mut self.parts) {
            message.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            part.iov_len = LONGEST;
        }
        // SAFETY: every message points to an address and a buffer of the stated lengths.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.messages.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_WAITFORONE as _,
                ptr::null_mut(),
            )
        };
        checked(count)?;
        Ok(count as usize)
    }

    /// Sends the first `count` datagrams back to their senders.
    fn send_back(&mut self, socket: &UdpSocket, count: usize) -> Result<()> {
        let received = self.messages.iter_mut().zip(&mut self.parts).take(count);
        for (message, part) in received {
            part.iov_len = message.msg_len as usize;
        }
        // SAFETY: as in `receive`, with payloads that are no longer than their buffers.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                self.messages.as_mut_ptr(),
                count as libc::c_uint,
                0,
            )
        };
        checked(sent)
    }
}
