//! Datagrams that are not ordinary: those that smoltcp received.

use vmos_drivers::dma::{Frame, Frames, OutOfMemory};

use super::{Ports, UDP_PAYLOAD};
use crate::net::endpoint::address;
use crate::net::packet::{self, HEADERS};
use crate::net::protocols::Protocols;
use crate::net::statistics::{Counters, count};

/// A frame with a copy of the payload.
#[inline]
pub(in crate::net) fn copy(frames: &Frames, payload: &[u8]) -> Result<Frame, OutOfMemory> {
    let mut frame = frames.take_for(HEADERS + payload.len())?;
    frame.set_len(HEADERS + payload.len());
    if let Some(place) = frame.bytes_mut().get_mut(HEADERS..) {
        place.copy_from_slice(payload);
    }
    Ok(frame)
}

impl Ports {
    /// Moves what smoltcp received into the queues of the ports.
    #[cold]
    pub(in crate::net) fn take_others(
        &self,
        protocols: &mut Protocols,
        frames: &Frames,
        counters: &Counters,
    ) {
        for port in self.ports.iter().flatten() {
            let socket = protocols.udp(port.socket);
            while let Ok((payload, metadata)) = socket.recv() {
                if payload.len() > UDP_PAYLOAD {
                    count(&counters.too_long);
                } else if !port.has_room(payload.len()) {
                    count(&counters.receive_queue_full);
                } else if let Ok(mut frame) = copy(frames, payload) {
                    packet::set_source(&mut frame, address(metadata.endpoint));
                    port.take_in(frame, payload.len());
                } else {
                    count(&counters.out_of_memory);
                }
            }
        }
    }
}
