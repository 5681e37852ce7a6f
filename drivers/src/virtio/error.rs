//! What goes wrong between a driver and its device.

use core::fmt;

use super::queue::Refusal;
use crate::dma::OutOfMemory;

/// A device that could not be set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetupError {
    /// It did not finish its reset within the number of status reads that it is given.
    ResetTimeout,
    /// It is not a legacy device and yet does not offer VERSION_1.
    NotVersion1,
    /// It did not agree to a set of features that it had offered itself.
    FeaturesRefused {
        /// What was accepted.
        accepted: u64,
    },
    /// It offers other features than the first time.
    FeaturesChanged,
    /// It has no such queue.
    QueueMissing {
        /// The queue's number.
        queue: u16,
    },
    /// A queue is shorter than the shortest request.
    QueueTooSmall {
        /// The queue's number.
        queue: u16,
        /// The most entries that the device allows.
        size: u16,
    },
    /// A queue was in use directly after the reset.
    QueueInUse {
        /// The queue's number.
        queue: u16,
    },
    /// A legacy device can only be given memory below 2^44.
    MemoryTooHigh,
    /// The doorbell of a queue lies outside the BAR that it is said to be in.
    NotifyOutOfRange {
        /// The queue's number.
        queue: u16,
    },
    /// It did not take a message vector that its table has.
    VectorRefused {
        /// The vector.
        vector: u16,
    },
    /// Its configuration is shorter than its kind and features demand.
    ConfigTooShort,
    /// Its configuration never stood still for long enough to be read.
    ConfigUnstable,
    /// A field of its configuration has a value that cannot be.
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
                f.write_str("the device's configuration never stands still to be read")
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

/// Why a device that was running no longer is. It takes requests again once its driver has
/// reinitialised it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// It broke the rules of a queue.
    Queue {
        /// The queue's number.
        queue: u16,
        /// What it did.
        refusal: Refusal,
    },
    /// It asked to be reset (virtio 1.2, 2.1.2: DEVICE_NEEDS_RESET).
    NeedsReset,
    /// It left requests unanswered for longer than its driver waits.
    Silent,
    /// Its driver was told to start it again.
    Restarted,
    /// Its configuration could not be read after it had changed.
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
