//! The address of the machine: given, or from a DHCP server.

use vmos_drivers::{info, warn};

use crate::net::address::Ip;
use crate::net::configuration::Configuration;
use crate::net::dhcp::{Client, News, Question};
use crate::net::statistics::{Counters, count};
use crate::time::NEVER;

/// Keeps the configuration.
pub(super) struct Configurator {
    link_up: bool,
    /// Asks for the address where none was given.
    client: Option<Client>,
    /// What clients are made from.
    seed: u64,
    current: Option<Configuration>,
}

/// What the client wants done.
pub(super) struct Step {
    pub(super) question: Option<Question>,
    /// The configuration is another one.
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

    /// Gives up the address there is, for one from elsewhere.
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

    /// The configuration in force.
    pub(super) fn current(&self) -> Option<Configuration> {
        self.current
    }

    /// Tells of the link.
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

    /// When [`work`](Self::work) has something to do, in nanoseconds.
    #[inline]
    pub(super) fn deadline(&self) -> u64 {
        self.client.as_ref().map_or(NEVER, Client::deadline)
    }

    /// Does the next thing that is due.
    pub(super) fn work(&mut self, now: u64) -> Step {
        let mut step = Step {
            question: None,
            changed: false,
        };
        let Some(client) = &mut self.client else {
            return step;
        };
        match client.work(now) {
            News::Ask(question) => step.question = Some(question),
            news => step.changed = self.take(news),
        }
        step
    }

    /// Shows the client a message to it. Returns whether the configuration is another one.
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
            None => warn!("the address by DHCP is no longer ours"),
        }
        true
    }
}
