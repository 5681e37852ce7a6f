//! The networks: one for each network device, with its name, addresses and metric from the command
//! line.
//!
//! `nic.NAME=` gives a name to the device with a hardware address (`52:54:00:12:34:57`) or at a place
//! (`slot30` of virtio-mmio, `00:03.0` on PCI), neither of which changes if a device is added. A
//! device without a name has its hardware address as its name. `ip.NAME=`, `ip6.NAME=` and
//! `metric.NAME=` belong to the network of that name.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::cell::{Cell, OnceCell};
use core::str::FromStr;

use vmos_drivers::warn;

use super::Place;
use super::interfaces::Handles;
use super::stack::{self, Addresses};
use crate::command_line::CommandLine;
use crate::net::claim::Card;
use crate::net::{HardwareAddress, Net, Network, NetworkStatistics};

/// What a device without a name is called.
type Name = &'static str;

/// The networks, once an app has asked for them.
#[derive(Default)]
pub(crate) struct Made {
    all: OnceCell<&'static [Network]>,
    /// What all numbers that attackers must not predict are derived from, once it is known.
    key: Cell<Option<u128>>,
}

impl Handles {
    /// Starts the stack of the device that was added last, as the network that
    /// [`Kernel::net`](crate::Kernel::net) returns. The words with its name come before those for the
    /// first device.
    pub(super) fn start_first(&self, command_line: CommandLine<'_>) -> Option<Net> {
        let card = self.cards.last().filter(|card| card.claim.take())?;
        Some(start(card, command_line, Addresses::of_first(command_line)))
    }

    /// Returns the networks, that of [`Kernel::net`](crate::Kernel::net) first. The first call claims
    /// the devices that nobody has claimed, and starts the kernel's stack on them.
    pub(crate) fn networks(&self, command_line: CommandLine<'static>) -> &'static [Network] {
        self.networks.all.get_or_init(|| {
            let mut all = Vec::new();
            let first = self.cards.iter().filter_map(|card| {
                let net = Net::new(card.claim.stack()?);
                Some((net, card.place))
            });
            let first: Vec<_> = first.collect();
            let others = self.cards.iter().filter(|card| card.claim.take());
            let others = others.map(|card| {
                let net = start(card, command_line, Addresses::default());
                (net, card.place)
            });
            for (net, place) in first.into_iter().chain(others) {
                all.push(network(net, place, command_line, &all));
            }
            report_unknown(command_line, &all);
            let all = Box::leak(all.into_boxed_slice());
            self.reseed(all);
            all
        })
    }

    /// Derives all numbers that attackers must not predict from `key`, which must be random: those of
    /// the networks, now or once they are started.
    pub(crate) fn set_key(&self, key: u128) {
        self.networks.key.set(Some(key));
        self.reseed(self.networks.all.get().copied().unwrap_or_default());
    }

    fn reseed(&self, all: &[Network]) {
        if let Some(key) = self.networks.key.get() {
            Network::reseed(all.iter(), key);
        }
    }

    /// Returns the counts of each network, once an app has asked for them.
    pub(crate) fn statistics(&self) -> Vec<NetworkStatistics> {
        let all = self.networks.all.get().copied().unwrap_or_default();
        all.iter().map(Network::statistics).collect()
    }
}

/// Starts the kernel's stack on a device. The words with its name come before `otherwise`.
fn start(card: &Card, command_line: CommandLine<'_>, otherwise: Addresses) -> Net {
    let mut nic = card.driver.borrow_mut();
    let name = name(HardwareAddress(nic.mac()), card.place, command_line);
    let sources = name.map(|name| addresses(name, command_line, otherwise));
    let stack = stack::start(&mut nic, sources.unwrap_or(otherwise));
    card.claim.serve(stack);
    Net::new(stack)
}

/// Returns the network of a device. Those before it are `others`.
fn network(
    net: Net,
    place: Place,
    command_line: CommandLine<'static>,
    others: &[Network],
) -> Network {
    let address = net.hardware_address();
    let is_free = |name: &Name| !others.iter().any(|other| other.name() == *name);
    let given = name(address, place, command_line);
    let name = given.filter(is_free);
    if let (Some(given), None) = (given, name) {
        warn!(
            "command line, nic.{given}=: two network devices are meant; {place} is called {address}"
        );
    }
    let metric = name.and_then(|name| word(command_line, "metric", name));
    Network::new(
        name.unwrap_or_else(|| Box::leak(address.to_string().into_boxed_str())),
        metric.unwrap_or_default(),
        net,
    )
}

/// Returns the name that the command line gives to a device; the last one counts.
fn name(address: HardwareAddress, place: Place, command_line: CommandLine<'_>) -> Option<&str> {
    let names = names(command_line).filter(|(_, device)| match device.parse::<HardwareAddress>() {
        Ok(named) => named == address,
        Err(_) => is_at(place, device),
    });
    names.map(|(name, _)| name).last()
}

/// Returns the words `nic.NAME=DEVICE` of the command line.
fn names(command_line: CommandLine<'_>) -> impl Iterator<Item = (&str, &str)> {
    let words = command_line.words();
    let names = words.filter_map(|word| word.strip_prefix("nic.")?.split_once('='));
    names.filter(|(name, _)| !name.is_empty())
}

/// Returns whether `text` names the place: `slot30`, or `00:03.0`.
fn is_at(place: Place, text: &str) -> bool {
    match place {
        Place::MmioSlot { slot, .. } => {
            let number = text.strip_prefix("slot").map(str::parse);
            number == Some(Ok(slot))
        }
        Place::Pci(address) => address.to_string() == text,
    }
}

/// Returns the sources of the addresses of the network `name`.
fn addresses(name: &str, command_line: CommandLine<'_>, otherwise: Addresses) -> Addresses {
    Addresses {
        ip: word(command_line, "ip", name).unwrap_or(otherwise.ip),
        #[cfg(feature = "ipv6")]
        ip6: word(command_line, "ip6", name).unwrap_or(otherwise.ip6),
    }
}

/// Returns the value of the last word `of.name=`; `None` if there is none, or if it cannot be parsed.
fn word<T: FromStr<Err: core::fmt::Display>>(
    command_line: CommandLine<'_>,
    of: &str,
    name: &str,
) -> Option<T> {
    let words = command_line.words().filter_map(|word| {
        let rest = word.strip_prefix(of)?.strip_prefix('.')?;
        rest.strip_prefix(name)?.strip_prefix('=')
    });
    let text = words.last()?;
    let value = text.parse();
    value
        .inspect_err(|error| warn!("command line, {of}.{name}={text}: {error}; it is not used"))
        .ok()
}

/// Reports the names of devices that do not exist.
fn report_unknown(command_line: CommandLine<'_>, all: &[Network]) {
    for (name, device) in names(command_line) {
        if !all.iter().any(|network| network.name() == name) {
            warn!(
                "command line, nic.{name}={device}: no network device has this address or place, or it \
                 has another name or user"
            );
        }
    }
}

#[cfg(test)]
mod tests;
