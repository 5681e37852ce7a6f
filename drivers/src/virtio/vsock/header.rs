//! The header of a packet (virtio 1.2, 5.10.6).

/// The length of a header in bytes.
pub(super) const LEN: usize = 44;

/// The type of a stream's packet.
pub(super) const STREAM: u16 = 1;

/// The value of `flags` in a shutdown: the sender receives no more.
pub(super) const NO_RECEIVE: u32 = 1;
/// The value of `flags` in a shutdown: the sender sends no more.
pub(super) const NO_SEND: u32 = 2;

/// The operation of a packet (5.10.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operation {
    /// Asks for a connection.
    Request,
    /// Accepts a connection.
    Response,
    /// Ends or refuses a connection.
    Reset,
    /// The sender receives or sends no more.
    Shutdown,
    /// Contains bytes.
    Data,
    /// Tells how many bytes the sender has room for.
    CreditUpdate,
    /// Asks the peer how many bytes it has room for.
    CreditRequest,
}

impl Operation {
    const ALL: [Self; 7] = [
        Self::Request,
        Self::Response,
        Self::Reset,
        Self::Shutdown,
        Self::Data,
        Self::CreditUpdate,
        Self::CreditRequest,
    ];

    const fn number(self) -> u16 {
        self as u16 + 1
    }

    fn of(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.number() == number)
    }
}

/// One end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Address {
    /// The machine: 2 is the host (5.10.4).
    pub cid: u64,
    /// The port.
    pub port: u32,
}

/// A packet's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) len: u32,
    pub(super) kind: u16,
    /// The operation; `None` if the specification defines none with this number.
    pub(super) operation: Option<Operation>,
    pub(super) flags: u32,
    /// The size of the sender's receive buffer in bytes.
    pub(super) allocated: u32,
    /// How many bytes the sender has taken from its receive buffer, wrapping.
    pub(super) forwarded: u32,
}

impl Header {
    /// Reads the header of a packet. Returns it and the payload; `None` if it is too short.
    pub(super) fn read(packet: &[u8]) -> Option<(Self, &[u8])> {
        let (head, payload) = packet.split_first_chunk::<LEN>()?;
        let word =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let half = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        let address = |cid, port| Address {
            cid: long(cid),
            port: word(port),
        };
        let header = Self {
            from: address(0, 16),
            to: address(8, 20),
            len: word(24),
            kind: half(28),
            operation: Operation::of(half(30)),
            flags: word(32),
            allocated: word(36),
            forwarded: word(40),
        };
        let len = usize::try_from(header.len).ok()?;
        Some((header, payload.get(..len)?))
    }

    /// Returns the header's bytes.
    pub(super) fn bytes(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(0, &self.from.cid.to_le_bytes());
        put(8, &self.to.cid.to_le_bytes());
        put(16, &self.from.port.to_le_bytes());
        put(20, &self.to.port.to_le_bytes());
        put(24, &self.len.to_le_bytes());
        put(28, &self.kind.to_le_bytes());
        let operation = self.operation.map_or(0, Operation::number);
        put(30, &operation.to_le_bytes());
        put(32, &self.flags.to_le_bytes());
        put(36, &self.allocated.to_le_bytes());
        put(40, &self.forwarded.to_le_bytes());
        bytes
    }
}
