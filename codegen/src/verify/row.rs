//! Compares a row of equal devices: base, stride, count and interrupts.

use super::Comparison;
use crate::diagnostic::{Code, Diagnostic};
use crate::language::{Interrupt, Located, Size, hexadecimal};
use crate::part::expect::{Part, Row};

/// The row of devices as it is in the machine.
struct There {
    base: u64,
    /// The distance between devices, if it is constant.
    stride: Option<u64>,
    count: u64,
    /// The known interrupt of each device.
    interrupts: Vec<(u32, u32)>,
    /// The first known controller of an interrupt that is not the described one.
    foreign: Option<u64>,
}

impl Comparison<'_> {
    pub(super) fn row(&mut self, part: &Part, row: &Row) {
        // Without any known devices, the memory tree is the only source.
        if self.facts.devices.is_empty() {
            return;
        }
        self.compared.insert(part.place.path.clone());
        let Some(there) = self.row_there(part) else {
            let title = format!("the machine has no `{}`", part.place.path);
            self.problems.report(
                Diagnostic::new(Code::NotOnMachine, part.place.at, title).label(format!(
                    "{} has no {}",
                    self.facts.teller,
                    part.kinds.join(" or ")
                )),
            );
            return;
        };
        let kind = part.kinds.first().copied().unwrap_or_default();
        let path = &part.place.path;
        let mut agrees = true;
        let mut differ = |code, at, what: String, label: String, right: String| {
            agrees = false;
            self.problems
                .report(Diagnostic::new(code, at, what).label(label).write(right));
        };
        if let Some(base) = row.base.as_ref().filter(|base| base.value != there.base) {
            let title = format!("the machine has `{path}` at another address");
            let right = hexadecimal(there.base);
            let label = format!("the first {kind} is at {right}");
            differ(Code::MachineAddress, base.at, title, label, right);
        }
        if let (Some(stride), Some(right)) = (&row.stride, there.stride)
            && stride.value != right
        {
            let title = format!("the machine has another stride for `{path}`");
            let label = format!("every {kind} is {right:#x} bytes after the previous one");
            differ(
                Code::MachineRow,
                stride.at,
                title,
                label,
                Size(right).written(),
            );
        }
        if let Some(count) = row
            .count
            .as_ref()
            .filter(|count| count.value != there.count)
        {
            let title = format!("the machine has another count for `{path}`");
            let label = format!("{} has {} {kind}", self.facts.teller, there.count);
            differ(
                Code::MachineRow,
                count.at,
                title,
                label,
                there.count.to_string(),
            );
        }
        self.agreed.ranges += usize::from(agrees);
        if let Some(interrupt) = &row.interrupt
            && !self.is_foreign(interrupt, there.foreign, kind)
        {
            self.row_interrupts(interrupt, &there, kind);
        }
    }

    /// Finds the row of devices in the machine, and records its devices.
    fn row_there(&mut self, part: &Part) -> Option<There> {
        let devices = self.facts.devices.iter().enumerate();
        let devices = devices.filter(|(_, device)| device.is(&part.kinds));
        let mut slots: Vec<_> = devices
            .filter_map(|(index, device)| {
                let interrupt = device.interrupts.first().copied().flatten();
                Some((device.base()?, interrupt, index))
            })
            .collect();
        slots.sort_unstable();
        self.found.extend(slots.iter().map(|(.., index)| index));
        // A device tree may have several nodes for one device.
        slots.dedup_by_key(|(base, ..)| *base);
        let bases: Vec<u64> = slots.iter().map(|(base, ..)| *base).collect();
        let mut strides: Vec<u64> = bases.windows(2).map(|pair| pair[1] - pair[0]).collect();
        strides.dedup();
        let devices = slots.iter().map(|(.., index)| &self.facts.devices[*index]);
        let mut controllers = devices.filter_map(|device| device.controller(0));
        let foreign = controllers.find(|one| !self.controllers.contains(one));
        let numbered = (0_u32..).zip(&slots);
        Some(There {
            base: *bases.first()?,
            stride: match strides.as_slice() {
                [stride] => Some(*stride),
                _ => None,
            },
            count: u64::try_from(bases.len()).ok()?,
            interrupts: numbered
                .filter_map(|(slot, (_, interrupt, _))| Some((slot, (*interrupt)?)))
                .collect(),
            foreign,
        })
    }

    /// Compares the interrupts of the slots: slot n should raise the first number plus n.
    fn row_interrupts(&mut self, first: &Located<Interrupt>, there: &There, kind: &str) {
        let rights = there
            .interrupts
            .iter()
            .map(|(slot, interrupt)| interrupt.checked_sub(*slot));
        let mut rights: Vec<Option<u32>> = rights.collect();
        rights.dedup();
        match rights.as_slice() {
            [] => {}
            [Some(right)] => self.interrupt(first, Some(*right), &format!("the first {kind}")),
            _ => {
                let title = format!(
                    "the interrupts of the machine's slots do not follow `{}`",
                    first.path
                );
                self.problems.report(
                    Diagnostic::new(Code::MachineInterrupt, first.at, title)
                        .label(format!("the interrupts of {kind} are not consecutive")),
                );
            }
        }
    }
}
