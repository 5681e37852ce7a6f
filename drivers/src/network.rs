//! A network device, of whichever kind the machine has.

use alloc::rc::Rc;

use crate::board::Driver;
use crate::dma::{Frame, FrameList, Frames};
use crate::ethernet::{self, Ethernet};
use crate::virtio::net::{Net, PartialChecksum, Statistics};
use crate::virtio::statistics::QueueStatistics;
use crate::virtio::transport::{Routing, Transport};
use crate::virtio::{Failure, Pulse, SetupError};
use crate::watched::Watched;

/// A network device: a virtio device, or the Ethernet controller of the board.
///
/// On a board without an Ethernet controller, `E` has no values
/// ([`NoEthernet`](ethernet::NoEthernet)). Then this type is that of the virtio device alone, and the
/// compiler removes every decision.
#[expect(
    clippy::large_enum_variant,
    reason = "a machine has few of these, they are not moved, and a box would cost each access"
)]
pub enum NetworkDevice<T: Transport, E> {
    /// A virtio network device.
    Virtio(Net<T>),
    /// The Ethernet controller of the board.
    Ethernet(E),
}

impl<T: Transport, E: Ethernet + Driver> NetworkDevice<T, E> {
    /// Takes over the Ethernet controller of the board and starts it.
    ///
    /// # Errors
    ///
    /// Returns [`SetupError`]; the controller is then not used.
    ///
    /// # Safety
    ///
    /// As for [`Driver::new`].
    pub unsafe fn start_ethernet(config: &E::Config) -> Result<Self, SetupError> {
        // SAFETY: the caller guarantees what is required.
        let mut ethernet = unsafe { E::new(config) };
        ethernet.start()?;
        Ok(Self::Ethernet(ethernet))
    }
}

