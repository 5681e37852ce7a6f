//! Devices whose interrupts go to another controller than the one that the kernel uses.

use crate::board::Range;
use crate::language::hexadecimal;
use crate::machine::Facts;
use crate::machine::device::Device;

/// Returns the machine without the interrupts of other controllers than the one at `base`.
pub(super) fn without(facts: &Facts, base: Option<u64>) -> Facts {
    let mut facts = facts.clone();
    for device in &mut facts.devices {
        let owners = device.controllers.clone();
        for (interrupt, owner) in device.interrupts.iter_mut().zip(owners) {
            if is_foreign(owner, base) {
                *interrupt = None;
            }
        }
        if let Some(bridge) = &mut device.bridge
            && bridge
                .pins
                .iter()
                .any(|pin| is_foreign(pin.controller, base))
        {
            bridge.intx = None;
        }
    }
    facts
}

/// Returns why the device at a range is left out, if its interrupts go to another controller.
pub(super) fn reason(facts: &Facts, range: Range, base: Option<u64>) -> Option<String> {
    let is_it = |device: &&Device| device.regions().any(|region| region == range);
    let device = facts.devices.iter().find(is_it)?;
    let pins = device.bridge.iter().flat_map(|bridge| &bridge.pins);
    let owners = device.controllers.iter().copied();
    let mut owners = owners.chain(pins.map(|pin| pin.controller));
    let owner = owners.find(|owner| is_foreign(*owner, base)).flatten()?;
    Some(format!(
        "its interrupts go to another controller, at {}",
        hexadecimal(owner)
    ))
}

fn is_foreign(owner: Option<u64>, base: Option<u64>) -> bool {
    owner.is_some() && base.is_some() && owner != base
}
