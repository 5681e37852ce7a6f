//! Datagrams that are sent in fragments (RFC 791, 3.2).

use vmos_drivers::dma::{Frame, FrameList, Frames, OutOfMemory};

use crate::net::packet::{IP_HEADERS, set_fragment};

/// Splits the packet in a frame into fragments that fit frames of `longest` bytes.
///
/// # Errors
///
/// If there is no memory for all of them.
pub(in crate::net) fn cut(
    whole: &Frame,
    longest: usize,
    identification: u16,
    frames: &Frames,
) -> Result<FrameList, OutOfMemory> {
    let list = FrameList::new();
    let (headers, payload) = whole.bytes().split_at(IP_HEADERS);
    // All payloads except the last must be multiples of eight.
    let size = (longest - IP_HEADERS) / 8 * 8;
    let mut offset = 0;
    for piece in payload.chunks(size) {
        let length = IP_HEADERS + piece.len();
        let mut frame = frames.take_for(length)?;
        frame.set_len(length);
        frame.set_changed(false);
        let (room, behind) = frame.bytes_mut().split_at_mut(IP_HEADERS);
        room.copy_from_slice(headers);
        behind.copy_from_slice(piece);
        let end = offset + piece.len();
        set_fragment(&mut frame, identification, offset, end < payload.len());
        offset = end;
        list.push(frame);
    }
    Ok(list)
}