/// Passes methods on to the device.
macro_rules! either {
    ($(
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident(& $($what:ident)+) $(-> $result:ty)?;
    )*) => {$(
        either!(@ [$(#[$attribute])*] $visibility $name [$($result)?] $($what)+);
    )*};
    (@ [$($attribute:tt)*] $visibility:vis $name:ident [$($result:ty)?] self) => {
        $($attribute)*
        #[inline]
        $visibility fn $name(&self) $(-> $result)? {
            match self {
                Self::Virtio(device) => {
                    device.exists();
                    device.$name()
                }
                Self::Ethernet(device) => device.$name(),
            }
        }
    };
    (@ [$($attribute:tt)*] $visibility:vis $name:ident [$($result:ty)?] mut self) => {
        $($attribute)*
        #[inline]
        $visibility fn $name(&mut self) $(-> $result)? {
            match self {
                Self::Virtio(device) => {
                    device.exists();
                    device.$name()
                }
                Self::Ethernet(device) => device.$name(),
            }
        }
    };
}

impl<T: Transport, E: Ethernet> NetworkDevice<T, E> {
    either! {
        /// Returns the hardware address.
        #[must_use]
        pub fn mac(&self) -> [u8; 6];

        /// Returns the length of the longest frame that can be sent, in bytes, with its Ethernet
        /// header.
        #[must_use]
        pub fn max_frame(&self) -> usize;

        /// Returns the pool of all frames, received and sent.
        #[must_use]
        pub fn frames(&self) -> &Rc<Frames>;

        /// Returns whether the link is up, as last reported.
        #[must_use]
        pub fn link_up(&self) -> bool;

        /// Returns whether the device has something that was not processed yet.
        #[must_use]
        pub fn has_news(&mut self) -> bool;

        /// Returns how many frames have arrived and can be [received](Self::receive) now.
        pub fn arrived(&mut self) -> u16;

        /// Returns the next frame of those counted by the last call of [`arrived`](Self::arrived).
        pub fn receive(&mut self) -> Option<Frame>;

        /// Returns how many frames can be [sent](Self::send) now.
        pub fn room(&mut self) -> u16;

        /// Returns how many frames given to [`send`](Self::send) or [`send_all`](Self::send_all) were
        /// dropped since the last call.
        pub fn take_unsent(&mut self) -> usize;

        /// Requests an interrupt at the next frame, and at room to send if there is none. Returns
        /// whether there is one already; the caller must not sleep then.
        pub fn rearm(&mut self) -> bool;

        /// Acknowledges the device's interrupt; call before [`receive`](Self::receive).
        pub fn acknowledge_interrupt(&mut self);
    }

    /// Returns whether the device completes checksums of UDP and TCP.
    #[inline]
    #[must_use]
    pub fn checksum_offload(&self) -> bool {
        match self {
            Self::Virtio(device) => {
                device.exists();
                device.checksum_offload()
            }
            Self::Ethernet(_) => false,
        }
    }

    /// Queues a frame. The device completes its partial checksum, if it supports
    /// [that](Self::checksum_offload). A frame longer than [`max_frame`](Self::max_frame) is counted
    /// and not sent.
    ///
    /// # Errors
    ///
    /// Returns the frame if there is no [room](Self::room).
    #[inline]
    pub fn send(&mut self, frame: Frame, checksum: Option<PartialChecksum>) -> Result<(), Frame> {
        match self {
            Self::Virtio(device) => {
                device.exists();
                device.send(frame, checksum)
            }
            Self::Ethernet(device) => {
                if device.room() == 0 {
                    return Err(frame);
                }
                device.send(frame);
                Ok(())
            }
        }
    }

    /// Queues frames of `waiting` like [`send`](Self::send): at most `most`, and as many as there is
    /// room for. Each is first passed to `prepare`, which returns its partial checksum, if any.
    /// Returns the number.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    pub fn send_all(
        &mut self,
        waiting: &FrameList,
        most: usize,
        mut prepare: impl FnMut(&mut Frame) -> Option<PartialChecksum>,
    ) -> usize {
        match self {
            Self::Virtio(device) => {
                device.exists();
                device.send_all(waiting, most, prepare)
            }
            Self::Ethernet(device) => {
                let mut sent = 0;
                while sent < most
                    && device.room() > 0
                    && let Some(mut frame) = waiting.pop()
                {
                    prepare(&mut frame);
                    device.send(frame);
                    sent += 1;
                }
                sent
            }
        }
    }

    /// Makes queued frames visible to a device with queues. A controller has them already.
    #[inline]
    pub fn publish(&mut self) {
        if let Self::Virtio(device) = self {
            device.exists();
            device.publish();
        }
    }

    /// Publishes like [`publish`](Self::publish); then, if `rearm` is set, requests interrupts and
    /// returns the same as [`rearm`](Self::rearm). Returns `None` if the device does not work.
    #[inline]
    pub fn dispatch(&mut self, rearm: bool) -> Option<bool> {
        match self {
            Self::Virtio(device) => {
                device.exists();
                device.dispatch(rearm)
            }
            Self::Ethernet(device) => {
                let has_news = rearm && device.rearm();
                // Looking for news may have found that the controller has failed.
                device.failure().is_none().then_some(has_news)
            }
        }
    }

    /// Returns the counts of frames of a virtio device.
    #[must_use]
    pub fn statistics(&self) -> Option<&Statistics> {
        match self {
            Self::Virtio(device) => {
                device.exists();
                Some(device.statistics())
            }
            Self::Ethernet(_) => None,
        }
    }

    /// Returns the counts of an Ethernet controller.
    #[must_use]
    pub fn ethernet_statistics(&self) -> Option<ethernet::Statistics> {
        match self {
            Self::Virtio(device) => {
                device.exists();
                None
            }
            Self::Ethernet(device) => Some(device.statistics()),
        }
    }

    /// Returns the counts of the receive and the transmit queue of a virtio device.
    #[must_use]
    pub fn queue_statistics(&self) -> Option<[QueueStatistics; 2]> {
        match self {
            Self::Virtio(device) => {
                device.exists();
                Some([device.receive_statistics(), device.transmit_statistics()])
            }
            Self::Ethernet(_) => None,
        }
    }
}

impl<T: Transport, E: Ethernet> Watched for NetworkDevice<T, E> {
    either! {
        fn failure(&self) -> Option<Failure>;
        fn routing(&self) -> Routing;
        #[cold]
        fn configuration_changed(&mut self);
        #[cold]
        fn pulse(&mut self) -> Pulse;
        #[cold]
        fn inspect(&mut self);
        #[cold]
        fn kick(&mut self);
        #[cold]
        fn probe(&mut self) -> bool;
        #[cold]
        fn give_up(&mut self);
        #[cold]
        fn reinitialize(&mut self) -> Result<(), SetupError>;
    }
}
