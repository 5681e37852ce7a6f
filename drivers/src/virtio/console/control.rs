//! Control messages of a console device (virtio 1.2, 5.3.6.2).

/// The length of a message without a name, in bytes.
pub(super) const LEN: usize = 8;

/// The driver is ready for messages about ports.
pub(super) const DEVICE_READY: u16 = 0;
/// The device has a port.
pub(super) const DEVICE_ADD: u16 = 1;
/// The device no longer has a port.
pub(super) const DEVICE_REMOVE: u16 = 2;
/// The driver is ready to use a port, or, with the value 0, cannot use it.
pub(super) const PORT_READY: u16 = 3;
/// The port is meant for a console.
pub(super) const CONSOLE_PORT: u16 = 4;
/// One side has opened (1) or closed (0) its end of a port.
pub(super) const PORT_OPEN: u16 = 6;
/// The name of a port follows.
pub(super) const PORT_NAME: u16 = 7;

/// A control message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Message<'a> {
    pub(super) port: u32,
    pub(super) event: u16,
    pub(super) value: u16,
    /// What follows the message.
    pub(super) rest: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message; `None` if it is too short.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<LEN>()?;
        let [a, b, c, d, event_low, event_high, value_low, value_high] = *head;
        Some(Self {
            port: u32::from_le_bytes([a, b, c, d]),
            event: u16::from_le_bytes([event_low, event_high]),
            value: u16::from_le_bytes([value_low, value_high]),
            rest,
        })
    }
}

/// Returns the bytes of a message.
pub(super) fn message(port: u32, event: u16, value: u16) -> [u8; LEN] {
    let ([a, b, c, d], [e, f], [g, h]) =
        (port.to_le_bytes(), event.to_le_bytes(), value.to_le_bytes());
    [a, b, c, d, e, f, g, h]
}
