//! Errors between a driver and its device.

use core::fmt;

use super::queue::Refusal;
use crate::dma::OutOfMemory;

/// The reason why a device could not be set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetupError {
    /// It did not complete its reset within the allowed number of status reads.
    ResetTimeout,
    /// It is not a legacy device but does not offer VERSION_1.
    NotVersion1,
    /// It did not accept features that it had offered.
    FeaturesRefused {
        /// The features.
        accepted: u64,
    },
    /// It offers other features than before its reset.
    FeaturesChanged,
    /// It has no queue with this number.
    QueueMissing {
        /// The queue's number.
        queue: u16,
    },
    /// A queue is too short for the shortest request.
    QueueTooSmall {
        /// The queue's number.
        queue: u16,
        /// The largest number of entries that the device allows.
        size: u16,
    },
    /// A queue was in use directly after the reset.
    QueueInUse {
        /// The queue's number.
        queue: u16,
    },
    /// A legacy device can only access memory below 2^44.
    MemoryTooHigh,
    /// The doorbell of a queue is outside its BAR.
    NotifyOutOfRange {
        /// The queue's number.
        queue: u16,
    },
    /// It did not accept a message vector that its table contains.
    VectorRefused {
        /// The vector.
        vector: u16,
    },
    /// Its configuration is shorter than its kind and features require.
    ConfigTooShort,
    /// Its configuration changed during every attempt to read it.
    ConfigUnstable,
    /// A field of its configuration has an invalid value.
    ConfigInvalid {
        /// The field's name in the specification.
        field: &'static str,
        /// Its value.
        value: u32,
    },
    /// There is no memory for its queues or buffers.
    OutOfMemory(OutOfMemory),
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
                    "the device offered and then refused features {accepted:#x}"
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
                f.write_str("a queue lies beyond 2^44, out of reach of a legacy device")
            }
            Self::NotifyOutOfRange { queue } => {
                write!(f, "the doorbell of queue {queue} lies outside its BAR")
            }
            Self::VectorRefused { vector } => {
                write!(f, "the device refuses message vector {vector}")
            }
            Self::ConfigTooShort => f.write_str("the device's configuration is too short"),
            Self::ConfigUnstable => {
                f.write_str("the device's configuration changes during each read")
            }
            Self::ConfigInvalid { field, value } => {
                write!(f, "the device's configuration has {value} for {field}")
            }
            Self::OutOfMemory(error) => error.fmt(f),
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
    /// It violated the protocol of a queue.
    Queue {
        /// The queue's number.
        queue: u16,
        /// The violation.
        refusal: Refusal,
    },
    /// It requested a reset (virtio 1.2, 2.1.2: DEVICE_NEEDS_RESET).
    NeedsReset,
    /// It left requests without a response for longer than its driver waits.
    Silent,
    /// Its driver was asked to restart it.
    Restarted,
    /// Its changed configuration could not be read.
    Configuration,
    /// It could not be set up again.
    Setup(SetupError),
}

impl fmt::Display for Failure {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue { queue, refusal } => write!(f, "on queue {queue}, {refusal}"),
            Self::NeedsReset => f.write_str("the device asks to be reset"),
            Self::Silent => f.write_str("the device does not answer"),
            Self::Restarted => f.write_str("the device was started again"),
            Self::Configuration => f.write_str("the device's new configuration cannot be read"),
            Self::Setup(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Failure {}
