//! Changes of the network: of the link, and of the machine's address.

use core::future::poll_fn;
use core::task::Poll;

use super::{Configuration, Net};

/// A change of the network. Features add kinds of changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The network device has a link.
    LinkUp,
    /// The network device has lost its link. The address is kept until it expires.
    LinkDown,
    /// The machine has an address.
    Gained(Configuration),
    /// The machine has another address, router or name server. Connections of the old address
    /// break.
    Changed(Configuration),
    /// The IPv6 addresses, the router or the name servers are now these; there may be none.
    #[cfg(feature = "ipv6")]
    Ipv6(super::Ipv6Configuration),
    /// The machine has no address any more: its lease has expired, or the server has withdrawn it.
    Lost,
}

/// The changes of the network, one after the other.
///
/// The first events describe the current state: [`Event::LinkUp`] if there is a link, then
/// [`Event::Gained`] if there is an address. Several changes between two calls of
/// [`next`](Self::next) become one, so a slow reader misses no lasting change and needs no queue.
///
/// ```no_run
/// # async fn watch(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let mut events = kernel.net()?.events(); loop { vmos::println!("{:?}", events.next().await); }
/// # }
/// ```
pub struct Events {
    net: Net,
    link_up: bool,
    configuration: Option<Configuration>,
    #[cfg(feature = "ipv6")]
    ipv6: super::Ipv6Configuration,
}

impl Net {
    /// Returns a stream of the changes of the network from now on, which starts with the current
    /// state.
    #[must_use]
    pub fn events(&self) -> Events {
        Events {
            net: *self,
            link_up: false,
            configuration: None,
            #[cfg(feature = "ipv6")]
            ipv6: super::Ipv6Configuration::default(),
        }
    }

    /// Returns whether the network device has a link.
    #[must_use]
    pub fn link_is_up(&self) -> bool {
        self.stack.link_is_up()
    }
}

impl Events {
    /// Waits for the next change.
    pub async fn next(&mut self) -> Event {
        poll_fn(|context| match self.change() {
            Some(event) => Poll::Ready(event),
            None => {
                self.net.wake_when_configured(context.waker());
                Poll::Pending
            }
        })
        .await
    }

    pub(super) fn change(&mut self) -> Option<Event> {
        let link_up = self.net.link_is_up();
        if self.link_up != link_up {
            self.link_up = link_up;
            return Some(match link_up {
                true => Event::LinkUp,
                false => Event::LinkDown,
            });
        }
        #[cfg(feature = "ipv6")]
        {
            let ipv6 = self.net.ipv6_configuration();
            if core::mem::replace(&mut self.ipv6, ipv6) != ipv6 {
                return Some(Event::Ipv6(ipv6));
            }
        }
        let configuration = self.net.configuration();
        let before = core::mem::replace(&mut self.configuration, configuration);
        match (before, configuration) {
            (None, Some(gained)) => Some(Event::Gained(gained)),
            (Some(before), Some(now)) if before != now => Some(Event::Changed(now)),
            (Some(_), None) => Some(Event::Lost),
            _ => None,
        }
    }
}
