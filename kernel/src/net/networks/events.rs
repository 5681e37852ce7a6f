//! The changes of all networks.

use alloc::vec::Vec;
use core::future::poll_fn;
use core::task::Poll;

use super::{Network, Networks};
use crate::net::{Event, Events};

/// The changes of all networks, one after the other; see [`Events`].
pub struct AnyEvents(Vec<(Network, Events)>);

impl Networks {
    /// Returns a stream of the changes of all networks from now on, which starts with the current
    /// states.
    ///
    /// ```no_run
    /// # async fn watch(kernel: vmos::Kernel) {
    /// let mut events = kernel.networks().events();
    /// loop {
    ///     let (network, event) = events.next().await;
    ///     vmos::println!("{}: {event:?}", network.name());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn events(&self) -> AnyEvents {
        let all = self.iter();
        AnyEvents(
            all.map(|network| (network, network.net().events()))
                .collect(),
        )
    }
}

impl AnyEvents {
    /// Waits for the next change of any network.
    pub async fn next(&mut self) -> (Network, Event) {
        poll_fn(|context| {
            for (network, events) in &mut self.0 {
                if let Some(event) = events.change() {
                    return Poll::Ready((*network, event));
                }
                network.net().wake_when_configured(context.waker());
            }
            Poll::Pending
        })
        .await
    }
}
