//! A network device for another stack than the kernel's: `embassy-net-driver`'s `Driver`.
//!
//! The kernel's own stack uses one network device, which [`Kernel::net`](crate::Kernel::net)
//! describes. With the feature `embassy-net-driver`,
//! [`Kernel::interfaces`](crate::Kernel::interfaces) lists the others, and
//! [`Kernel::interface`](crate::Kernel::interface) hands one to the app:
//!
//! ```ignore
//! let interface = kernel.interface(kernel.interfaces().next().ok_or(NoInterface)?)?;
//! let (stack, runner) = embassy_net::new(interface, config, resources, seed);
//! ```
//!
//! Checksums are computed by the stack, and those that a device leaves to be completed are complete
//! when it receives a frame.

use alloc::rc::Rc;
use core::fmt;
use core::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress as Hardware, LinkState};
use vmos_drivers::dma::{Frame, Frames};
use vmos_drivers::watched::Watched as _;

use super::HardwareAddress;
use super::claim::{Card, Claim};
use crate::devices::Nic;
use crate::driver_cell::DriverCell;

/// A network device that the kernel's own stack does not use.
pub struct Interface {
    driver: &'static DriverCell<Nic>,
    claim: &'static Claim,
}

impl fmt::Debug for Interface {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "network device {}", self.address())
    }
}

/// Why a network device cannot be used by another stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InterfaceError {
    /// No network device with this address is unused by the kernel's stack.
    Absent(HardwareAddress),
    /// The device was claimed before.
    Claimed(HardwareAddress),
}

impl fmt::Display for InterfaceError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(address) => write!(
                f,
                "no network device {address} beside the kernel's own: add one with `--nic`"
            ),
            Self::Claimed(address) => {
                write!(
                    f,
                    "the network device {address} is claimed: it has one stack"
                )
            }
        }
    }
}

impl core::error::Error for InterfaceError {}

impl Interface {
    /// Returns the handle of a device for the app; only the first call returns it.
    pub(crate) fn claim(card: &Card) -> Result<Self, InterfaceError> {
        match card.claim.take() {
            false => Err(InterfaceError::Claimed(card.address())),
            true => Ok(Self {
                driver: card.driver,
                claim: card.claim,
            }),
        }
    }

    /// Returns the device's hardware address.
    #[must_use]
    pub fn address(&self) -> HardwareAddress {
        HardwareAddress(self.driver.borrow().mac())
    }

    fn want(&self, context: &Context<'_>) {
        self.claim.want(context.waker());
    }

    /// Returns an empty frame, if the device has room to send it.
    fn sendable(&self) -> Option<Sending<'_>> {
        let mut nic = self.driver.borrow_mut();
        if nic.room() == 0 {
            return None;
        }
        let frame = nic.frames().take_own()?;
        Some(Sending {
            driver: self.driver,
            frame,
            _interface: self,
        })
    }
}

/// A received frame.
pub struct Received {
    frame: Frame,
    frames: Rc<Frames>,
}

/// Room for a frame to send.
pub struct Sending<'a> {
    driver: &'static DriverCell<Nic>,
    frame: Frame,
    _interface: &'a Interface,
}

impl Driver for Interface {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Received, Sending<'_>)> {
        self.want(context);
        let sending = self.sendable()?;
        let mut nic = self.driver.borrow_mut();
        // A frame that is dropped as malformed counts as arrived.
        let frame = loop {
            if nic.arrived() == 0 {
                break None;
            }
            if let Some(frame) = nic.receive() {
                break Some(frame);
            }
            if nic.failure().is_some() {
                break None;
            }
        };
        let frames = Rc::clone(nic.frames());
        let Some(frame) = frame else {
            frames.give(sending.frame);
            return None;
        };
        Some((Received { frame, frames }, sending))
    }

    fn transmit(&mut self, context: &mut Context<'_>) -> Option<Sending<'_>> {
        self.want(context);
        self.sendable()
    }

    fn link_state(&mut self, context: &mut Context<'_>) -> LinkState {
        self.want(context);
        match self.driver.borrow().link_up() {
            true => LinkState::Up,
            false => LinkState::Down,
        }
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = self.driver.borrow().max_frame();
        capabilities
    }

    fn hardware_address(&self) -> Hardware {
        Hardware::Ethernet(self.address().0)
    }
}

impl embassy_net_driver::RxToken for Received {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, f: F) -> R {
        let result = f(self.frame.bytes_mut());
        self.frames.give(self.frame);
        result
    }
}

impl embassy_net_driver::TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, len: usize, f: F) -> R {
        self.frame.set_len(len);
        let result = f(self.frame.bytes_mut());
        let mut nic = self.driver.borrow_mut();
        if let Err(frame) = nic.send(self.frame, None) {
            nic.frames().give(frame);
        }
        result
    }
}
