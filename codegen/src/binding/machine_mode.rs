//! A RISC-V machine that starts the kernel itself, without firmware.

use super::sbi_payload::{FIRMWARE, device_tree, usual_offset};
use super::{image, riscv};
use crate::board::{self, Architecture, EntryValue, ImageForm, Reset};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{Address, Located, Number, hexadecimal};
use crate::machine::device::Device;
use crate::notation;
use crate::part::Entered;
use crate::part::claims::{Claimed, Purpose, RangeClaim};
use crate::part::draft::Machine;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, Loader, place};
use crate::source::Location;

table! {
    /// No firmware: out of reset, all harts start at the entry in M mode. a0 contains the hart ID
    /// and a1 the address of the device tree, if there is one.
    pub struct MachineMode {
        /// The address to which the machine's reset code jumps.
        entry: Address => required,
        /// The load address of the image. Without it, the entry. If it differs, a jump is placed at
        /// the entry, and the space in between is free for firmware: `cargo xtask run --bios FILE`
        /// starts the same image in S mode.
        load_address: Address => optional,
        /// The number of the hart that runs the kernel (`mhartid`); all others are parked. Every machine
        /// has a hart 0 (RISC-V privileged architecture, 3.1.5).
        hart: Number<0, 4095> => default("0"),
        /// Reports a jump at the entry that overlaps the image, or leaves no room for firmware
        /// before the image.
        form: ImageForm => default("elf"),
    }
}

/// Returns the error if the jump at the entry and the image overlap, or leave no room for firmware
/// between them.
fn too_near(entry: &Located<Address>, load: &Located<Address>) -> Option<Diagnostic> {
    let behind = entry.value.0.saturating_add(FIRMWARE);
    if load.value.0 == entry.value.0 || load.value.0 >= behind {
        return None;
    }
    let title = "the load address leaves no room for firmware";
    Some(
        Diagnostic::new(Code::BadLoadAddress, load.at, title)
            .label(format!("at least {} is needed", hexadecimal(behind)))
            .also(entry.at, "firmware is loaded here")
            .help("remove it to load the image at the entry"),
    )
}

/// Returns the error for an entry that is not the first address of RAM. The reset code of QEMU's
/// machines jumps there, whatever the entry in the image is.
fn not_at_the_start(entry: &Located<Address>, ram: &RangeClaim) -> Diagnostic {
    let first = hexadecimal(ram.range.base);
    let title = format!("`{}` is not where the machine starts", entry.path);
    Diagnostic::new(Code::BadLoadAddress, entry.at, title)
        .label("no instruction would be executed here")
        .also(ram.at, ram.describe())
        .note("out of reset, QEMU's machines jump to the start of RAM")
        .write(first)
}

impl MachineMode {
    /// Returns the load address of the image, with its location in the board file.
    fn load(&self) -> Option<&Located<Address>> {
        match self.load_address.optional()? {
            Some(load) => Some(load),
            None => self.entry.get(),
        }
    }

    /// Returns whether there is room for firmware, so that the kernel can start in S mode.
    pub(super) fn takes_firmware(&self) -> Option<bool> {
        let load = self.load_address.optional()?;
        let entry = self.entry.value()?;
        Some(load.is_some_and(|load| load.value.0 != entry.0))
    }

    fn misplaced(&self, ram: &RangeClaim, claimed: &Claimed) -> Option<Diagnostic> {
        let (entry, load) = (self.entry.get()?, self.load()?);
        let mut reserved = claimed.of(Purpose::Reserved);
        let taken = reserved.find(|one| (one.range.base..=one.last()).contains(&entry.value.0));
        if let Some(taken) = taken {
            let title = "the entry is in reserved memory";
            return Some(
                Diagnostic::new(Code::BadLoadAddress, entry.at, title)
                    .label("the kernel's first instruction goes here")
                    .also(taken.at, taken.describe()),
            );
        }
        if !(ram.range.base..=ram.last()).contains(&load.value.0) {
            return None;
        }
        too_near(entry, load)
    }
}

