//! The payload of SBI firmware on a RISC-V machine (OpenSBI and its like).

use super::image::{self, Limit};
use super::{Binding, Driver, place};
use crate::board::{self, Architecture, ImageForm};
use crate::check::Claimed;
use crate::check::claims::RangeClaim;
use crate::description::scalar::choices;
use crate::description::table::table;
use crate::description::{Address, Description, Located, hexadecimal};
use crate::diagnostic::{Code, Diagnostic, Problems};

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

/// What firmware takes at the beginning of the RAM it is loaded to (OpenSBI: 256 KiB to 512 KiB).
pub(super) const FIRMWARE: u64 = 512 << 10;

/// QEMU puts the device tree on a boundary of this many bytes near the end of RAM.
const DEVICE_TREE: u64 = 2 << 20;

/// Where the device tree begins if the image is in the same range of RAM, which ends at most
/// where QEMU puts it.
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

    fn check(&self, description: &Description, claimed: &Claimed, problems: &mut Problems) {
        let Some(load) = self.load_address.get() else {
            return;
        };
        let Some(ram) = image::place(load, description, claimed, problems) else {
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
        if let Some(diagnostic) = image::no_room(load, ram, limits, description, claimed) {
            problems.report(diagnostic);
        }
    }
}

impl Driver for SbiPayload {
    const NAME: &'static str = "sbi-payload";
    type Resolved = board::Boot;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        Some(board::Boot::SbiPayload {
            load_address: self.load_address.value()?.0,
            form: *self.form.value()?,
        })
    }
}
