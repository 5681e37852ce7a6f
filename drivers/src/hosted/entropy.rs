//! The entropy device (virtio 1.2, 5.4), with random bytes of the host.

use alloc::vec;
use std::fs::File;
use std::io::{self, Read};

use super::ring::DeviceQueue;
use super::slot::Device;
use crate::virtio::DeviceKind;

/// An entropy device.
#[derive(Debug)]
pub struct Entropy<S = File> {
    source: S,
}

impl Entropy {
    /// Takes the host's random bytes.
    ///
    /// # Errors
    ///
    /// If the host has none.
    pub fn of_host() -> io::Result<Self> {
        Ok(Self::new(File::open("/dev/urandom")?))
    }
}

impl<S: Read> Entropy<S> {
    /// Takes the bytes of `source`. When it has no more, requests stay unanswered.
    #[must_use]
    pub const fn new(source: S) -> Self {
        Self { source }
    }
}

impl<S: Read> Device for Entropy<S> {
    fn kind(&self) -> DeviceKind {
        DeviceKind::RNG
    }

    fn queues(&self) -> &'static [u16] {
        &[64]
    }

    fn serve(&mut self, queues: &mut [Option<DeviceQueue>]) {
        let [Some(queue)] = queues else { return };
        while let Some(mut chain) = queue.pop() {
            let mut bytes = vec![0; chain.room()];
            if self.source.read_exact(&mut bytes).is_ok() {
                let written = chain.write(0, &bytes);
                queue.push(chain, written);
            }
        }
    }
}
