//! A row of virtio-mmio slots (Virtual I/O Device version 1.2, 4.2).

use super::{Binding, place};
use crate::board;
use crate::check::Claimed;
use crate::check::claims::{Claims, Extent, Rule, Wiring};
use crate::description::table::table;
use crate::description::{Address, Description, Interrupt, Number, Size};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::machine::expect::Expected;

table! {
    /// A series of virtio-mmio slots, each of which may contain a device.
    pub struct VirtioMmio {
        /// The first address of slot 0.
        base: Address => required,
        /// The distance between slots, at least 0x200.
        stride: Size => required,
        /// The number of slots.
        count: Number<1, 1024> => required,
        /// The interrupt of slot 0; slot n raises this number plus n.
        interrupt: Interrupt => required,
    }
}

/// The registers of a slot, with the configuration of its device from 0x100 on (4.2.2).
const SLOT: u64 = 0x200;

/// The line stays high until InterruptACK is written (4.2.2.1).
const USUAL: board::Trigger = board::Trigger::Level;

impl VirtioMmio {
    /// The slots with nothing left unsaid.
    pub(crate) fn resolve(&self, description: &Description) -> Option<board::VirtioMmio> {
        let count = self.count.value()?.0;
        Some(board::VirtioMmio {
            base: self.base.value()?.0,
            stride: self.stride.value()?.0,
            count,
            interrupts: description.number(*self.interrupt.value()?, count, USUAL)?,
        })
    }

    /// From the first slot to the last register of the last one; the strides between may leave gaps
    /// that belong to nothing else.
    fn extent(&self) -> Option<Extent> {
        let sound = |bytes: u64| bytes >= SLOT && bytes.is_multiple_of(4);
        let stride = self.stride.get().filter(|stride| sound(stride.value.0))?;
        let count = u64::from(self.count.value()?.0);
        let bytes = stride
            .value
            .0
            .checked_mul(count.checked_sub(1)?)?
            .checked_add(SLOT)?;
        Some(Extent {
            bytes,
            at: stride.at,
        })
    }
}

impl Binding for VirtioMmio {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        // A slot needs no page of its own; QEMU has eight to a page.
        let rule = Rule {
            size: 4,
            ..Rule::registers("virtio-mmio slots", SLOT, SLOT)
        };
        claims.range(&self.place.path, &self.base, self.extent(), rule);
        let key = format!("{}.interrupt", self.place.path);
        let count = self.count.value().map(|count| count.0);
        claims.interrupts(&key, &self.interrupt, count, Wiring::Shared, USUAL);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, &["virtio,mmio"])
            .model("virtio-mmio")
            .row(&self.base, &self.stride, &self.count, &self.interrupt);
    }

    fn check(&self, _description: &Description, _claimed: &Claimed, problems: &mut Problems) {
        let Some(stride) = self.stride.get() else {
            return;
        };
        let bytes = stride.value.0;
        if bytes < SLOT {
            let title = "the stride is smaller than a slot's registers";
            problems.report(
                Diagnostic::new(Code::BlockTooSmall, stride.at, title)
                    .label(format!("a virtio-mmio slot takes {SLOT:#x} bytes")),
            );
        } else if !bytes.is_multiple_of(4) {
            let title = format!("`{}` is not a multiple of 4 bytes", stride.path);
            problems.report(
                Diagnostic::new(Code::Misaligned, stride.at, title)
                    .label("registers are 32 bits wide"),
            );
        }
    }
}
