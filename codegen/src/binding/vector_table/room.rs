//! Checks that the image fits into flash, and its stacks and variables into RAM.

use crate::board::NO_ACCESS;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::{Address, Field, Located, Named, Size, hexadecimal};
use crate::part::claims::{Claimed, Purpose, RangeClaim};
use crate::part::sizes::is_usable_buffer;
use crate::part::surroundings::{Flash, Memory, Surroundings};

/// Returns whether all ranges of flash could be read.
pub(super) fn flash_is_known(around: &Surroundings<'_>, claimed: &Claimed) -> bool {
    let flash = around.memory.and_then(|memory| memory.flash.optional());
    let count = |flash: &Located<Named<Flash>>| flash.value.iter().count();
    let described = flash.map(|flash| flash.map_or(0, count));
    described == Some(claimed.of(Purpose::Flash).count())
}

/// Returns the error for a vector table that is not in flash; `ram` contains it instead.
pub(super) fn not_in_flash(
    base: &Located<Address>,
    ram: Option<&RangeClaim>,
    claimed: &Claimed,
) -> Diagnostic {
    let address = hexadecimal(base.value.0);
    let mut flash = claimed.of(Purpose::Flash).peekable();
    if let (Some(ram), None) = (ram, flash.peek()) {
        let title = format!("the vector table {address} is in RAM");
        let name = ram.key.trim_start_matches("memory.ram.");
        return Diagnostic::new(Code::BadLoadAddress, ram.at, title)
            .label(ram.describe())
            .also(base.at, "the image starts here")
            .help(format!(
                "memory that contains the image before the processor starts is flash: write \
                 flash.{name} in place of ram.{name}"
            ));
    }
    let title = format!("the vector table {address} is not in flash");
    let diagnostic = Diagnostic::new(Code::BadLoadAddress, base.at, title).label("not in flash");
    let diagnostic = match flash.peek() {
        Some(first) => diagnostic.help(format!(
            "`{}` starts at {}",
            first.key,
            hexadecimal(first.range.base)
        )),
        None => {
            diagnostic.help("describe the memory that contains the image as [memory.flash.NAME]")
        }
    };
    flash.chain(ram).fold(diagnostic, |diagnostic, memory| {
        diagnostic.also(memory.at, memory.describe())
    })
}

/// Reports RAM whose size is not stated: no firmware reports it.
pub(super) fn sizes_of_ram(around: &Surroundings<'_>, problems: &mut Problems) {
    let ram = around.memory.and_then(|memory| memory.ram.value());
    for entry in ram.into_iter().flat_map(Named::iter) {
        if !entry.value.size.is_absent() {
            continue;
        }
        let place = &entry.value.place;
        let title = format!("missing key `size` in [{}]", place.path);
        let diagnostic = Diagnostic::new(Code::MissingKey, place.at, title)
            .label("needs `size`")
            .note("on this board no firmware reports the size of RAM");
        problems.report(match (&entry.value.limit, &entry.value.rest_of) {
            (Field::Absent, Field::Absent) => diagnostic,
            (Field::Absent, _) => diagnostic.help("write `size` in place of `rest-of`"),
            _ => diagnostic.help("write `size` in place of `limit`"),
        });
    }
}

/// Returns the error for a vector table without code behind it in `flash`.
pub(super) fn in_flash(base: &Located<Address>, flash: &RangeClaim) -> Option<Diagnostic> {
    let room = flash.last() - base.value.0 + 1;
    if room > NO_ACCESS {
        return None;
    }
    let title = "the image does not fit in flash";
    let diagnostic = if base.value.0 == flash.range.base {
        Diagnostic::new(Code::RamTooSmall, flash.size_at, title)
            .label("too small")
            .also(base.at, "the image starts here")
            .help("write the size of the whole memory")
    } else {
        Diagnostic::new(Code::RamTooSmall, base.at, title)
            .label("too near to the end of flash")
            .also(flash.at, flash.describe())
            .help(format!(
                "the start of flash is {}",
                hexadecimal(flash.range.base)
            ))
    };
    Some(diagnostic.note(format!(
        "the vector table and the code that belongs to it take {}, and the kernel is behind them",
        Size(NO_ACCESS).written()
    )))
}

