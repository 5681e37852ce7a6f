//! A flat image with the header of the Linux boot protocol for 64-bit Arm (Linux,
//! Documentation/arch/arm64/booting.rst).

use super::{Binding, Driver, place};
use crate::board::{self, Architecture, ExceptionLevel};
use crate::check::memory::{PAGE, expected_size};
use crate::description::scalar::choices;
use crate::description::table::table;
use crate::description::{Address, Description, Located, Ram, Size, hexadecimal};
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

/// What an image may take, code, data and heap-less state together. A big one takes a tenth.
const IMAGE: u64 = 2 << 20;

/// The protocol's limit for a device tree blob, which the loader puts into the same RAM.
const DEVICE_TREE: u64 = 2 << 20;

impl LinuxImage {
    /// The range of RAM that holds the load address. Tells if none does.
    fn ram<'d>(
        &self,
        load: &Located<Address>,
        description: &'d Description,
        problems: &mut Problems,
    ) -> Option<(&'d Ram, u64, u64)> {
        let ram = description.memory.value()?.ram.value()?;
        // Where a range is not known, nothing can be said to lie outside of all.
        let ranges: Option<Vec<(&Ram, u64, u64)>> = ram
            .iter()
            .map(|entry| {
                let ram = &entry.value;
                Some((ram, ram.base.value()?.0, expected_size(description, ram)?))
            })
            .collect();
        let ranges = ranges?;
        let holds = |(_, base, size): &&(&Ram, u64, u64)| {
            *base <= load.value.0 && load.value.0 - base < *size
        };
        if let Some(found) = ranges.iter().find(holds) {
            return Some(*found);
        }
        let title = format!(
            "the load address {} is not in RAM",
            hexadecimal(load.value.0)
        );
        let diagnostic = Diagnostic::new(Code::BadLoadAddress, load.at, title).label("not in RAM");
        let diagnostic = ranges
            .iter()
            .fold(diagnostic, |diagnostic, (ram, base, size)| {
                let last = base.saturating_add(size.saturating_sub(1));
                let text = format!(
                    "`{}`: {} to {}",
                    ram.place.path,
                    hexadecimal(*base),
                    hexadecimal(last)
                );
                diagnostic.also(ram.place.at, text)
            });
        if !ranges.is_empty() {
            problems.report(diagnostic);
        }
        None
    }

    fn check_room(
        &self,
        load: &Located<Address>,
        (ram, base, size): (&Ram, u64, u64),
        description: &Description,
        problems: &mut Problems,
    ) {
        let Some(stack) = description
            .memory
            .value()
            .and_then(|memory| memory.stack.get())
        else {
            return;
        };
        let offset = load.value.0 - base;
        let needed = IMAGE
            .saturating_add(stack.value.0)
            .saturating_add(DEVICE_TREE);
        if size - offset >= needed {
            return;
        }
        let Some(ram_base) = ram.base.get() else {
            return;
        };
        let at = ram.size.get().map_or(ram_base.at, |size| size.at);
        let title = format!(
            "`{}` is too small for the image and the stack",
            ram.place.path
        );
        problems.report(
            Diagnostic::new(Code::RamTooSmall, at, title)
                .label(format!(
                    "{} from the load address on",
                    Size(size - offset).written()
                ))
                .also(load.at, "the image is loaded here")
                .note(format!(
                    "{} for the image, {} for the stack and {} for the device tree are needed",
                    Size(IMAGE).written(),
                    stack.value.written(),
                    Size(DEVICE_TREE).written()
                )),
        );
    }
}

impl Binding for LinuxImage {
    place!();

    fn architectures(&self) -> Option<&'static [Architecture]> {
        Some(&[Architecture::Aarch64])
    }

    fn check(&self, description: &Description, problems: &mut Problems) {
        let Some(load) = self.load_address.get() else {
            return;
        };
        let address = load.value.0;
        if !address.is_multiple_of(PAGE) {
            let title = format!("`{}` is not a multiple of 4 KiB", load.path);
            problems.report(
                Diagnostic::new(Code::Misaligned, load.at, title)
                    .label("the image lies on pages of its own"),
            );
            return;
        }
        let Some(found) = self.ram(load, description, problems) else {
            return;
        };
        let (ram, base, _) = found;
        if !base.is_multiple_of(RAM_ALIGNMENT) {
            let Some(ram_base) = ram.base.get() else {
                return;
            };
            let title = format!("`{}` does not begin at a multiple of 2 MiB", ram.place.path);
            problems.report(
                Diagnostic::new(Code::BadLoadAddress, ram_base.at, title)
                    .label("the Linux boot protocol counts the image's offset from one")
                    .also(load.at, "the image is loaded here"),
            );
            return;
        }
        if address - base < PAGE {
            let title = "the load address is where the loader puts its own code";
            problems.report(
                Diagnostic::new(Code::BadLoadAddress, load.at, title)
                    .label("the beginning of RAM")
                    .help(format!("a usual place is {}", hexadecimal(base + 0x8_0000))),
            );
            return;
        }
        self.check_room(load, found, description, problems);
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
