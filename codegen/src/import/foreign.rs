//! Devices whose interrupts go to another controller than the one that the kernel uses.

use crate::board::Range;
use crate::language::hexadecimal;
use crate::machine::Facts;
use crate::machine::device::Device;

/// Returns the machine without the interrupts of other controllers than those at `owners`.
pub(super) fn without(facts: &Facts, owners: &[u64]) -> Facts {
    let mut facts = facts.clone();
    for device in &mut facts.devices {
        for (interrupt, owner) in device.interrupts.iter_mut().zip(&device.controllers) {
            if is_foreign(*owner, owners) {
                *interrupt = None;
            }
        }
        if let Some(bridge) = &mut device.bridge
            && bridge
                .pins
                .iter()
                .any(|pin| is_foreign(pin.controller, owners))
        {
            bridge.intx = None;
        }
    }
    facts
}

/// Returns the kinds of the devices whose interrupts go to another controller of the same kind, each
/// once.
pub(super) fn kinds(facts: &Facts, owners: &[u64]) -> Vec<String> {
    let at = |base: u64| {
        let mut devices = facts.devices.iter();
        devices.find(move |device| device.base() == Some(base))
    };
    let own = owners.iter().filter_map(|base| at(*base));
    let own: Vec<&str> = own
        .flat_map(|device| &device.kinds)
        .map(String::as_str)
        .collect();
    let is_another = |owner: Option<u64>| {
        let device = owner.filter(|_| is_foreign(owner, owners)).and_then(at);
        device.is_some_and(|device| device.is(&own))
    };
    let unserved = facts.devices.iter().filter(|device| {
        let pins = device.bridge.iter().flat_map(|bridge| &bridge.pins);
        let pins = pins.map(|pin| pin.controller);
        device
            .controllers
            .iter()
            .copied()
            .chain(pins)
            .any(is_another)
    });
    let mut kinds: Vec<String> = Vec::new();
    for kind in unserved.filter_map(|device| device.kinds.first()) {
        if !kinds.contains(kind) {
            kinds.push(kind.clone());
        }
    }
    kinds
}

/// Returns why the device at a range is left out, if its interrupts go to another controller.
pub(super) fn reason(facts: &Facts, range: Range, owners: &[u64]) -> Option<String> {
    let is_it = |device: &&Device| device.regions().any(|region| region == range);
    let device = facts.devices.iter().find(is_it)?;
    let pins = device.bridge.iter().flat_map(|bridge| &bridge.pins);
    let all = device.controllers.iter().copied();
    let mut all = all.chain(pins.map(|pin| pin.controller));
    let owner = all.find(|owner| is_foreign(*owner, owners)).flatten()?;
    Some(format!(
        "its interrupts go to another controller, at {}",
        hexadecimal(owner)
    ))
}

/// Returns whether the controller at `owner` is none of `owners`. Nothing is foreign if these are
/// unknown.
fn is_foreign(owner: Option<u64>, owners: &[u64]) -> bool {
    owner.is_some_and(|owner| !owners.is_empty() && !owners.contains(&owner))
}
