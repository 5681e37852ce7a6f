//! The PVH boot protocol: an ELF file with a note that contains its 32-bit entry point (Xen,
//! docs/misc/pvh.pandoc; public/arch-x86/hvm/start_info.h).

use super::image;
use crate::board::{self, Architecture};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{Address, Located, hexadecimal};
use crate::machine::device::Device;
use crate::notation;
use crate::part::claims::{Claimed, RangeClaim};
use crate::part::draft::Machine;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, Loader, place};

table! {
    /// An ELF file for the PVH boot protocol: entered in 32-bit mode, with the address of the start
    /// info, which contains the RAM ranges and the command line, in ebx.
    pub struct Pvh {
        /// The load address of the image, in RAM, from 1 MiB on and below 4 GiB.
        load_address: Address => required,
    }
}

/// The first MiB, which firmware uses while it loads the image.
const LOWEST: u64 = 1 << 20;
/// The limit of the load address: the PVH entry code is 32-bit.
const HIGHEST: u64 = 1 << 32;

fn misplaced(load: &Located<Address>, ram: &RangeClaim) -> Option<Diagnostic> {
    let (label, help) = if load.value.0 < LOWEST {
        ("firmware uses this memory while it loads the image", LOWEST)
    } else if load.value.0 >= HIGHEST {
        ("the entry code is 32-bit", LOWEST.max(ram.range.base))
    } else {
        return None;
    };
    let title = "the load address is not between 1 MiB and 4 GiB";
    Some(
        Diagnostic::new(Code::BadLoadAddress, load.at, title)
            .label(label)
            .help(format!("a usual address is {}", hexadecimal(help))),
    )
}

impl Binding for Pvh {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::X86_64])
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
        let wrong =
            misplaced(load, ram).or_else(|| image::no_room(load, ram, Vec::new(), around, claimed));
        if let Some(diagnostic) = wrong {
            problems.report(diagnostic);
        }
    }
}

impl Loader for Pvh {}

impl Driver for Pvh {
    const NAME: &'static str = "pvh";
    type Resolved = board::Boot;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let load_address = self.load_address.value()?.0;
        Some(board::Boot {
            key: "boot.pvh",
            card: format!("PVH, ELF file at {}", notation::address(load_address)),
            load_address,
            load_key: "boot.pvh.load-address",
            form: board::ImageForm::Elf,
            reset: None,
            takes_firmware: false,
            leaves_a_table: true,
            has_entry_note: true,
            arguments: &[],
            entry: Vec::new(),
        })
    }

    fn import(machine: &Machine<'_>, _device: &Device) -> Option<Section> {
        let section = Section::new("boot.pvh")
            .note("ebx has the address of the start info")
            .line("load-address", hexadecimal(LOWEST));
        machine.is_pc().then_some(section)
    }
}
