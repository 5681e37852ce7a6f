//! Received datagrams.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddrV4};

use vmos_drivers::dma::Frame;

use crate::net::packet::{self, HEADERS, Mac};
use crate::net::stack::Stack;

use super::error::ReceiveError;

/// A received datagram, in the frame in which it arrived. Dropping it returns the frame to its
/// pool.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let socket = kernel.net()?.udp(9000)?;
/// let mut datagram = socket.receive().await?;
/// vmos::println!("{} bytes from {}", datagram.payload().len(), datagram.source());
/// datagram.payload_mut().make_ascii_uppercase();
/// socket.send_back(datagram).await?;
/// # Ok(())
/// # }
/// ```
pub struct Datagram {
    /// The frame; `None` once the datagram is dropped or sent back.
    frame: Option<Frame>,
    pub(in crate::net) stack: &'static Stack,
}

impl Datagram {
    #[inline]
    pub(super) fn new(frame: Frame, stack: &'static Stack) -> Self {
        Self {
            frame: Some(frame),
            stack,
        }
    }

    /// Returns the payload.
    #[inline]
    pub fn payload(&self) -> &[u8] {
        let bytes = self.frame.as_ref().map_or(&[][..], Frame::bytes);
        bytes.get(HEADERS..).unwrap_or_default()
    }

    /// Returns the payload for changes, before it is [sent back](super::UdpSocket::send_back).
    #[inline]
    pub fn payload_mut(&mut self) -> &mut [u8] {
        let Some(frame) = &mut self.frame else {
            return &mut [];
        };
        frame.set_changed(true);
        frame.bytes_mut().get_mut(HEADERS..).unwrap_or_default()
    }

    /// Shortens the payload to `length` bytes, if it is longer.
    pub fn truncate(&mut self, length: usize) {
        if let Some(frame) = &mut self.frame
            && frame.len() - HEADERS > length
        {
            frame.set_changed(true);
            frame.set_len(HEADERS + length);
        }
    }

    /// Returns the sender's address and port. Port 0 means that no reply is expected.
    #[inline]
    pub fn source(&self) -> SocketAddrV4 {
        let nobody = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        self.frame.as_ref().map_or(nobody, packet::source)
    }

    /// Copies the payload to the start of `buffer`, and returns its length.
    ///
    /// # Errors
    ///
    /// If the buffer is too short; it is then unchanged.
    pub(in crate::net) fn copy_into(&self, buffer: &mut [u8]) -> Result<usize, ReceiveError> {
        let payload = self.payload();
        let truncated = ReceiveError::Truncated {
            buffer: buffer.len(),
        };
        let place = buffer.get_mut(..payload.len()).ok_or(truncated)?;
        place.copy_from_slice(payload);
        Ok(payload.len())
    }

    /// Returns the hardware address of the sender, if it is known.
    #[inline]
    pub(super) fn mac(&self) -> Option<Mac> {
        let mac = self.frame.as_ref().map(packet::source_mac);
        mac.filter(|mac| *mac != Mac::NONE)
    }

    /// Takes the frame out of the datagram.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Frame> {
        self.frame.take()
    }

    /// Puts a [taken](Self::take) frame back.
    #[inline]
    pub(super) fn put_back(&mut self, frame: Frame) {
        self.frame = Some(frame);
    }
}

impl Drop for Datagram {
    // A datagram that was sent back has no frame.
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(frame) = self.frame.take() {
            give_home(self.stack, frame);
        }
    }
}

#[inline(never)]
fn give_home(stack: &Stack, frame: Frame) {
    stack.frames.give(frame);
}

impl fmt::Debug for Datagram {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes from {}", self.payload().len(), self.source())
    }
}
