//! Who uses a network device beside the kernel's own: nobody, until an app claims it.

use core::cell::Cell;
#[cfg(feature = "embassy-net-driver")]
use core::cell::RefCell;
#[cfg(feature = "embassy-net-driver")]
use core::task::Waker;

use super::HardwareAddress;
#[cfg(feature = "networks")]
use super::Stack;
use crate::devices::{Nic, Place};
use crate::driver_cell::DriverCell;

/// The user of a network device, which the event loop reads.
#[derive(Default)]
pub(crate) struct Claim {
    taken: Cell<bool>,
    /// The task of another stack that waits for frames, room, or another state of the link.
    #[cfg(feature = "embassy-net-driver")]
    waker: RefCell<Option<Waker>>,
    /// The kernel's stack for this device, once it was started.
    #[cfg(feature = "networks")]
    stack: Cell<Option<&'static Stack>>,
}

impl Claim {
    /// Claims the device. Returns whether it was free.
    pub(crate) fn take(&self) -> bool {
        !self.taken.replace(true)
    }

    /// Whether the device has a user.
    pub(crate) fn is_taken(&self) -> bool {
        self.taken.get()
    }

    /// Has the task woken at the next event.
    #[cfg(feature = "embassy-net-driver")]
    pub(crate) fn want(&self, waker: &Waker) {
        let mut place = self.waker.borrow_mut();
        match &mut *place {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// Wakes the task of another stack.
    pub(crate) fn wake(&self) {
        #[cfg(feature = "embassy-net-driver")]
        {
            let waker = self.waker.borrow_mut().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Has the event loop serve the device for `stack`.
    #[cfg(feature = "networks")]
    pub(crate) fn serve(&self, stack: &'static Stack) {
        self.stack.set(Some(stack));
    }

    /// Returns the kernel's stack for the device.
    #[cfg(feature = "networks")]
    #[inline]
    pub(crate) fn stack(&self) -> Option<&'static Stack> {
        self.stack.get()
    }
}

/// A network device beside the kernel's own.
#[derive(Clone, Copy)]
pub(crate) struct Card {
    pub(crate) driver: &'static DriverCell<Nic>,
    pub(crate) claim: &'static Claim,
    #[cfg_attr(
        not(feature = "networks"),
        expect(dead_code, reason = "names networks")
    )]
    pub(crate) place: Place,
}

impl Card {
    /// Returns the device's hardware address.
    pub(crate) fn address(&self) -> HardwareAddress {
        HardwareAddress(self.driver.borrow().mac())
    }
}
