//! Serial numbers of disks, which do not depend on where a disk is attached.

use core::fmt;

use vmos_drivers::dma::{Buffer, OutOfMemory};
use vmos_drivers::virtio::blk::{Operation, Payload};

use super::{Disk, DiskError};

/// The largest length of a serial number in bytes (virtio 1.2, 5.2.6.1).
const LENGTH: usize = 20;

/// The serial number of a disk.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let serial = kernel.disk(0)?.serial().await?;
/// vmos::println!("the first disk is {serial}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Serial([u8; LENGTH]);

impl Serial {
    /// Returns the number without trailing zero bytes.
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

/// The reason why a serial number could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SerialError {
    /// There is no memory for the answer.
    OutOfMemory(OutOfMemory),
    /// The device reported an error, or does not support the request.
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
    /// Reads the serial number, which is configured by the disk's owner (QEMU: `serial=`); empty if
    /// it has none.
    ///
    /// # Errors
    ///
    /// If the device does not report it, or there is no memory for the answer.
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
