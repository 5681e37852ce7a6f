//! A network device, of whichever kind the machine has.

use alloc::rc::Rc;

use crate::board::Driver;
use crate::dma::{Frame, FrameList, Frames};
use crate::ethernet::{self, Ethernet};
use crate::virtio::net::{Net, PartialChecksum, Statistics};
use crate::virtio::statistics::QueueStatistics;
use crate::virtio::transport::{Routing, Transport};
use crate::virtio::{Failure, Pulse, SetupError};

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
        fn $name:ident(& $($what:ident)+) $(-> $result:ty)?;
    )*) => {$(
        either!(@ [$(#[$attribute])*] $name [$($result)?] $($what)+);
    )*};
    (@ [$($attribute:tt)*] $name:ident [$($result:ty)?] self) => {
        $($attribute)*
        #[inline]
        pub fn $name(&self) $(-> $result)? {
            match self {
                Self::Virtio(device) => {
                    device.exists();
                    device.$name()
                }
                Self::Ethernet(device) => device.$name(),
            }
        }
    };
    (@ [$($attribute:tt)*] $name:ident [$($result:ty)?] mut self) => {
        $($attribute)*
        #[inline]
        pub fn $name(&mut self) $(-> $result)? {
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
        fn mac(&self) -> [u8; 6];

        /// Returns the length of the longest frame that can be sent, in bytes, with its Ethernet
        /// header.
        #[must_use]
        fn max_frame(&self) -> usize;

        /// Returns the pool of all frames, received and sent.
        #[must_use]
        fn frames(&self) -> &Rc<Frames>;

        /// Returns whether the link is up, as last reported.
        #[must_use]
        fn link_up(&self) -> bool;

        /// Returns whether the device has something that was not processed yet.
        #[must_use]
        fn has_news(&mut self) -> bool;

        /// Returns how many frames have arrived and can be [received](Self::receive) now.
        fn arrived(&mut self) -> u16;

        /// Returns the next frame of those counted by the last call of [`arrived`](Self::arrived).
        fn receive(&mut self) -> Option<Frame>;

        /// Returns how many frames can be [sent](Self::send) now.
        fn room(&mut self) -> u16;

        /// Returns how many frames given to [`send`](Self::send) or [`send_all`](Self::send_all) were
        /// dropped since the last call.
        fn take_unsent(&mut self) -> usize;

        /// Requests an interrupt at the next frame, and at room to send if there is none. Returns
        /// whether there is one already; the caller must not sleep then.
        fn rearm(&mut self) -> bool;

        /// Acknowledges the device's interrupt; call before [`receive`](Self::receive).
        fn acknowledge_interrupt(&mut self);

        /// Returns the progress of sending.
        #[must_use]
        fn pulse(&mut self) -> Pulse;

        /// Reads the device's status and acknowledges its interrupt, even if none arrived.
        fn inspect(&mut self);

        /// Resets a device that does not respond. Frames in flight are lost.
        fn give_up(&mut self);

        /// Returns why the device neither receives nor sends; `None` if it works.
        #[must_use]
        fn failure(&self) -> Option<Failure>;
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
            Self::Ethernet(device) => match device.failure() {
                Some(_) => None,
                None => Some(rearm && device.rearm()),
            },
        }
    }

    /// Handles what the device reports outside its queues, such as the state of the link.
    #[cold]
    pub fn configuration_changed(&mut self) {
        match self {
            Self::Virtio(device) => {
                device.exists();
                device.configuration_changed();
            }
            Self::Ethernet(device) => device.inspect(),
        }
    }

    /// Notifies a device with queues, even if it has not requested it.
    #[cold]
    pub fn kick(&mut self) {
        if let Self::Virtio(device) = self {
            device.exists();
            device.kick();
        }
    }

    /// Sends a frame that every machine ignores, if only that shows whether the device works. Returns
    /// whether the frame was sent.
    #[cold]
    pub fn probe(&mut self) -> bool {
        match self {
            Self::Virtio(device) => {
                device.exists();
                device.probe()
            }
            Self::Ethernet(_) => false,
        }
    }

    /// Resets the device and starts it again. Frames in flight are lost.
    ///
    /// # Errors
    ///
    /// Returns [`SetupError`]; the device then stays failed.
    pub fn reinitialize(&mut self) -> Result<(), SetupError> {
        match self {
            Self::Virtio(device) => {
                device.exists();
                device.reinitialize()
            }
            Self::Ethernet(device) => device.start(),
        }
    }

    /// Returns how the device raises interrupts.
    #[must_use]
    pub fn routing(&self) -> Routing {
        match self {
            Self::Virtio(device) => {
                device.exists();
                device.routing()
            }
            Self::Ethernet(_) => Routing::Line,
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
