//! A flat image with the header of the Linux boot protocol for 64-bit Arm (Linux,
//! Documentation/arch/arm64/booting.rst).

use super::{Binding, Driver, place};
use crate::board::{self, Architecture, ExceptionLevel};
use crate::check::Claimed;
use crate::check::claims::{Purpose, RangeClaim};
use crate::check::memory::{PAGE, ram_is_known};
use crate::description::scalar::choices;
use crate::description::table::table;
use crate::description::{Address, Description, Located, Size, hexadecimal};
use crate::diagnostic::{Code, Diagnostic, Problems};

table! {
    /// A flat image with the header of the Linux boot protocol for 64-bit Arm. On entry x0 holds the
    /// address of the device tree, interrupts are masked and the MMU is off.
    pub struct LinuxImage {
        /// Where the image is loaded: in RAM, at least 4 KiB from the beginning.
        load_address: Address => required,
        /// The exception level at which the kernel is entered.
        exception_level: ExceptionLevel => default("el1"),
    }
}

choices! { ExceptionLevel {
    El1 = "el1": "an operating system's",
    El2 = "el2": "a hypervisor's",
    El3 = "el3": "the secure monitor's",
} }

/// The protocol counts the offset of the image from a multiple of 2 MiB.
const RAM_ALIGNMENT: u64 = 2 << 20;

/// What an image is given room for: its code, its data and the tables of its memory map.
const IMAGE: u64 = 2 << 20;

/// The protocol's limit for a device tree.
const DEVICE_TREE: u64 = 2 << 20;

/// QEMU puts the device tree into the middle of RAM, at most this far from its beginning, and does
/// not look at how large the image says it is.
const DEVICE_TREE_AT_MOST: u64 = 128 << 20;

/// The range of RAM that holds the load address. Tells if none does.
fn ram_of<'c>(
    load: &Located<Address>,
    description: &Description,
    claimed: &'c Claimed,
    problems: &mut Problems,
) -> Option<&'c RangeClaim> {
    let holds = |ram: &&RangeClaim| (ram.range.base..=ram.last()).contains(&load.value.0);
    let found = claimed.of(Purpose::Ram).find(holds);
    if found.is_none() && ram_is_known(description, claimed.of(Purpose::Ram).count()) {
        let title = format!(
            "the load address {} is not in RAM",
            hexadecimal(load.value.0)
        );
        let diagnostic = Diagnostic::new(Code::BadLoadAddress, load.at, title).label("not in RAM");
        let ram = claimed.of(Purpose::Ram);
        problems.report(ram.fold(diagnostic, |diagnostic, ram| {
            diagnostic.also(ram.at, ram.describe())
        }));
    }
    found
}

/// What is wrong if the image cannot be loaded at this place of `ram`.
fn misplaced(load: &Located<Address>, ram: &RangeClaim) -> Option<Diagnostic> {
    let base = ram.range.base;
    if !base.is_multiple_of(RAM_ALIGNMENT) {
        let title = format!("`{}` does not begin at a multiple of 2 MiB", ram.key);
        return Some(
            Diagnostic::new(Code::BadLoadAddress, ram.at, title)
                .label("the Linux boot protocol counts the image's offset from one")
                .also(load.at, "the image is loaded here"),
        );
    }
    if load.value.0 - base < PAGE {
        let title = "the load address is where the loader puts its own code";
        return Some(
            Diagnostic::new(Code::BadLoadAddress, load.at, title)
                .label("the beginning of RAM")
                .help(format!("a usual place is {}", hexadecimal(base + 0x8_0000))),
        );
    }
    None
}

/// What is wrong if something else begins too soon after the load address.
fn no_room(
    load: &Located<Address>,
    stack: &Located<Size>,
    ram: &RangeClaim,
    claimed: &Claimed,
) -> Option<Diagnostic> {
    let load_address = load.value.0;
    let tree = ram.range.base + (ram.range.size / 2).min(DEVICE_TREE_AT_MOST);
    let mut limits = vec![(ram.last(), "the RAM ends".to_owned(), ram.size_at)];
    // The image may as well lie behind the device tree.
    if load_address < tree.saturating_add(DEVICE_TREE) {
        limits.push((tree, "QEMU puts the device tree".to_owned(), ram.size_at));
    }
    for reserved in claimed
        .of(Purpose::Reserved)
        .filter(|claim| claim.last() >= load_address)
    {
        limits.push((
            reserved.range.base,
            format!("`{}` begins", reserved.key),
            reserved.at,
        ));
    }
    let (end, what, at) = limits.into_iter().min_by_key(|(end, ..)| *end)?;
    let room = end.saturating_sub(load_address);
    if room >= IMAGE.saturating_add(stack.value.0) {
        return None;
    }
    // A stack that is larger than all else is what is wrong.
    let limit = format!("{what} at {}", hexadecimal(end));
    let (at, label, note) = match room >= IMAGE && stack.value.0 > IMAGE {
        true => (stack.at, "too large".to_owned(), Some(limit)),
        false => (at, limit, None),
    };
    let title = "the image and the stack have no room in RAM";
    let diagnostic = Diagnostic::new(Code::RamTooSmall, at, title)
        .label(label)
        .also(load.at, "the image is loaded here");
    Some(
        note.into_iter()
            .fold(diagnostic, Diagnostic::note)
            .note(format!(
                "{} are needed for the image and {} for the stack",
                Size(IMAGE).written(),
                stack.value.written()
            )),
    )
}

impl Binding for LinuxImage {
    place!();

    fn architectures(&self) -> Option<&'static [Architecture]> {
        Some(&[Architecture::Aarch64])
    }

    fn choices(&self) -> &'static [&'static str] {
        &["load-address"]
    }

    fn check(&self, description: &Description, claimed: &Claimed, problems: &mut Problems) {
        let Some(load) = self.load_address.get() else {
            return;
        };
        if !load.value.0.is_multiple_of(PAGE) {
            let title = format!("`{}` is not a multiple of 4 KiB", load.path);
            problems.report(
                Diagnostic::new(Code::Misaligned, load.at, title)
                    .label("the image lies on pages of its own"),
            );
            return;
        }
        let Some(ram) = ram_of(load, description, claimed, problems) else {
            return;
        };
        let stack = description
            .memory
            .value()
            .and_then(|memory| memory.stack.get());
        let diagnostic = misplaced(load, ram).or_else(|| no_room(load, stack?, ram, claimed));
        if let Some(diagnostic) = diagnostic {
            problems.report(diagnostic);
        }
    }
}

impl Driver for LinuxImage {
    const NAME: &'static str = "linux-image";
    type Resolved = board::Boot;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        Some(board::Boot::LinuxImage {
            load_address: self.load_address.value()?.0,
            exception_level: *self.exception_level.value()?,
        })
    }
}
