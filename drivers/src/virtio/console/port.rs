//! One port of a console device: a stream of bytes in each direction.

use alloc::string::String;
use core::task::Waker;

use super::super::device::{Device, GaveUp};
use super::super::packets::{Incoming, Outgoing};
use super::super::transport::Transport;
use super::LONGEST_NAME;
use super::control::{self, Message};

/// The number of buffers in each direction of a port.
const BUFFERS: u16 = 8;
/// The size of a buffer in bytes.
const SIZE: usize = 1024;

/// What a control message says about a port.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// Whether the device has the port.
    pub exists: bool,
    /// The name that the device's configuration gives it; empty without one.
    pub name: String,
    /// Whether it is meant for a console.
    pub is_console: bool,
    /// Whether something on the host has the other end open.
    pub is_connected: bool,
}

/// A port and its queues.
pub(super) struct Port {
    pub(super) facts: Facts,
    pub(super) incoming: Incoming,
    pub(super) outgoing: Outgoing,
    /// Whether the port is in use on this side.
    pub(super) is_open: bool,
    /// Whether the device was not told `is_open` yet.
    pub(super) open_due: bool,
    /// Whether the device was not told yet that the driver is ready.
    pub(super) ready_due: bool,
    /// Whether the host has closed its end, and the reader was not told yet.
    pub(super) has_ended: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

impl Port {
    /// Prepares the queues of port `number` (virtio 1.2, 5.3.2).
    pub(super) fn new<T: Transport>(device: &mut Device<T>, number: u16) -> Result<Self, GaveUp> {
        let receive = if number == 0 { 0 } else { 2 * number + 2 };
        Ok(Self {
            facts: Facts::default(),
            incoming: Incoming::new(device, receive, BUFFERS, SIZE)?,
            outgoing: Outgoing::new(device, receive + 1, BUFFERS, SIZE)?,
            is_open: false,
            open_due: false,
            ready_due: false,
            has_ended: false,
            reader: None,
            writer: None,
        })
    }

    pub(super) fn restart<T: Transport>(&mut self, device: &mut Device<T>) -> Result<(), GaveUp> {
        self.incoming.restart(device)?;
        self.outgoing.restart(device)
    }

    pub(super) fn enable<T: Transport>(&mut self, device: &mut Device<T>) -> Result<(), GaveUp> {
        self.incoming.enable(device)?;
        self.outgoing.enable(device)
    }

    /// Handles a control message about the port.
    pub(super) fn hear(&mut self, message: Message<'_>) {
        match message.event {
            control::DEVICE_ADD => {
                (self.facts.exists, self.ready_due) = (true, true);
                self.open_due = self.is_open;
            }
            control::DEVICE_REMOVE => self.remove(),
            control::CONSOLE_PORT => self.facts.is_console = message.value == 1,
            control::PORT_OPEN => self.connect(message.value == 1),
            control::PORT_NAME => {
                let name = message.rest.split(|byte| *byte == 0).next();
                let name = name.unwrap_or_default();
                let name = &name[..name.len().min(LONGEST_NAME)];
                self.facts.name = String::from_utf8_lossy(name).into_owned();
            }
            _ => {}
        }
    }

    /// Sends the device what it does not know about the port `number` yet, as far as there is room.
    pub(super) fn announce(&mut self, number: u32, outgoing: &mut Outgoing) {
        if self.ready_due {
            let ready = control::message(number, control::PORT_READY, 1);
            self.ready_due = outgoing.push(&[&ready]).is_none();
        }
        if self.open_due && self.facts.exists && !self.ready_due {
            let open = control::message(number, control::PORT_OPEN, u16::from(self.is_open));
            self.open_due = outgoing.push(&[&open]).is_none();
        }
    }

    /// Records whether the host has its end open.
    fn connect(&mut self, is_connected: bool) {
        self.has_ended |= self.facts.is_connected && !is_connected;
        self.facts.is_connected = is_connected;
        self.wake();
    }

    /// Records that the device no longer has the port.
    fn remove(&mut self) {
        self.connect(false);
        self.facts = Facts::default();
        (self.open_due, self.ready_due) = (false, false);
    }

    /// Wakes the tasks that wait for bytes or room.
    pub(super) fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()]
            .into_iter()
            .flatten()
        {
            waker.wake();
        }
    }
}
