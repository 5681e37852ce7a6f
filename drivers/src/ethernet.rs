//! Ethernet controllers of a board: network devices that are not virtio.
//!
//! The controllers here have no DMA: the processor copies each frame between a FIFO of the
//! controller and the frame's memory, so no physical address and no rule about caches is involved.
//! The pool has as many frames as the board file says, and a received frame stays in the controller
//! until the stack takes it.

pub mod lan9118;

use alloc::rc::Rc;

use crate::board::Driver;
use crate::dma::{Frame, Frames};
use crate::virtio::transport::Routing;
use crate::virtio::{Failure, Pulse, SetupError};
use crate::watched::Watched;

/// The length of the addresses and the type before the payload, in bytes.
const HEADER: usize = 14;
/// The longest frame without a VLAN tag and without the checksum, in bytes (IEEE 802.3, 3.2.7).
const LONGEST: usize = HEADER + 1500;

/// The counts of an Ethernet controller. They only increase, and wrap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// Frames that were received and passed on.
    pub received: u32,
    /// Frames that were given to the controller to be sent.
    pub sent: u32,
    /// Received frames that were dropped because they were shorter than an Ethernet header.
    pub dropped_short: u32,
    /// Received frames that were dropped because they were longer than an Ethernet frame.
    pub dropped_long: u32,
    /// Received frames that were dropped because the controller reported an error, such as a wrong
    /// checksum.
    pub dropped_errors: u32,
    /// Received frames that were dropped because all frames of the pool were in use.
    pub dropped_memory: u32,
    /// Received frames that the controller dropped because its FIFO was full.
    pub overruns: u32,
    /// Frames that were not sent because they were longer than an Ethernet frame.
    pub unsent_long: u32,
    /// Frames that the controller could not send, for example because there was no carrier.
    pub unsent_errors: u32,
    /// Changes of the link's state.
    pub link_changes: u32,
    /// Starts after a failure.
    pub resets: u32,
}

crate::counted!(Statistics {
    received,
    sent,
    dropped_short,
    dropped_long,
    dropped_errors,
    dropped_memory,
    overruns,
    unsent_long,
    unsent_errors,
    link_changes,
    resets,
});

/// The driver of an Ethernet controller, for the event loop and the network stack. The methods have the
/// same meaning as those of [`Net`](crate::virtio::net::Net).
pub trait Ethernet: Watched {
    /// Resets and starts the controller, which may be in any state.
    ///
    /// # Errors
    ///
    /// If the controller does not respond, is another device, or does not start; it is then not
    /// used.
    fn start(&mut self) -> Result<(), SetupError>;

    /// Returns the hardware address.
    fn mac(&self) -> [u8; 6];

    /// Returns the length of the longest frame that can be sent, in bytes, with its Ethernet
    /// header.
    fn max_frame(&self) -> usize {
        LONGEST
    }

    /// Returns the pool of all frames, received and sent.
    fn frames(&self) -> &Rc<Frames>;

    /// Returns whether the link is up, as last read.
    fn link_up(&self) -> bool;

    /// Returns whether a frame has arrived, or there is room to send after there was none.
    fn has_news(&mut self) -> bool;

    /// Returns how many frames have arrived and can be [received](Self::receive) now.
    fn arrived(&mut self) -> u16;

    /// Returns the next frame of those counted by the last call of [`arrived`](Self::arrived); skips
    /// frames that must be dropped. `None` if none is left.
    fn receive(&mut self) -> Option<Frame>;

    /// Returns how many frames can be [sent](Self::send) now.
    fn room(&mut self) -> u16;

    /// Copies a frame to the controller and returns it to the pool. Drops it if there is no
    /// [room](Self::room).
    fn send(&mut self, frame: Frame);

    /// Returns how many frames given to [`send`](Self::send) were dropped since the last call.
    fn take_unsent(&mut self) -> usize;

    /// Enables the controller's interrupt. Returns whether there are news already; the caller must
    /// not sleep then.
    fn rearm(&mut self) -> bool;

    /// Acknowledges the controller's interrupt, and disables it until [`rearm`](Self::rearm).
    fn acknowledge_interrupt(&mut self);

    /// Returns the counts of frames.
    fn statistics(&self) -> Statistics;
}

/// The Ethernet controller of a board that has none. It has no value, so the compiler omits all code
/// for it.
#[derive(Debug)]
pub enum NoEthernet {}

impl Driver for NoEthernet {
    type Config = Self;

    unsafe fn new(config: &Self) -> Self {
        match *config {}
    }
}

/// Implements methods that cannot be called.
macro_rules! never {
    ($(fn $name:ident(& $($what:tt)*) -> $result:ty;)*) => {$(
        never!(@ $name, $result, $($what)*);
    )*};
    (@ $name:ident, $result:ty, self) => {
        fn $name(&self) -> $result {
            match *self {}
        }
    };
    (@ $name:ident, $result:ty, mut self) => {
        fn $name(&mut self) -> $result {
            match *self {}
        }
    };
}

impl Ethernet for NoEthernet {
    never! {
        fn start(&mut self) -> Result<(), SetupError>;
        fn mac(&self) -> [u8; 6];
        fn frames(&self) -> &Rc<Frames>;
        fn link_up(&self) -> bool;
        fn has_news(&mut self) -> bool;
        fn arrived(&mut self) -> u16;
        fn receive(&mut self) -> Option<Frame>;
        fn room(&mut self) -> u16;
        fn take_unsent(&mut self) -> usize;
        fn rearm(&mut self) -> bool;
        fn acknowledge_interrupt(&mut self) -> ();
        fn statistics(&self) -> Statistics;
    }

    fn send(&mut self, _: Frame) {
        match *self {}
    }
}

impl Watched for NoEthernet {
    never! {
        fn failure(&self) -> Option<Failure>;
        fn routing(&self) -> Routing;
        fn configuration_changed(&mut self) -> ();
        fn pulse(&mut self) -> Pulse;
        fn inspect(&mut self) -> ();
        fn give_up(&mut self) -> ();
        fn reinitialize(&mut self) -> Result<(), SetupError>;
    }
}
