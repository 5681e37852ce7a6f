//! An ELF file that a loader places as its segments specify and enters like a program without an
//! operating system.

use super::exception_level::{self, Affinity};
use super::image::{self, Limit};
use crate::board::{self, Architecture, ExceptionLevel, ImageForm};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{Address, Located, Size, hexadecimal};
use crate::notation;
use crate::part::claims::{Claimed, RangeClaim};
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, Loader, place};

table! {
    /// An ELF file, entered at its first byte with the MMU off; the registers have no meaning.
    pub struct Elf {
        /// The load address of the image, in RAM.
        load_address: Address => required,
        /// The exception level or mode at which the loader enters the kernel. Without it, EL1, or
        /// Supervisor mode in the non-secure state on a 32-bit processor.
        exception_level: ExceptionLevel => optional,
        /// The address at which the loader places a device tree. Without it, there is none, and the
        /// kernel uses the described RAM.
        device_tree: Address => optional,
        /// The affinity in MPIDR of the processor that runs the kernel, if several enter at once;
        /// the others are parked. Without it, the first one to enter runs the kernel.
        processor: Affinity => optional,
    }
}

/// The space that QEMU reserves for a device tree, in bytes.
const DEVICE_TREE: u64 = 1 << 20;

impl Elf {
    /// Returns the error in the address of the device tree, if any.
    fn misplaced_tree(
        &self,
        load: &Located<Address>,
        around: &Surroundings<'_>,
        claimed: &Claimed,
        problems: &mut Problems,
    ) {
        let Some(tree) = self.device_tree.get() else {
            return;
        };
        let what = "the address of the device tree";
        if image::ram_of(tree, what, around, claimed, problems).is_none() {
            return;
        }
        let end = tree.value.0.saturating_add(DEVICE_TREE);
        if (tree.value.0..end).contains(&load.value.0) {
            let title = "the image is loaded over the device tree";
            problems.report(
                Diagnostic::new(Code::BadLoadAddress, load.at, title)
                    .label("the loader then passes no device tree")
                    .also(
                        tree.at,
                        format!(
                            "{} are reserved here for the device tree",
                            Size(DEVICE_TREE).written()
                        ),
                    )
                    .help(format!("the next free address is {}", hexadecimal(end))),
            );
        } else if !tree.value.0.is_multiple_of(8) {
            let title = format!("`{}` is not a multiple of 8 bytes", tree.path);
            problems.report(
                Diagnostic::new(Code::Misaligned, tree.at, title)
                    .label("a device tree must be aligned to 8 bytes"),
            );
        }
    }

    /// Returns the start of the device tree as a limit for the image, if the image could reach it.
    fn tree_behind(&self, load: &Located<Address>, ram: &RangeClaim) -> Vec<Limit> {
        let tree = self.device_tree.get();
        let inside = tree.filter(|tree| (load.value.0..=ram.last()).contains(&tree.value.0));
        let limit = inside.map(|tree| Limit {
            begin: tree.value.0,
            what: "the device tree is put".to_owned(),
            at: tree.at,
        });
        limit.into_iter().collect()
    }
}

impl Binding for Elf {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::Aarch64, Architecture::Arm])
    }

    fn choices(&self) -> &'static [&'static str] {
        &["load-address", "processor"]
    }

    fn check(&self, around: &Surroundings<'_>, claimed: &Claimed, problems: &mut Problems) {
        let Some(load) = self.load_address.get() else {
            return;
        };
        let Some(ram) = image::place(load, around, claimed, problems) else {
            return;
        };
        self.misplaced_tree(load, around, claimed, problems);
        let limits = self.tree_behind(load, ram);
        if let Some(diagnostic) = image::no_room(load, ram, limits, around, claimed) {
            problems.report(diagnostic);
        }
    }
}

impl Loader for Elf {
    fn exception_level(&self) -> Option<&Located<ExceptionLevel>> {
        self.exception_level.get()
    }
}

impl Driver for Elf {
    const NAME: &'static str = "elf";
    type Resolved = board::Boot;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let load_address = self.load_address.value()?.0;
        let level = exception_level::resolve(&self.exception_level, around)?;
        let processor = self.processor.optional()?.map(|one| one.value.0);
        let device_tree = self.device_tree.optional()?.map(|tree| tree.value.0);
        let at = notation::address(load_address);
        Some(board::Boot {
            key: "boot.elf",
            card: format!("ELF file at {at}, entered at {level}"),
            load_address,
            load_key: "boot.elf.load-address",
            form: ImageForm::Elf,
            reset: None,
            takes_firmware: false,
            leaves_a_table: device_tree.is_some(),
            has_entry_note: false,
            arguments: &[],
            entry: exception_level::entry(Self::NAME, level, processor, device_tree),
        })
    }
}
