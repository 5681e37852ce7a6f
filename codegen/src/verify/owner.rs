//! Compares the controllers of the interrupts. Two controllers of a kind number their inputs from
//! the same start, so an equal number does not show that the described controller receives the
//! interrupt.

use std::borrow::Cow;

use super::Comparison;
use crate::description::Description;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::{Interrupt, Located, hexadecimal};
use crate::machine::Facts;
use crate::machine::device::{Bridge, Pin};
use crate::part::claims::Claimed;
use crate::part::expect::Part;

/// Returns the machine with the inputs of the described further controllers numbered as in the
/// board.
pub(super) fn numbered<'f>(
    description: &Description,
    claimed: &Claimed,
    facts: &'f Facts,
    problems: &mut Problems,
) -> Cow<'f, Facts> {
    let controller = description.controller();
    let further = controller.map_or_else(Vec::new, |one| one.binding().further());
    if further.is_empty() {
        return Cow::Borrowed(facts);
    }
    let all = description.expected().parts;
    let comparison = Comparison::new(description, claimed, facts, problems);
    let base = |path: &str| {
        let part = all.iter().find(|part| part.path() == path)?;
        facts.devices[comparison.device_of(part, &all)?].base()
    };
    let bases = further.iter();
    let bases: Vec<(u64, u32)> = bases
        .filter_map(|one| Some((base(&one.path)?, one.first)))
        .collect();
    Cow::Owned(facts.numbered(&bases))
}

impl Comparison<'_> {
    /// Finds the first addresses of the described controller's devices in the machine.
    pub(super) fn find_controllers(&mut self, all: &[Part]) {
        let place = self
            .description
            .controller()
            .map(|one| one.binding().place());
        let Some(place) = place else { return };
        let is_of_it = |part: &&Part| {
            let rest = part.path().strip_prefix(place.path.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let parts = all.iter().filter(is_of_it);
        let devices = parts.filter_map(|part| self.device_of(part, all));
        let bases = devices.filter_map(|index| self.facts.devices[index].base());
        let bases: Vec<u64> = bases.collect();
        self.controllers = self.facts.with_children(&bases);
    }

    /// Reports an interrupt that another controller receives, and returns whether it does. Nothing
    /// is reported if either controller is unknown.
    pub(super) fn is_foreign(
        &mut self,
        interrupt: &Located<Interrupt>,
        controller: Option<u64>,
        kind: &str,
    ) -> bool {
        let (Some(described), Some(owner)) = (self.controllers.first(), controller) else {
            return false;
        };
        if self.controllers.contains(&owner) {
            return false;
        }
        let described = hexadecimal(*described);
        let place = self
            .description
            .controller()
            .map(|one| one.binding().place());
        let path = place.map_or("interrupt-controller", |place| place.path.as_str());
        let part = interrupt.path.rsplit_once('.').map(|(part, _)| part);
        let part = part.unwrap_or(&interrupt.path);
        let title = format!("another interrupt controller has `{}`", interrupt.path);
        let address = hexadecimal(owner);
        let name = self.facts.describe(owner);
        let name = name.unwrap_or_else(|| "the controller".to_owned());
        let further = self.further(owner).map(|(line, name)| {
            let Interrupt { space, number, .. } = interrupt.value;
            format!(
                "describe it too, in [{path}]:\n{line}\nand write {} for `{}`",
                space.of(&name).written(number),
                interrupt.path
            )
        });
        self.problems.report(
            Diagnostic::new(Code::MachineInterrupt, interrupt.at, title)
                .label(format!("{kind} raises an input of {name} at {address}"))
                .helps(further)
                .note(format!(
                    "`{path}` is at {described}, and the kernel serves only this one: no interrupt of \
                     {kind} would arrive"
                ))
                .without(part)
                .help(format!(
                    "then list its addresses under [undescribed]; or describe a machine in which \
                     {kind} is wired to `{path}`"
                )),
        );
        true
    }

    /// Compares the wiring of a PCI host bridge with the line of INTA of slot 0: pin p of slot s
    /// raises the line that follows it by (s + p) % 4.
    pub(super) fn pins(&mut self, intx: &Located<Interrupt>, bridge: &Bridge, kind: &str) {
        let owners = bridge.pins.iter().map(|pin| pin.controller);
        let foreign = owners
            .flatten()
            .find(|owner| !self.controllers.contains(owner));
        if self.is_foreign(intx, foreign, kind) {
            return;
        }
        let line = bridge.intx.or_else(|| first_line(&bridge.pins));
        self.interrupt(intx, line, kind);
        let Some(line) = line else { return };
        let differs = |pin: &&Pin| pin.interrupt != line + (pin.slot + pin.pin) % 4;
        if let Some(pin) = bridge.pins.iter().find(differs) {
            let title = format!("the machine's wiring does not follow `{}`", intx.path);
            let letter = char::from(b'A' + u8::try_from(pin.pin % 4).unwrap_or_default());
            let right = self.in_its_space(pin.interrupt);
            self.problems.report(
                Diagnostic::new(Code::MachineInterrupt, intx.at, title)
                    .label(format!("INT{letter} of slot {} raises {right}", pin.slot))
                    .note("pin p of slot s must raise the line of slot 0 plus (s + p) % 4")
                    .help("describe the slots with other wiring under `intx-slots`"),
            );
        }
    }
}

/// Returns the line of INTA of slot 0 that follows from the first pin of a map.
fn first_line(pins: &[Pin]) -> Option<u32> {
    let first = pins.first()?;
    first.interrupt.checked_sub((first.slot + first.pin) % 4)
}
