//! Errors between a driver and its device.

use core::fmt;

use super::queue::Refusal;
use crate::dma::OutOfMemory;

/// The reason why a device could not be set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetupError {
    /// The device did not complete its reset within the allowed number of status reads.
    ResetTimeout,
    /// The device is not a legacy device but does not offer VERSION_1.
    NotVersion1,
    /// The device did not accept features that it had offered.
    FeaturesRefused {
        /// The features that were not accepted.
        accepted: u64,
    },
    /// The device offers other features than before its reset.
    FeaturesChanged,
    /// The device has no queue with this number.
    QueueMissing {
        /// The number of the missing queue.
        queue: u16,
    },
    /// A queue is too short for the shortest request.
    QueueTooSmall {
        /// The number of the queue.
        queue: u16,
        /// The largest number of entries that the device allows.
        size: u16,
    },
    /// A queue was in use directly after the reset.
    QueueInUse {
        /// The number of the queue.
        queue: u16,
    },
    /// A legacy device can only access memory below 2^44.
    MemoryTooHigh,
    /// The doorbell of a queue is outside its BAR.
    NotifyOutOfRange {
        /// The number of the queue.
        queue: u16,
    },
    /// The device did not accept a message vector that its table contains.
    VectorRefused {
        /// The message vector that was not accepted.
        vector: u16,
    },
    /// The device's configuration is shorter than its kind and features require.
    ConfigTooShort,
    /// The device's configuration changed during every attempt to read it.
    ConfigUnstable,
    /// A field of the device's configuration has an invalid value.
    ConfigInvalid {
        /// The field's name in the specification.
        field: &'static str,
        /// The invalid value.
        value: u32,
    },
    /// There is no memory for the driver's queues or buffers.
    OutOfMemory(OutOfMemory),
    /// No device responds. Only for devices other than virtio, as are those below.
    NoDevice,
    /// A register has another value than that of every known device.
    Unknown {
        /// The register's name in the data sheet.
        register: &'static str,
        /// The value that it reads as.
        value: u32,
    },
    /// The device does not work for another reason.
    Device(&'static str),
}

impl fmt::Display for SetupError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResetTimeout => f.write_str("the device does not finish its reset"),
            Self::NotVersion1 => {
                f.write_str("the device is neither a legacy one nor offers VERSION_1")
            }
            Self::FeaturesRefused { accepted } => {
                write!(
                    f,
                    "the device rejected features that it had offered: {accepted:#x}"
                )
            }
            Self::FeaturesChanged => {
                f.write_str("the device offers other features than before its reset")
            }
            Self::QueueMissing { queue } => write!(f, "the device has no queue {queue}"),
            Self::QueueTooSmall { queue, size } => {
                write!(f, "queue {queue} has {size} entries, too few for a request")
            }
            Self::QueueInUse { queue } => write!(f, "queue {queue} is in use after the reset"),
            Self::MemoryTooHigh => {
                f.write_str("a queue is above 2^44, which a legacy device cannot address")
            }
            Self::NotifyOutOfRange { queue } => {
                write!(f, "the doorbell of queue {queue} lies outside its BAR")
            }
            Self::VectorRefused { vector } => {
                write!(f, "the device rejects message vector {vector}")
            }
            Self::ConfigTooShort => f.write_str("the device's configuration is too short"),
            Self::ConfigUnstable => {
                f.write_str("the device's configuration changes during each read")
            }
            Self::ConfigInvalid { field, value } => {
                write!(f, "the device's configuration has {value} for {field}")
            }
            Self::OutOfMemory(error) => error.fmt(f),
            Self::NoDevice => f.write_str("no device responds"),
            Self::Unknown { register, value } => {
                write!(f, "{register} reads {value:#010x}: it is another device")
            }
            Self::Device(problem) => f.write_str(problem),
        }
    }
}

impl core::error::Error for SetupError {}

impl From<OutOfMemory> for SetupError {
    fn from(error: OutOfMemory) -> Self {
        Self::OutOfMemory(error)
    }
}

/// The reason why a device stopped working. It accepts requests again once its driver has
/// reinitialised it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The device violated the protocol of a queue.
    Queue {
        /// The number of the queue.
        queue: u16,
        /// How the device violated the protocol.
        refusal: Refusal,
    },
    /// The device requested a reset (virtio 1.2, 2.1.2: DEVICE_NEEDS_RESET).
    NeedsReset,
    /// The device left requests without a response for longer than its driver waits.
    Silent,
    /// The driver was asked to restart the device.
    Restarted,
    /// The device's changed configuration could not be read.
    Configuration,
    /// The device could not be set up again.
    Setup(SetupError),
    /// A device other than virtio reports an error, or contradicts itself.
    Device(&'static str),
}

impl fmt::Display for Failure {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue { queue, refusal } => write!(f, "on queue {queue}, {refusal}"),
            Self::NeedsReset => f.write_str("the device requests a reset"),
            Self::Silent => f.write_str("the device does not respond"),
            Self::Restarted => f.write_str("the device was restarted"),
            Self::Configuration => f.write_str("the device's new configuration cannot be read"),
            Self::Setup(error) => error.fmt(f),
            Self::Device(problem) => f.write_str(problem),
        }
    }
}

impl core::error::Error for Failure {}
