//! Obtains the machine's address: a fixed one, or one from a DHCP server.

use core::net::Ipv4Addr;

use vmos_drivers::{info, warn};

use crate::net::address::Ip;
use crate::net::configuration::Configuration;
use crate::net::dhcp::{Client, News, Question};
use crate::net::statistics::{Counters, count};
use crate::time::NEVER;

/// The network configuration and its source.
pub(super) struct Configurator {
    link_up: bool,
    /// The client that requests the address, unless it is fixed.
    client: Option<Client>,
    /// The seed of new DHCP clients.
    seed: u64,
    current: Option<Configuration>,
}

/// The result of one step of the configuration.
pub(super) struct Step {
    pub(super) question: Option<Question>,
    /// The address to probe for.
    pub(super) probe: Option<Ipv4Addr>,
    /// Whether the network configuration changed.
    pub(super) changed: bool,
}

impl Configurator {
    pub(super) fn new(ip: Ip, mac: [u8; 6], seed: u64, now: u64) -> Self {
        let mut configurator = Self {
            link_up: true,
            client: None,
            seed,
            current: None,
        };
        configurator.replace(ip, mac, now);
        configurator
    }

    /// Replaces the current address by one from another source.
    pub(super) fn replace(&mut self, ip: Ip, mac: [u8; 6], now: u64) {
        self.client = None;
        self.current = None;
        match ip {
            Ip::Static {
                address,
                gateway,
                dns,
            } => {
                let mut configuration = Configuration::new(address, gateway);
                configuration.dns = dns;
                self.current = Some(configuration);
                info!("address {configuration}");
            }
            Ip::Dhcp => {
                self.seed = self.seed.wrapping_add(1);
                let mut client = Client::new(mac, self.seed);
                client.link(self.link_up, now, false);
                self.client = Some(client);
            }
        }
    }

    /// Returns the configuration; `None` while there is no address.
    pub(super) fn current(&self) -> Option<Configuration> {
        self.current
    }

    /// Reports the state of the link.
    pub(super) fn link(&mut self, up: bool, now: u64) {
        if up == self.link_up {
            return;
        }
        self.link_up = up;
        info!("link {}", if up { "up" } else { "down" });
        if let Some(client) = &mut self.client {
            client.link(up, now, self.current.is_some());
        }
    }

    /// Returns when [`work`](Self::work) is due, in nanoseconds.
    #[inline]
    pub(super) fn deadline(&self) -> u64 {
        self.client.as_ref().map_or(NEVER, Client::deadline)
    }

    /// Performs the next action that is due.
    pub(super) fn work(&mut self, now: u64) -> Step {
        let mut step = Step {
            question: None,
            probe: None,
            changed: false,
        };
        let Some(client) = &mut self.client else {
            return step;
        };
        match client.work(now) {
            News::Ask(question) => step.question = Some(question),
            News::Probe(address) => step.probe = Some(address),
            news => step.changed = self.take(news),
        }
        step
    }

    /// Handles an ARP message in which another machine uses `address`. Returns whether this machine
    /// therefore declines the address.
    pub(super) fn conflict(&mut self, address: Ipv4Addr, now: u64) -> bool {
        let client = self.client.as_mut();
        client.is_some_and(|client| client.conflict(address, now))
    }

    /// Passes a message to the client. Returns whether the configuration changed.
    pub(super) fn hear(&mut self, message: &[u8], counters: &Counters, now: u64) -> bool {
        let Some(client) = &mut self.client else {
            return false;
        };
        let refused = client.refused();
        let news = client.hear(message, now);
        if client.refused() != refused {
            count(&counters.dhcp_refused);
        }
        self.take(news)
    }

    fn take(&mut self, news: News) -> bool {
        let wanted = match news {
            News::Leased(configuration) => Some(configuration),
            News::Lost => None,
            _ => return false,
        };
        if wanted == self.current {
            return false;
        }
        self.current = wanted;
        match wanted {
            Some(configuration) => info!("address {configuration}, by DHCP"),
            None => warn!("the DHCP lease has ended; this machine has no address"),
        }
        true
    }
}