impl Binding for MachineMode {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::Riscv64, Architecture::Riscv32])
    }

    fn choices(&self) -> &'static [&'static str] {
        &["load-address", "hart"]
    }

    fn check(&self, around: &Surroundings<'_>, claimed: &Claimed, problems: &mut Problems) {
        if let Some(hart) = self.hart() {
            riscv::check_hart(&hart, "the hart of the kernel", around, problems);
        }
        let (Some(entry), Some(load)) = (self.entry.get(), self.load()) else {
            return;
        };
        if !image::is_aligned(load, problems) {
            return;
        }
        if load.at != entry.at && !image::is_aligned(entry, problems) {
            return;
        }
        if load.at != entry.at
            && image::ram_of(entry, "the entry", around, claimed, problems).is_none()
        {
            return;
        }
        let what = match self.load_address.is_absent() {
            true => "the entry",
            false => "the load address",
        };
        let Some(ram) = image::ram_of(load, what, around, claimed, problems) else {
            return;
        };
        if entry.value.0 != ram.range.base {
            problems.report(not_at_the_start(entry, ram));
            return;
        }
        let limits = device_tree(load, ram);
        let diagnostic = self
            .misplaced(ram, claimed)
            .or_else(|| image::no_room(load, ram, limits, around, claimed));
        if let Some(diagnostic) = diagnostic {
            problems.report(diagnostic);
        }
    }
}

impl Loader for MachineMode {
    fn hart(&self) -> Option<Located<u32>> {
        self.hart.get().map(|hart| hart.with(hart.value.0))
    }

    fn entered(&self) -> Option<(Entered, Location)> {
        let entered = match self.takes_firmware()? {
            true => Entered::Either,
            false => Entered::Machine,
        };
        Some((entered, self.place.at))
    }
}

impl Driver for MachineMode {
    const NAME: &'static str = "machine-mode";
    type Resolved = board::Boot;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let entry = self.entry.value()?.0;
        let load_address = self.load()?.value.0;
        let form = *self.form.value()?;
        let hart = self.hart.value()?.0;
        let at = notation::address(load_address);
        let takes_firmware = entry != load_address;
        let (card, load_key, modes) = if takes_firmware {
            let first = notation::address(entry);
            (
                format!(
                    "out of reset at {first}, {form} at {at}, entered in M mode, or in S mode by firmware"
                ),
                "boot.machine-mode.load-address",
                // The first mode is entered at the start of the image.
                vec!["supervisor", "machine"],
            )
        } else {
            (
                format!("out of reset, {form} at {at}, entered in M mode"),
                "boot.machine-mode.entry",
                vec!["machine"],
            )
        };
        Some(board::Boot {
            key: "boot.machine-mode",
            card,
            load_address,
            load_key,
            form,
            reset: Some(Reset {
                address: entry,
                key: "boot.machine-mode.entry",
            }),
            takes_firmware,
            leaves_a_table: true,
            has_entry_note: false,
            arguments: &["-bios", "none"],
            entry: vec![
                ("modes", EntryValue::Words(modes)),
                ("hart", EntryValue::Number(Some(hart.into()))),
            ],
        })
    }

    fn import(machine: &Machine<'_>, _device: &Device) -> Option<Section> {
        let load = machine.in_ram(usual_offset(machine.origin.architecture)?)?;
        if machine.has_firmware() {
            return None;
        }
        let note = match machine.has_tables() {
            true => "no firmware; a1 has the address of the device tree",
            false => "no firmware",
        };
        let section = Section::new("boot.machine-mode")
            .note(note)
            .line("entry", hexadecimal(machine.in_ram(0)?));
        Some(match machine.takes_firmware() {
            true => section.line("load-address", hexadecimal(load)),
            false => section,
        })
    }
}
