//! Names, from the name servers of all networks.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use super::{Network, Networks};
use crate::net::ResolveError;

impl Networks {
    /// Returns the first IPv4 address of a name. Asks the name servers of each network over that
    /// network, those of the smallest [metric](Network::metric) first, until one knows the name: a name
    /// may be known on one network only. See [`Net::resolve`](crate::net::Net::resolve).
    ///
    /// # Errors
    ///
    /// If no network's servers know an address. [`ResolveError::Unknown`] if those of any network said
    /// that there is none.
    ///
    /// ```no_run
    /// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
    /// let networks = kernel.networks();
    /// networks.configured().await;
    /// let address = networks.resolve("example.org").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn resolve(&self, name: &str) -> Result<Ipv4Addr, ResolveError> {
        let mut outcome = ResolveError::NoServer;
        for network in self.by_metric() {
            match network.net().resolve(name).await {
                Err(error) => outcome = Self::worse(outcome, error),
                found => return found,
            }
        }
        Err(outcome)
    }

    /// Returns the addresses of a name in both IP versions, from the first network whose servers know
    /// the name; see [`resolve`](Self::resolve) and
    /// [`Net::resolve_any`](crate::net::Net::resolve_any). The order of the addresses is that for this
    /// network.
    ///
    /// # Errors
    ///
    /// As for [`resolve`](Self::resolve).
    #[cfg(feature = "ipv6")]
    pub async fn resolve_any(&self, name: &str) -> Result<crate::net::Addresses, ResolveError> {
        let mut outcome = ResolveError::NoServer;
        for network in self.by_metric() {
            match network.net().resolve_any(name).await {
                Err(error) => outcome = Self::worse(outcome, error),
                found => return found,
            }
        }
        Err(outcome)
    }

    pub(in crate::net) fn by_metric(&self) -> impl Iterator<Item = Network> + use<> {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_by_key(|network| (!network.net().link_is_up(), network.metric));
        all.into_iter()
    }

    /// Returns the error that says more: that a server does not know the name, then that one did not
    /// answer, then that there is none.
    pub(in crate::net) fn worse(before: ResolveError, now: ResolveError) -> ResolveError {
        match (before, now) {
            (ResolveError::Unknown, _) | (_, ResolveError::NoServer) => before,
            _ => now,
        }
    }
}
