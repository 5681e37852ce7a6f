//! How far a device has come, for whoever watches that it answers.

/// What a driver knows of the progress of its device. A request that stays in flight while nothing
/// here changes is one that the device has not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pulse {
    /// Requests that the device has and has not answered. Buffers for frames to be received are no
    /// requests: the device keeps them for as long as no frame comes.
    pub in_flight: u16,
    /// How many requests it has answered since its last reset, wrapping.
    pub answered: u16,
    /// How many entries were taken from the queue that [`has_news`](Self::has_news) is about since the
    /// last reset, wrapping.
    pub taken: u16,
    /// The device has put something into a queue that was not taken yet, and should have raised its
    /// interrupt for it.
    pub has_news: bool,
    /// Something was found in a queue since the device's status was last read: interrupts may have
    /// been acknowledged without a look at it.
    pub is_unread: bool,
    /// The device may have something to say though it was asked for nothing.
    pub listens: bool,
}
