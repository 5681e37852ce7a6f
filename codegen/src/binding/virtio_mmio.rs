//! A row of virtio-mmio slots (Virtual I/O Device version 1.2, 4.2).

use crate::board::{self, Block};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{Address, Interrupt, Number, Size, hexadecimal};
use crate::part::claims::{Claimed, Claims, Extent, Rule, Wiring};
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, place};

table! {
    /// A series of virtio-mmio slots, each of which may contain a device.
    pub struct VirtioMmio {
        /// The first address of slot 0.
        base: Address => required,
        /// The distance between slots, at least 0x200.
        stride: Size => required,
        /// The number of virtio-mmio slots.
        count: Number<1, 1024> => required,
        /// The interrupt of slot 0; slot n raises this number plus n.
        interrupt: Interrupt => required,
    }
}

/// The size of a slot's registers, with the configuration of its device from 0x100 on (4.2.2).
const SLOT: u64 = 0x200;

/// The interrupt of a slot is level-triggered: the line stays high until InterruptACK is written
/// (4.2.2.1).
const USUAL: board::Trigger = board::Trigger::Level;

/// The `compatible` string of a slot in a device tree.
const KINDS: &[&str] = &["virtio,mmio"];

/// QEMU's name of a slot.
const MODEL: &str = "virtio-mmio";

/// The registers of a slot (Virtual I/O Device version 1.2, 4.2.2).
const REGISTERS: &[(&str, u64, u8)] = &[
    ("MagicValue", 0x000, 4),
    ("Version", 0x004, 4),
    ("DeviceID", 0x008, 4),
    ("InterruptStatus", 0x060, 4),
    ("Status", 0x070, 4),
    ("ConfigGeneration", 0x0FC, 4),
];

impl VirtioMmio {
    /// The slots with all defaults applied.
    pub(crate) fn resolve(&self, around: &Surroundings<'_>) -> Option<board::VirtioMmio> {
        let count = self.count.value()?.0;
        Some(board::VirtioMmio {
            base: self.base.value()?.0,
            stride: self.stride.value()?.0,
            count,
            interrupts: around.number(*self.interrupt.value()?, count, USUAL)?,
        })
    }

    /// The registers of each slot, for a debugger.
    pub(crate) fn registers(slots: &board::VirtioMmio) -> Vec<Block> {
        let slot = |slot: u32| {
            let base = slots.base + u64::from(slot) * slots.stride;
            Block::fixed(&format!("virtio-mmio.{slot}"), base, REGISTERS)
        };
        (0..slots.count).map(slot).collect()
    }

    /// Returns the table for an imported machine that has such slots.
    pub(crate) fn import(machine: &Machine<'_>) -> Option<Section> {
        let mut slots = machine.all(KINDS);
        if slots.is_empty() {
            slots = machine.all(&[MODEL]);
        }
        // QEMU adds its nodes to those of a device tree that is given.
        slots.dedup_by_key(|slot| slot.base());
        let (first, second) = (slots.first()?, slots.get(1));
        let base = first.base()?;
        let stride = second.and_then(|second| second.base()?.checked_sub(base));
        // Firmware's tables may contain only slots with a device.
        let interrupt = (0..).zip(&slots).find_map(|(nth, slot): (u32, _)| {
            let interrupt = slot.interrupts.first().copied().flatten()?;
            interrupt.checked_sub(nth)
        })?;
        let section = Section::new("virtio-mmio")
            .line("base", hexadecimal(base))
            .line(
                "stride",
                stride.map_or("0x200".to_owned(), |stride| format!("{stride:#x}")),
            )
            .line("count", slots.len());
        let section = machine.interrupt(section, "interrupt", interrupt);
        Some(section.beside("slot n raises this number plus n"))
    }

    /// Returns the range from the first slot to the last register of the last one. It includes the
    /// gaps between slots, which no other part may use.
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
        // A slot needs no page of its own; in QEMU, eight share a page.
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
        expected.part(&self.place, KINDS).model(MODEL).row(
            &self.base,
            &self.stride,
            &self.count,
            &self.interrupt,
        );
    }

    fn check(&self, _around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
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
