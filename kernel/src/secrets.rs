//! Makes the network's numbers unpredictable. An attacker who can predict sequence numbers, ports
//! and cookies can take part in the connections of others (RFC 6528, RFC 6056). The first numbers
//! are derived from the clock and the hardware address, which can be guessed, so they are replaced
//! as soon as the entropy device answers.

use embassy_executor::Spawner;
use vmos_drivers::warn;

use crate::entropy::Entropy;
use crate::kernel::Kernel;
use crate::net::Net;

/// Starts a task that asks the entropy device for the network's key.
#[cold]
pub(crate) fn draw(kernel: Kernel, spawner: Spawner) {
    #[cfg(feature = "networks")]
    if let Some(Ok(task)) = kernel
        .entropy()
        .ok()
        .map(|entropy| further_key(kernel, entropy))
    {
        spawner.spawn(task);
    }
    let Ok(net) = kernel.net() else { return };
    let drawing = kernel.entropy().ok().map(|entropy| key(net, entropy));
    match drawing {
        Some(Ok(task)) => spawner.spawn(task),
        _ => warn!("there is no entropy device, so sequence numbers and ports can be predicted"),
    }
}

#[embassy_executor::task]
async fn key(net: Net, entropy: Entropy) {
    let mut key = [0; 16];
    match entropy.fill(&mut key).await {
        Ok(()) => net.reseed(u128::from_ne_bytes(key)),
        Err(error) => warn!("sequence numbers and ports can be predicted: {error}"),
    }
}

/// Asks the entropy device for the key of the networks beside the first.
#[cfg(feature = "networks")]
#[embassy_executor::task]
async fn further_key(kernel: Kernel, entropy: Entropy) {
    let mut key = [0; 16];
    match entropy.fill(&mut key).await {
        Ok(()) => kernel.set_network_key(u128::from_ne_bytes(key)),
        Err(error) => warn!("sequence numbers and ports can be predicted: {error}"),
    }
}
