//! A flat image with the header of the Linux boot protocol for Arm (Linux,
//! Documentation/arch/arm64/booting.rst and Documentation/arch/arm/booting.rst).

use super::exception_level;
use super::image::{self, Limit};
use super::{Binding, Driver, place};
use crate::board::{self, Architecture, ExceptionLevel};
use crate::check::Claimed;
use crate::check::claims::RangeClaim;
use crate::check::memory::PAGE;
use crate::description::table::table;
use crate::description::{Address, Description, Located, hexadecimal};
use crate::diagnostic::{Code, Diagnostic, Problems};

table! {
    /// A flat image with the header of the Linux boot protocol for Arm. At entry, x0 (r2 on a
    /// 32-bit processor) contains the address of the device tree, interrupts are masked and the MMU is
    /// off.
    pub struct LinuxImage {
        /// The load address of the image, in RAM, at least 4 KiB after its start.
        load_address: Address => required,
        /// The exception level or mode at which the loader enters the kernel. Without it, EL1, or
        /// Supervisor mode in the non-secure state on a 32-bit processor.
        exception_level: ExceptionLevel => optional,
    }
}

/// On 64-bit Arm the protocol counts the offset of the image from a multiple of 2 MiB.
const RAM_ALIGNMENT: u64 = 2 << 20;

/// From the beginning of RAM to where an image is usually loaded, by a 64-bit and a 32-bit loader.
const USUAL_OFFSETS: [u64; 2] = [0x8_0000, 0x1_0000];

/// The protocol's limit for a device tree.
const DEVICE_TREE: u64 = 2 << 20;

/// QEMU puts the device tree into the middle of RAM, at most this far from its beginning, and does
/// not look at how large the image says it is.
const DEVICE_TREE_AT_MOST: u64 = 128 << 20;

/// What is wrong if the image cannot be loaded at this place of `ram`.
fn misplaced(
    load: &Located<Address>,
    ram: &RangeClaim,
    description: &Description,
) -> Option<Diagnostic> {
    let base = ram.range.base;
    let is_arm32 = description.board.value()?.architecture.value()? == &Architecture::Arm;
    let [usual64, usual32] = USUAL_OFFSETS;
    let usual = base + if is_arm32 { usual32 } else { usual64 };
    if !is_arm32 && !base.is_multiple_of(RAM_ALIGNMENT) {
        let title = format!("`{}` does not start at a multiple of 2 MiB", ram.key);
        return Some(
            Diagnostic::new(Code::BadLoadAddress, ram.at, title)
                .label("the Linux boot protocol measures the image's offset from such a multiple")
                .also(load.at, "the image is loaded here"),
        );
    }
    if load.value.0 - base < PAGE {
        let title = "the loader puts its own code at the load address";
        return Some(
            Diagnostic::new(Code::BadLoadAddress, load.at, title)
                .label("the beginning of RAM")
                .help(format!("a usual address is {}", hexadecimal(usual))),
        );
    }
    None
}

/// Where the device tree begins, if the image does not lie behind it.
fn device_tree(load: &Located<Address>, ram: &RangeClaim) -> Vec<Limit> {
    let begin = ram.range.base + (ram.range.size / 2).min(DEVICE_TREE_AT_MOST);
    let is_behind = load.value.0 >= begin.saturating_add(DEVICE_TREE);
    let limit = (!is_behind).then(|| Limit {
        begin,
        what: "QEMU puts the device tree".to_owned(),
        at: ram.size_at,
    });
    limit.into_iter().collect()
}

impl Binding for LinuxImage {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::Aarch64, Architecture::Arm])
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
        let limits = device_tree(load, ram);
        let diagnostic = misplaced(load, ram, description)
            .or_else(|| image::no_room(load, ram, limits, description, claimed));
        if let Some(diagnostic) = diagnostic {
            problems.report(diagnostic);
        }
    }
}

impl Driver for LinuxImage {
    const NAME: &'static str = "linux-image";
    type Resolved = board::Boot;

    fn resolve(&self, description: &Description) -> Option<Self::Resolved> {
        Some(board::Boot::LinuxImage {
            load_address: self.load_address.value()?.0,
            exception_level: exception_level::resolve(&self.exception_level, description)?,
        })
    }
}
