//! Errors of the interrupt translation service (ITS).

use core::fmt;

use crate::dma::OutOfMemory;

/// Why no message (MSI) could be allocated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// There is no memory for a table.
    OutOfMemory(OutOfMemory),
    /// The distributor supports no LPIs, or fewer than the architecture requires.
    NoLpis,
    /// The service or a redistributor is not coherent with the processor's caches.
    NotCoherent,
    /// The service does not become quiescent, so it cannot be set up.
    Busy,
    /// Firmware has enabled LPIs with its own tables.
    LpisTaken,
    /// The service did not execute a command.
    Stalled,
    /// The PCI requester ID exceeds the service's device table.
    Requester,
    /// The vector exceeds the limit of vectors per function.
    Vector,
    /// All LPIs are in use.
    NoneLeft,
}

impl fmt::Display for Error {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory(error) => return error.fmt(f),
            Self::NoLpis => "the GIC distributor has no LPIs",
            Self::NotCoherent => "the GIC ITS is not cache-coherent",
            Self::Busy => "the GIC ITS does not become idle",
            Self::LpisTaken => "firmware has enabled the GIC's LPIs",
            Self::Stalled => "the GIC ITS stalled at a command",
            Self::Requester => "the device ID is too large for the ITS",
            Self::Vector => "a function has at most 32 vectors",
            Self::NoneLeft => "all LPIs are in use",
        })
    }
}

impl core::error::Error for Error {}

impl From<OutOfMemory> for Error {
    fn from(error: OutOfMemory) -> Self {
        Self::OutOfMemory(error)
    }
}
