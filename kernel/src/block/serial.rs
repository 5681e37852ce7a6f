//! What names a disk wherever it is attached.

use core::fmt;

use vmos_drivers::dma::{Buffer, OutOfMemory};
use vmos_drivers::virtio::blk::{Operation, Payload};

use super::{Disk, DiskError};

/// The most bytes in a serial number (virtio 1.2, 5.2.6.1).
const LENGTH: usize = 20;

/// The serial number of a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Serial([u8; LENGTH]);

impl Serial {
    /// The number, without the zero bytes behind it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let end = self.0.iter().position(|byte| *byte == 0);
        &self.0[..end.unwrap_or(LENGTH)]
    }
}

impl fmt::Display for Serial {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

/// Why a serial number was not told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SerialError {
    /// There is no memory for the answer.
    OutOfMemory(OutOfMemory),
    /// The device reports an error, or does not know the question.
    Disk(DiskError),
}

impl fmt::Display for SerialError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory(error) => error.fmt(f),
            Self::Disk(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SerialError {}

impl Disk {
    /// Its serial number, which its owner chose (QEMU: `serial=`); empty where it has none.
    ///
    /// # Errors
    ///
    /// The device does not tell it, or there is no memory for the answer.
    pub async fn serial(&self) -> Result<Serial, SerialError> {
        let payload = Buffer::new(LENGTH).map_err(SerialError::OutOfMemory)?;
        let operation = Operation::Serial {
            payload: Payload::One(payload),
        };
        let answer = self.run(operation, one).await;
        let answer = answer.map_err(|failed| SerialError::Disk(failed.error()))?;
        let number = answer.first_chunk().copied();
        number
            .map(Serial)
            .ok_or(SerialError::Disk(DiskError::ShortRead))
    }
}

fn one(payload: Option<Payload>) -> Option<Buffer> {
    match payload? {
        Payload::One(buffer) => Some(buffer),
        Payload::Many(_) => None,
    }
}
