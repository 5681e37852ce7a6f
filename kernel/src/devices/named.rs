//! The networks: one for each network device, with its name, addresses and metric from the command
//! line, or its name from the board file.
//!
//! `nic.NAME=` gives a name to the device with a hardware address (`52:54:00:12:34:57`) or at a place
//! (`slot30` of virtio-mmio, `00:03.0` on PCI), neither of which changes if a device is added.
//! `[nic.NAME]` in the board file does the same, unless the command line gives the device another
//! name, or the name to another device. A device without a name has its hardware address as its name.
//! `ip.NAME=`, `ip6.NAME=` and `metric.NAME=` belong to the network of that name.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::cell::{Cell, OnceCell};
use core::str::FromStr;

use vmos_drivers::board::NamedDevice;
use vmos_drivers::warn;

use super::Place;
use super::interfaces::Handles;
use super::stack::{self, Addresses};
use crate::command_line::CommandLine;
use crate::machine;
use crate::net::claim::Card;
use crate::net::{HardwareAddress, Net, Network, NetworkStatistics};

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
        let name = name(card.address(), card.place, command_line, &[]);
        let otherwise = Addresses::of_first(command_line);
        Some(start(card, addresses(&name, command_line, otherwise)))
    }

    /// Returns the networks, that of [`Kernel::net`](crate::Kernel::net) first. The first call claims
    /// the devices that nobody has claimed, and starts the kernel's stack on them.
    pub(crate) fn networks(&self, command_line: CommandLine<'static>) -> &'static [Network] {
        self.networks.all.get_or_init(|| {
            let mut names = Vec::new();
            let mut all = Vec::new();
            let (first, others): (Vec<&Card>, Vec<&Card>) = self
                .cards
                .iter()
                .partition(|card| card.claim.stack().is_some());
            let others = others.into_iter().filter(|card| card.claim.take());
            for card in first.into_iter().chain(others) {
                let name = name(card.address(), card.place, command_line, &names);
                let name = match name {
                    Cow::Borrowed(name) => name,
                    Cow::Owned(name) => Box::leak(name.into_boxed_str()),
                };
                let net = match card.claim.stack() {
                    Some(stack) => Net::new(stack),
                    None => start(card, addresses(name, command_line, Addresses::default())),
                };
                let metric = word(command_line, "metric", name).unwrap_or_default();
                names.push(name);
                let number = all.len() as u32 + 1;
                all.push(Network::new(number, name, metric, net));
            }
            report_unknown(command_line, &names);
            let all = Box::leak(all.into_boxed_slice());
            self.reseed(all);
            all
        })
    }

    /// Returns the network whose device has this hardware address, once its stack was started.
    pub(crate) fn net_of(&self, address: HardwareAddress) -> Option<Net> {
        let stacks = self.cards.iter().filter_map(|card| card.claim.stack());
        let mut all = stacks.map(Net::new);
        all.find(|net| net.hardware_address() == address)
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

/// Starts the kernel's stack on a device.
fn start(card: &Card, addresses: Addresses) -> Net {
    let stack = stack::start(&mut card.driver.borrow_mut(), addresses);
    card.claim.serve(stack);
    Net::new(stack)
}

/// Returns the name of a device: the one that the command line or else the board file gives to it, unless
/// a device before it has that name, and otherwise its hardware address.
fn name<'a>(
    address: HardwareAddress,
    place: Place,
    command_line: CommandLine<'a>,
    before: &[&str],
) -> Cow<'a, str> {
    let given = given_name(address, place, command_line);
    match given.or_else(|| described_name(address, place, command_line, machine::NICS)) {
        Some(given) if before.contains(&given) => {
            let of = if names(command_line).any(|(name, _)| name == given) {
                "command line"
            } else {
                "board file"
            };
            warn!("{of}, nic.{given}: two network devices are meant; {place} is called {address}");
            Cow::Owned(address.to_string())
        }
        Some(given) => Cow::Borrowed(given),
        None => Cow::Owned(address.to_string()),
    }
}

/// Returns the name that the command line gives to a device; the last one counts.
fn given_name(
    address: HardwareAddress,
    place: Place,
    command_line: CommandLine<'_>,
) -> Option<&str> {
    let names = names(command_line).filter(|(_, device)| match device.parse::<HardwareAddress>() {
        Ok(named) => named == address,
        Err(_) => place.is_called(device),
    });
    names.map(|(name, _)| name).last()
}

/// Returns the name that the board file gives to a device, unless the command line gives it to one.
fn described_name(
    address: HardwareAddress,
    place: Place,
    command_line: CommandLine<'_>,
    described: &'static [NamedDevice],
) -> Option<&'static str> {
    let is_meant = |named: &&NamedDevice| {
        let own = named.identity.and_then(|text| text.parse().ok());
        let is_free = || !names(command_line).any(|(name, _)| name == named.name);
        (own == Some(address) || place.is_of(named)) && is_free()
    };
    described.iter().find(is_meant).map(|named| named.name)
}

/// Returns the words `nic.NAME=DEVICE` of the command line.
fn names(command_line: CommandLine<'_>) -> impl Iterator<Item = (&str, &str)> {
    let words = command_line.words();
    let names = words.filter_map(|word| word.strip_prefix("nic.")?.split_once('='));
    names.filter(|(name, _)| !name.is_empty())
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

/// Reports the names of devices that do not exist, and the words for networks that do not exist.
fn report_unknown(command_line: CommandLine<'_>, known: &[&str]) {
    for (name, device) in names(command_line) {
        if !known.contains(&name) {
            warn!(
                "command line, nic.{name}={device}: no network device has this address or place, or it \
                 has another name or user"
            );
        }
    }
    for word in command_line.words() {
        let of_network = ["ip.", "ip6.", "metric."]
            .iter()
            .find_map(|of| word.strip_prefix(of));
        if let Some((name, _)) = of_network.and_then(|rest| rest.split_once('='))
            && !known.contains(&name)
        {
            warn!(
                "command line, {word}: it is not used, because no network is called `{name}`: \
                 nic.{name}= or the board file names a device, and a device without a name is \
                 called by its hardware address"
            );
        }
    }
}

#[cfg(test)]
mod tests;
