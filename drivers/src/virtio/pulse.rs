//! The progress of a device, to detect when it stops responding.

/// A device's progress, as its driver knows it. If requests stay in flight while no value here
/// changes, the device does not respond.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pulse {
    /// Requests without a response. Receive buffers do not count, since the device keeps them until
    /// a frame arrives.
    pub in_flight: u16,
    /// The number of the oldest request without a response, counted since the last reset, wrapping.
    pub oldest: u32,
    /// Responses since the last reset, wrapping.
    pub answered: u16,
    /// Entries taken since the last reset, wrapping, from the queue that
    /// [`has_news`](Self::has_news) refers to.
    pub taken: u16,
    /// Whether the device has put something into a queue that was not taken yet, so that it should
    /// have raised its interrupt.
    pub has_news: bool,
    /// Whether something was found in a queue since the device's status was last read: interrupts
    /// may have been acknowledged without reading it.
    pub is_unread: bool,
    /// Whether the device may report something without being asked.
    pub listens: bool,
}