/// Reports stacks that do not fit into the first RAM, where the linker script places them, and memory
/// that is reserved there.
pub(super) fn in_ram(around: &Surroundings<'_>, claimed: &Claimed, problems: &mut Problems) {
    let known = around
        .memory
        .filter(|_| around.ram_is_known(claimed))
        .and_then(sizes);
    let first = claimed.of(Purpose::Ram).min_by_key(|ram| ram.range.base);
    let (Some((sizes, heap)), Some(ram)) = (known, first) else {
        return;
    };
    let sum = sizes
        .iter()
        .fold(0_u64, |sum, size| sum.saturating_add(size.value.0));
    let [stack, fault_stack, buffer] = sizes.map(|size| size.value.written());
    let heap_size = heap.map(|heap| format!(", {} for the heap", heap.value.written()));
    let note = format!(
        "{stack} are needed for the stack, {fault_stack} for the fault stack{} and {buffer} for the \
         console buffer",
        heap_size.unwrap_or_default()
    );
    if heap.map_or(sum, |heap| sum.saturating_add(heap.value.0)) > ram.range.size {
        let title = match heap {
            Some(_) => "the stacks, the heap and the console buffer do not fit in RAM",
            None => "the stacks and the console buffer do not fit in RAM",
        };
        let largest = sizes
            .into_iter()
            .chain(heap)
            .max_by_key(|size| size.value.0);
        let at = largest.map_or(ram.size_at, |largest| largest.at);
        problems.report(
            Diagnostic::new(Code::RamTooSmall, at, title)
                .label("too large")
                .also(ram.at, ram.describe())
                .note(note),
        );
        return;
    }
    let last = ram.range.base + sum.saturating_sub(1);
    let reserved = claimed.of(Purpose::Reserved);
    let reserved = reserved
        .filter(|reserved| reserved.range.base <= last && reserved.last() >= ram.range.base)
        .min_by_key(|reserved| reserved.range.base);
    if let Some(reserved) = reserved {
        let title = format!("`{}` is where the stacks are", reserved.key);
        problems.report(
            Diagnostic::new(Code::RamTooSmall, reserved.at, title)
                .label(format!(
                    "the stacks and the console buffer are at {} to {}",
                    hexadecimal(ram.range.base),
                    hexadecimal(last)
                ))
                .also(ram.at, ram.describe())
                .note(note)
                .helps(instead(reserved, ram)),
        );
    }
}

/// The sizes of the stack, the fault stack and the console buffer, and of the heap if it is stated.
type Sizes<'a> = ([&'a Located<Size>; 3], Option<&'a Located<Size>>);

/// Returns the sizes of the stack, the fault stack and the console buffer, and of the heap if it is
/// stated; `None` if one of them is reported as wrong.
fn sizes(memory: &Memory) -> Option<Sizes<'_>> {
    let usable = |buffer: &&Located<Size>| is_usable_buffer(buffer.value.0);
    let stacks = [
        memory.stack.get()?,
        memory.fault_stack.get()?,
        Field::get(&memory.console_buffer).filter(usable)?,
    ];
    Some((stacks, memory.heap.optional()?))
}

/// Returns the help text for RAM that starts behind the reserved memory.
fn instead(reserved: &RangeClaim, ram: &RangeClaim) -> Option<String> {
    let size = ram.last().checked_sub(reserved.last())?;
    (size > 0).then(|| {
        format!(
            "remove this entry and let `{}` start behind it: base = {}, size = {}",
            ram.key,
            hexadecimal(reserved.last() + 1),
            Size(size).written()
        )
    })
}
