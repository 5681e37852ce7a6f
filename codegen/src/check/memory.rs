//! Checks the memory map, and that it matches QEMU's memory.

use crate::description::Description;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::{Located, Named, NamedEntry, Size, suggest};
use crate::part::claims::{Claims, Extent, PAGE, Purpose, RangeClaim, Rule};
use crate::part::sizes::{LEAST_SMALL_STACK, STACK_ALIGNMENT, check_block, is_usable_buffer};
use crate::part::surroundings::{Memory, Ram};

/// The smallest stack for an event loop with a network.
const LEAST_STACK: u64 = 16 * 1024;

/// The smallest stack for a fault report.
const LEAST_FAULT_STACK: u64 = 4 * 1024;

/// The smallest stack for a fault report of a microcontroller.
const LEAST_SMALL_FAULT_STACK: u64 = 512;

/// The smallest heap: for the kernel's own allocations on a board with only a console.
const LEAST_HEAP: u64 = 256;

/// The smallest region that a microcontroller's MPU protects (Arm DDI 0403, B3.5.8).
const REGION: u64 = 32;

/// Returns whether the kernel maps memory in pages, as far as is known.
fn has_pages(description: &Description) -> bool {
    let architecture = description.surroundings().architecture();
    architecture.is_some_and(|one| !one.value.is_m_profile())
}

/// Claims RAM, flash and reserved memory.
pub(super) fn claim(description: &Description, claims: &mut Claims<'_>) {
    let Some(memory) = description.memory.value() else {
        claims.drop_claim("memory");
        return;
    };
    let unit = if has_pages(description) { PAGE } else { REGION };
    let loader = description.surroundings().loader;
    let has_no_report = loader.is_some_and(|loader| !loader.reports_ram());
    let rule = Rule {
        purpose: Purpose::Ram,
        ..Rule::registers("RAM", unit, unit)
    };
    for entry in memory.ram.value().into_iter().flat_map(|ram| ram.iter()) {
        let ram = &entry.value;
        let expected = || {
            let bytes = expected_size(description, ram)?;
            Some(Extent {
                bytes,
                at: ram.base.get()?.at,
            })
        };
        let size = match ram.size.optional() {
            Some(Some(size)) => Some(size.into()),
            // Its size is unknown and may be 0, so its first page stands for it.
            Some(None) if !ram.rest_of.is_absent() => ram.base.get().map(|base| Extent {
                bytes: expected_size(description, ram).unwrap_or(0).max(PAGE),
                at: base.at,
            }),
            // The loader's check reports it.
            Some(None) if has_no_report => None,
            Some(None) => expected(),
            None => None,
        };
        claims.range(&ram.place.path, &ram.base, size, rule);
    }
    let rule = Rule {
        what: "flash",
        purpose: Purpose::Flash,
        ..rule
    };
    let flash = memory.flash.value().into_iter();
    for entry in flash.flat_map(|flash| flash.iter()) {
        let size = entry.value.size.get().map(Extent::from);
        claims.range(&entry.value.place.path, &entry.value.base, size, rule);
    }
    let rule = Rule {
        what: "reserved memory",
        purpose: Purpose::Reserved,
        ..rule
    };
    for entry in memory
        .reserved
        .value()
        .into_iter()
        .flat_map(|reserved| reserved.iter())
    {
        let reserved = &entry.value;
        let size = reserved.size.get().map(Extent::from);
        claims.range(&reserved.place.path, &reserved.base, size, rule);
    }
}

/// Returns the size of a range of RAM: as stated, or the rest of QEMU's memory, up to its limit or
/// beyond that of another. `None` if it is unknown.
pub(crate) fn expected_size(description: &Description, ram: &Ram) -> Option<u64> {
    if let Some(size) = ram.size.optional()? {
        return Some(size.value.0);
    }
    let memory = description.memory.value()?;
    let limit = |ram: &Ram| {
        let limit = ram.limit.optional()?.map(|limit| limit.value.0);
        // An invalid limit is reported, and limits nothing.
        let sound = limit.filter(|limit| *limit > 0 && limit.is_multiple_of(PAGE));
        Some(sound.unwrap_or(u64::MAX))
    };
    if let Some(of) = ram.rest_of.optional()? {
        let whole = always_there(memory.ram.value()?).find(|whole| whole.name == of.value.0);
        let limit = limit(&whole?.value)?;
        return Some(left_of_qemus(description, memory)?.saturating_sub(limit));
    }
    Some(left_of_qemus(description, memory)?.min(limit(ram)?))
}

