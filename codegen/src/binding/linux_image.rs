//! A flat image with the header of the Linux boot protocol for Arm (Linux,
//! Documentation/arch/arm64/booting.rst and Documentation/arch/arm/booting.rst).

use super::exception_level;
use super::image::{self, Limit};
use crate::board::{self, Architecture, ExceptionLevel, ImageForm};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{Address, Located, hexadecimal};
use crate::machine::device::Device;
use crate::notation;
use crate::part::claims::PAGE;
use crate::part::claims::{Claimed, RangeClaim};
use crate::part::draft::Machine;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, Loader, place};

table! {
    /// A flat image with the header of the Linux boot protocol for Arm. At entry, x0 (r2 on a
    /// 32-bit processor) contains the address of the device tree, interrupts are masked and the MMU
    /// is off.
    pub struct LinuxImage {
        /// The load address of the image, in RAM, at least 4 KiB after its start.
        load_address: Address => required,
        /// The exception level or mode at which the loader enters the kernel. Without it, EL1, or
        /// Supervisor mode in the non-secure state on a 32-bit processor.
        exception_level: ExceptionLevel => optional,
    }
}

/// On 64-bit Arm, the protocol's offset of the image starts at a multiple of 2 MiB.
const RAM_ALIGNMENT: u64 = 2 << 20;

/// The usual offset of an image from the start of RAM, for a 64-bit and a 32-bit loader.
const USUAL_OFFSETS: [u64; 2] = [0x8_0000, 0x1_0000];

/// The protocol's limit for a device tree.
const DEVICE_TREE: u64 = 2 << 20;

/// The greatest distance of the device tree from the start of RAM, in bytes. QEMU places it in the
/// middle of RAM, but no further, independent of the size that the image states.
const DEVICE_TREE_AT_MOST: u64 = 128 << 20;

/// Returns the error if the image cannot be loaded at this place of `ram`.
fn misplaced(
    load: &Located<Address>,
    ram: &RangeClaim,
    around: &Surroundings<'_>,
) -> Option<Diagnostic> {
    let base = ram.range.base;
    let is_arm32 = around.architecture()?.value == Architecture::Arm;
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

/// Returns the start of the device tree as a limit for the image, unless the image is behind it.
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

    fn check(&self, around: &Surroundings<'_>, claimed: &Claimed, problems: &mut Problems) {
        let Some(load) = self.load_address.get() else {
            return;
        };
        let Some(ram) = image::place(load, around, claimed, problems) else {
            return;
        };
        let limits = device_tree(load, ram);
        let diagnostic = misplaced(load, ram, around)
            .or_else(|| image::no_room(load, ram, limits, around, claimed));
        if let Some(diagnostic) = diagnostic {
            problems.report(diagnostic);
        }
    }
}

impl Loader for LinuxImage {
    fn exception_level(&self) -> Option<&Located<ExceptionLevel>> {
        self.exception_level.get()
    }
}

impl Driver for LinuxImage {
    const NAME: &'static str = "linux-image";
    type Resolved = board::Boot;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let load_address = self.load_address.value()?.0;
        let level = exception_level::resolve(&self.exception_level, around)?;
        let at = notation::address(load_address);
        Some(board::Boot {
            key: "boot.linux-image",
            card: format!("Linux image at {at}, entered at {level}"),
            load_address,
            load_key: "boot.linux-image.load-address",
            form: ImageForm::Flat,
            reset: None,
            takes_firmware: false,
            leaves_a_table: true,
            has_entry_note: false,
            arguments: &[],
            entry: exception_level::entry(Self::NAME, level, None, None),
        })
    }

    /// The offset from the start of RAM at which loaders place an image: Linux,
    /// Documentation/arch/arm64/booting.rst; `TEXT_OFFSET` of 32-bit Arm.
    fn import(machine: &Machine<'_>, _device: &Device) -> Option<Section> {
        let [usual64, usual32] = USUAL_OFFSETS;
        let section = Section::new("boot.linux-image");
        let tells = machine.has_tables();
        match machine.origin.architecture {
            Architecture::Aarch64 => {
                let usual = match machine.has_option("virtualization=on") {
                    true => ExceptionLevel::El2,
                    false => ExceptionLevel::El1,
                };
                let level = machine.facts.exception_level.unwrap_or(usual).word();
                let section = section
                    .optional_note(tells.then_some("x0 has the address of the device tree"))
                    .line("load-address", hexadecimal(machine.in_ram(usual64)?));
                Some(section.line("exception-level", format!("\"{level}\"")))
            }
            Architecture::Arm => {
                let level = machine.facts.exception_level.map(ExceptionLevel::word);
                let level = level.filter(|level| *level != "svc");
                Some(
                    section
                        .optional_note(tells.then_some("r2 has the address of the device tree"))
                        .line("load-address", hexadecimal(machine.in_ram(usual32)?))
                        .optional("exception-level", level.map(|word| format!("\"{word}\""))),
                )
            }
            _ => None,
        }
    }
}
