//! Whether a network device responds, what it has counted, and how it is restarted if it does not respond.

use super::super::device::{Device, GaveUp};
use super::super::driver::Driver;
use super::super::error::Failure;
use super::super::pulse::Pulse;
use super::super::statistics::QueueStatistics;
use super::super::transport::Transport;
use super::config::choose;
use super::{Net, RECEIVE, Statistics, TRANSMIT, config};

/// The type of frames for experiments on a private network (IEEE 802, 9.2.4).
const EXPERIMENTAL: [u8; 2] = [0x88, 0xb5];

impl<T: Transport> Driver for Net<T> {
    type Transport = T;

    #[inline]
    fn device(&self) -> &Device<T> {
        &self.device
    }

    fn device_mut(&mut self) -> &mut Device<T> {
        &mut self.device
    }

    /// Reads the state of the link.
    #[cold]
    fn configuration_changed(&mut self) {
        if self.device.failure().is_some() {
            return;
        }
        if self.device.needs_reset() {
            self.device.fail(Failure::NeedsReset);
            return;
        }
        match config::read_link(&self.device.transport, self.features) {
            Ok(link_up) => self.link_up = link_up,
            Err(_error) => {
                self.device.fail(Failure::Configuration);
            }
        }
    }

    /// Returns the progress of sending, and returns sent frames to the pool.
    #[cold]
    fn pulse(&mut self) -> Pulse {
        let has_news = self.has_news();
        if !has_news {
            self.transmit.settle(&self.frames);
            self.check_transmit();
        }
        Pulse {
            has_news,
            taken: self.receive.queue.taken(),
            is_unread: self.device.is_unread(),
            listens: true,
            ..self.transmit.queue.pulse()
        }
    }

    #[cold]
    fn kick(&mut self) {
        self.receive.queue.publish_again();
        self.transmit.queue.publish_again();
        self.device.kick(self.receive.doorbell);
        self.device.kick(self.transmit.doorbell);
    }

    /// Sends a frame that every machine ignores, if the device has the legacy interface. Such a
    /// device cannot report that it is broken; if it is, the frame stays in flight. Returns whether
    /// the frame was sent.
    #[cold]
    fn probe(&mut self) -> bool {
        const LENGTH: usize = 60;
        if !self.device.transport.is_legacy() || self.room() == 0 {
            return false;
        }
        let Some(mut frame) = self.frames.take_own() else {
            return false;
        };
        frame.set_len(LENGTH);
        let bytes = frame.bytes_mut();
        bytes.fill(0);
        bytes[..6].copy_from_slice(&self.mac);
        bytes[6..12].copy_from_slice(&self.mac);
        bytes[12..14].copy_from_slice(&EXPERIMENTAL);
        self.lend(frame, None, self.transmit.queue.found() > 0);
        true
    }

    /// Resets the device. Frames in flight are lost.
    fn fail(&mut self, failure: Failure) {
        self.device.fail(failure);
    }

    fn restart(&mut self) -> Result<(), GaveUp> {
        self.device.negotiate_again(choose)?;
        let link_up = config::read_link(&self.device.transport, self.features);
        self.link_up = self.device.done(link_up)?;
        self.device
            .restart_queue(RECEIVE, &mut self.receive.queue)?;
        self.device
            .restart_queue(TRANSMIT, &mut self.transmit.queue)?;
        self.start()
    }
}

impl<T: Transport> Net<T> {
    /// Returns the counts of frames.
    #[must_use]
    pub const fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Returns the counts of the receive queue.
    #[must_use]
    pub const fn receive_statistics(&self) -> QueueStatistics {
        self.receive.queue.statistics()
    }

    /// Returns the counts of the transmit queue.
    #[must_use]
    pub const fn transmit_statistics(&self) -> QueueStatistics {
        self.transmit.queue.statistics()
    }
}