/// Returns how much of QEMU's memory is in no range with a stated size.
fn left_of_qemus(description: &Description, memory: &Memory) -> Option<u64> {
    let all = description.qemu.value()?.memory.value()?.0;
    let stated = stated_sizes(memory)?;
    // The rest of QEMU's memory can only be in one range.
    if stated.len() + 1 != always_there(memory.ram.value()?).count() {
        return None;
    }
    let stated = stated
        .iter()
        .try_fold(0_u64, |sum, size| sum.checked_add(size.value.0))?;
    all.checked_sub(stated).filter(|left| *left > 0)
}

/// Returns the ranges of RAM that every machine has, independent of its amount of memory.
fn always_there(ram: &Named<Ram>) -> impl Iterator<Item = &NamedEntry<Ram>> {
    ram.iter().filter(|entry| entry.value.rest_of.is_absent())
}

/// Returns the stated sizes; `None` if one of them is invalid.
fn stated_sizes(memory: &Memory) -> Option<Vec<&Located<Size>>> {
    let sizes = memory
        .ram
        .value()?
        .iter()
        .map(|entry| entry.value.size.optional());
    let sizes: Option<Vec<_>> = sizes.collect();
    Some(sizes?.into_iter().flatten().collect())
}

/// Reports reserved memory outside RAM, and returns the keys of these claims.
pub(super) fn outside_ram(
    description: &Description,
    ranges: &[RangeClaim],
    problems: &mut Problems,
) -> Vec<String> {
    let all = |purpose| {
        ranges
            .iter()
            .filter(move |claim: &&RangeClaim| claim.purpose == purpose)
    };
    let mut outside = Vec::new();
    let ram = description
        .memory
        .value()
        .and_then(|memory| memory.ram.value());
    let count = all(Purpose::Ram).count();
    // If part of the RAM could not be read, nothing is reported as outside RAM.
    if count == 0 || ram.is_none_or(|ram| ram.iter().count() != count) {
        return outside;
    }
    for reserved in all(Purpose::Reserved) {
        let last = reserved.last();
        let holds = |ram: &RangeClaim| ram.range.base <= reserved.range.base && last <= ram.last();
        if !all(Purpose::Ram).any(holds) {
            let title = format!("`{}` does not lie in RAM", reserved.key);
            let diagnostic = Diagnostic::new(Code::ReservedOutsideRam, reserved.at, title)
                .label(reserved.describe())
                .help(
                    "only RAM can be reserved; remove this entry: the kernel uses no other memory",
                );
            let diagnostic = all(Purpose::Ram).fold(diagnostic, |diagnostic, ram| {
                diagnostic.also(ram.at, ram.describe())
            });
            problems.report(diagnostic);
            outside.push(reserved.key.clone());
        }
    }
    outside
}

/// Reports a stack or a size of QEMU's memory that does not match the RAM.
pub(super) fn check(description: &Description, problems: &mut Problems) {
    let Some(memory) = description.memory.value() else {
        return;
    };
    let least = match has_pages(description) {
        true => (PAGE, LEAST_STACK, LEAST_FAULT_STACK),
        false => (STACK_ALIGNMENT, LEAST_SMALL_STACK, LEAST_SMALL_FAULT_STACK),
    };
    let (unit, stack, fault_stack) = least;
    check_block(&memory.stack, "the stack", unit, stack, problems);
    check_block(
        &memory.fault_stack,
        "the fault stack",
        unit,
        fault_stack,
        problems,
    );
    check_block(&memory.heap, "the heap", unit, LEAST_HEAP, problems);
    check_console_buffer(memory, problems);
    check_ram(memory, problems);
    check_rests(memory, problems);
    check_limits(memory, problems);
    check_qemu(description, memory, problems);
}

fn check_console_buffer(memory: &Memory, problems: &mut Problems) {
    let Some(buffer) = memory.console_buffer.get() else {
        return;
    };
    if is_usable_buffer(buffer.value.0) {
        return;
    }
    let title = format!("`{}` is not a usable size", buffer.path);
    problems.report(
        Diagnostic::new(Code::BadQuantity, buffer.at, title)
            .label("must be a power of two from \"16 bytes\" to \"1 MiB\""),
    );
}

fn check_ram(memory: &Memory, problems: &mut Problems) {
    let Some(ram) = memory.ram.get() else { return };
    if ram.value.iter().next().is_none() {
        let title = "there is no RAM";
        problems.report(
            Diagnostic::new(Code::MissingKey, ram.at, title)
                .label("no range of RAM here")
                .help("add [memory.ram.main] with its `base`"),
        );
    }
    let mut unstated = always_there(&ram.value).filter(|entry| entry.value.size.is_absent());
    if let (Some(first), Some(second)) = (unstated.next(), unstated.next()) {
        let title = "only one range of RAM can get its size from firmware";
        problems.report(
            Diagnostic::new(Code::QemuMemory, second.value.place.at, title)
                .label("needs `size`")
                .also(first.value.place.at, "this range has no `size` either"),
        );
    }
}

