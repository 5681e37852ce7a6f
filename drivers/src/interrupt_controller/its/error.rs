//! Why there is no message.

use core::fmt;

use crate::dma::OutOfMemory;

/// Why no message could be set aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// A table found no memory.
    OutOfMemory(OutOfMemory),
    /// The distributor knows no LPIs, or fewer than the architecture asks for.
    NoLpis,
    /// The service, or a redistributor, does not see the processor's caches.
    NotCoherent,
    /// The service does not come to rest, so it cannot be set up.
    Busy,
    /// Firmware has switched LPIs on with tables of its own.
    LpisTaken,
    /// The service did not carry out a command.
    Stalled,
    /// The PCI requester id is beyond what the service's table of devices holds.
    Requester,
    /// The vector is beyond what a function may have here.
    Vector,
    /// Every LPI is taken.
    NoneLeft,
}

impl fmt::Display for Error {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory(error) => return error.fmt(f),
            Self::NoLpis => "the GIC distributor has no LPIs",
            Self::NotCoherent => "the GIC ITS does not see the processor's caches",
            Self::Busy => "the GIC ITS does not come to rest",
            Self::LpisTaken => "firmware holds the LPI tables of the GIC",
            Self::Stalled => "the GIC ITS does not carry out its commands",
            Self::Requester => "the GIC ITS knows no such device id",
            Self::Vector => "a function has 32 vectors at most",
            Self::NoneLeft => "all LPIs are taken",
        })
    }
}

impl core::error::Error for Error {}

impl From<OutOfMemory> for Error {
    fn from(error: OutOfMemory) -> Self {
        Self::OutOfMemory(error)
    }
}
