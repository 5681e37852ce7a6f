//! Makes the network's numbers unpredictable. An attacker who can predict sequence numbers, ports
//! and cookies can take part in the connections of others (RFC 6528, RFC 6056). The first numbers
//! are derived from the clock and the hardware address, which can be guessed, so they are replaced
//! as soon as the entropy device answers.

use embassy_executor::Spawner;
use vmos_drivers::warn;

use crate::entropy::Entropy;
use crate::kernel::Kernel;
#[cfg(not(feature = "networks"))]
use crate::net::Net;

/// What has the numbers: the network, or all of them.
#[cfg(not(feature = "networks"))]
type Secretive = Net;
#[cfg(feature = "networks")]
type Secretive = Kernel;

/// Starts a task that asks the entropy device for the network's key.
#[cold]
pub(crate) fn draw(kernel: Kernel, spawner: Spawner) {
    #[cfg(not(feature = "networks"))]
    let Ok(secretive) = kernel.net() else { return };
    #[cfg(feature = "networks")]
    if !kernel.has_network_devices() {
        return;
    }
    #[cfg(feature = "networks")]
    let secretive = kernel;
    let drawing = kernel.entropy().ok().map(|entropy| key(secretive, entropy));
    match drawing {
        Some(Ok(task)) => spawner.spawn(task),
        _ => warn!("there is no entropy device, so sequence numbers and ports can be predicted"),
    }
}

#[embassy_executor::task]
async fn key(secretive: Secretive, entropy: Entropy) {
    let mut key = [0; 16];
    match entropy.fill(&mut key).await {
        Ok(()) => secretive.reseed(u128::from_ne_bytes(key)),
        Err(error) => warn!("sequence numbers and ports can be predicted: {error}"),
    }
}