/// Returns the label for the name of an unknown range.
fn near(name: &str, ram: &Named<Ram>) -> String {
    let known = always_there(ram).map(|other| other.name.as_str());
    let near = suggest::nearest(name, known);
    near.map_or("no such range of RAM".to_owned(), |near| {
        format!("did you mean \"{near}\"?")
    })
}

/// Reports `rest-of` of an unknown range or of one without a limit.
fn check_rests(memory: &Memory, problems: &mut Problems) {
    let Some(ram) = memory.ram.get() else { return };
    for entry in ram.value.iter() {
        let Some(of) = entry.value.rest_of.get() else {
            continue;
        };
        let whole = always_there(&ram.value).find(|other| other.name == of.value.0);
        let problem = match whole {
            None => {
                let title = format!("there is no `memory.ram.{}`", of.value.0);
                Diagnostic::new(Code::MissingKey, of.at, title)
                    .label(near(&of.value.0, &ram.value))
                    .also(
                        ram.at,
                        "the names of fixed ranges of RAM are under this table",
                    )
            }
            Some(whole) if !whole.value.size.is_absent() => {
                let title = format!("`memory.ram.{}` has no excess memory", whole.name);
                Diagnostic::new(Code::QemuMemory, of.at, title)
                    .label("its size does not depend on the machine's memory")
                    .also(whole.value.place.at, "this range states its size")
            }
            Some(_) => match entry.value.size.get() {
                Some(size) => {
                    let title = format!("`{}` and `{}` exclude each other", size.path, of.path);
                    Diagnostic::new(Code::QemuMemory, size.at, title)
                        .label("the size of excess memory depends on the machine")
                        .also(of.at, "a rest")
                }
                None => continue,
            },
        };
        problems.report(problem);
    }
}

/// Reports a limit without a range for the rest.
fn check_limits(memory: &Memory, problems: &mut Problems) {
    for entry in memory.ram.value().into_iter().flat_map(|ram| ram.iter()) {
        let ram = &entry.value;
        let Some(limit) = ram.limit.get() else {
            continue;
        };
        let both = |other: &str, at, what| {
            let title = format!("`{}` and `{other}` exclude each other", limit.path);
            Diagnostic::new(Code::QemuMemory, limit.at, title)
                .label("for RAM whose size comes from firmware")
                .also(at, what)
        };
        let problem = if let Some(size) = ram.size.get() {
            both(&size.path, size.at, "a stated size")
        } else if let Some(of) = ram.rest_of.get() {
            both(&of.path, of.at, "the excess memory has no limit")
        } else if limit.value.0 == 0 {
            let title = format!("`{}` is 0", limit.path);
            Diagnostic::new(Code::EmptyRange, limit.at, title).label("no bytes")
        } else if !limit.value.0.is_multiple_of(PAGE) {
            let title = format!("`{}` is not a multiple of 4 KiB", limit.path);
            Diagnostic::new(Code::Misaligned, limit.at, title).label("RAM is allocated in pages")
        } else {
            continue;
        };
        problems.report(problem);
    }
}

fn check_qemu(description: &Description, memory: &Memory, problems: &mut Problems) {
    let Some(all) = description.qemu.value().and_then(|qemu| qemu.memory.get()) else {
        return;
    };
    let code = Code::QemuMemory;
    if all.value.0 == 0 || !all.value.0.is_multiple_of(1 << 20) {
        problems.report(
            Diagnostic::new(code, all.at, "`qemu.memory` is not a multiple of 1 MiB")
                .label("QEMU counts in MiB"),
        );
        return;
    }
    let Some(stated) = stated_sizes(memory) else {
        return;
    };
    let sum = stated
        .iter()
        .fold(0_u64, |sum, size| sum.saturating_add(size.value.0));
    let count = memory
        .ram
        .value()
        .map_or(0, |ram| always_there(ram).count());
    let short = match stated.len() < count {
        true => sum >= all.value.0,
        false => sum > all.value.0,
    };
    if short && !stated.is_empty() {
        let title = "QEMU has less memory than the described RAM";
        let diagnostic = Diagnostic::new(code, all.at, title).label(format!(
            "the ranges of RAM add up to {}",
            Size(sum).written()
        ));
        let diagnostic = stated.iter().fold(diagnostic, |diagnostic, size| {
            diagnostic.also(size.at, "RAM described here")
        });
        problems.report(diagnostic);
    }
}
