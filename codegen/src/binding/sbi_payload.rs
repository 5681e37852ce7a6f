//! The payload of SBI firmware on a RISC-V machine (OpenSBI and its like).

use super::image::{self, Limit};
use crate::board::{self, Architecture, EntryValue, ImageForm};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::scalar::choices;
use crate::language::table::table;
use crate::language::{Address, Located, hexadecimal};
use crate::machine::device::Device;
use crate::notation;
use crate::part::Entered;
use crate::part::claims::{Claimed, RangeClaim};
use crate::part::draft::Machine;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, Loader, place};
use crate::source::Location;

table! {
    /// The payload of SBI firmware. At entry, one hart runs in S mode: a0 contains its ID, a1 the
    /// address of the device tree; interrupts are masked, and address translation is off.
    pub struct SbiPayload {
        /// The load address of the image, in RAM, after the firmware.
        load_address: Address => required,
        /// The file format of the image.
        form: ImageForm => default("elf"),
    }
}

choices! { ImageForm {
    Elf = "elf": "an ELF file, which contains its load addresses",
    Flat = "flat": "a flat image of memory",
} }

/// The space that firmware uses at the start of its RAM (OpenSBI: 256 KiB to 512 KiB).
pub(super) const FIRMWARE: u64 = 512 << 10;

/// QEMU aligns the device tree near the end of RAM to this many bytes.
const DEVICE_TREE: u64 = 2 << 20;

/// Returns the start of the device tree as a limit, if the image is in the same range of RAM and
/// that range ends no later than where QEMU places the tree.
pub(super) fn device_tree(load: &Located<Address>, ram: &RangeClaim) -> Vec<Limit> {
    let end = ram.last() & !(DEVICE_TREE - 1);
    let limit = (load.value.0 < end).then(|| Limit {
        begin: end,
        what: "QEMU puts the device tree".to_owned(),
        at: ram.size_at,
    });
    limit.into_iter().collect()
}

impl Binding for SbiPayload {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::Riscv64, Architecture::Riscv32])
    }

    fn choices(&self) -> &'static [&'static str] {
        &["load-address"]
    }

    fn check(&self, around: &Surroundings<'_>, claimed: &Claimed, problems: &mut Problems) {
        let Some(load) = self.load_address.get() else {
            return;
        };
        let Some(ram) = image::place(load, around, claimed, problems) else {
            return;
        };
        let behind = ram.range.base.saturating_add(FIRMWARE);
        if load.value.0 < behind {
            let title = "the load address is where the firmware is";
            problems.report(
                Diagnostic::new(Code::BadLoadAddress, load.at, title)
                    .label("the beginning of RAM")
                    .also(ram.at, ram.describe())
                    .help(format!(
                        "a usual address is {}",
                        hexadecimal(ram.range.base.saturating_add(2 << 20))
                    )),
            );
            return;
        }
        let limits = device_tree(load, ram);
        if let Some(diagnostic) = image::no_room(load, ram, limits, around, claimed) {
            problems.report(diagnostic);
        }
    }
}

/// The offset from the start of RAM at which firmware places its payload: OpenSBI's
/// `FW_JUMP_OFFSET`.
pub(super) fn usual_offset(architecture: Architecture) -> Option<u64> {
    match architecture {
        Architecture::Riscv64 => Some(0x20_0000),
        Architecture::Riscv32 => Some(0x40_0000),
        _ => None,
    }
}

impl Loader for SbiPayload {
    fn entered(&self) -> Option<(Entered, Location)> {
        Some((Entered::Supervisor, self.place.at))
    }
}

impl Driver for SbiPayload {
    const NAME: &'static str = "sbi-payload";
    type Resolved = board::Boot;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let load_address = self.load_address.value()?.0;
        let form = *self.form.value()?;
        let at = notation::address(load_address);
        Some(board::Boot {
            key: "boot.sbi-payload",
            card: format!("SBI payload, {form} at {at}, entered in S mode"),
            load_address,
            load_key: "boot.sbi-payload.load-address",
            form,
            reset: None,
            takes_firmware: true,
            leaves_a_table: true,
            has_entry_note: false,
            arguments: &[],
            entry: vec![("modes", EntryValue::Words(vec!["supervisor"]))],
        })
    }

    fn import(machine: &Machine<'_>, _device: &Device) -> Option<Section> {
        let load = machine.in_ram(usual_offset(machine.origin.architecture)?)?;
        let note = match machine.has_tables() {
            true => "firmware comes first; a1 has the address of the device tree",
            false => "firmware comes first",
        };
        machine.has_firmware().then(|| {
            Section::new("boot.sbi-payload")
                .note(note)
                .line("load-address", hexadecimal(load))
        })
    }
}
