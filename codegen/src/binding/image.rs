//! The requirements on the load address of an image that all boot protocols share.

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::{Address, Located, Size, hexadecimal};
use crate::part::claims::PAGE;
use crate::part::claims::{Claimed, Purpose, RangeClaim};
use crate::part::surroundings::Surroundings;
use crate::source::Location;

/// The space for an image in bytes: code, data and the tables of its memory map.
const IMAGE: u64 = 2 << 20;

/// Returns whether the load address is the start of a page; reports an error if not.
pub(super) fn is_aligned(load: &Located<Address>, problems: &mut Problems) -> bool {
    let aligned = load.value.0.is_multiple_of(PAGE);
    if !aligned {
        let title = format!("`{}` is not a multiple of 4 KiB", load.path);
        problems.report(
            Diagnostic::new(Code::Misaligned, load.at, title)
                .label("the image must start at a page boundary")
                .help(format!(
                    "the next lower page boundary is {}",
                    hexadecimal(load.value.0 - load.value.0 % PAGE)
                )),
        );
    }
    aligned
}

/// Returns the range of RAM that contains an address; reports an error if there is none. `what`
/// names the address.
pub(super) fn ram_of<'c>(
    load: &Located<Address>,
    what: &str,
    around: &Surroundings<'_>,
    claimed: &'c Claimed,
    problems: &mut Problems,
) -> Option<&'c RangeClaim> {
    let holds = |ram: &&RangeClaim| (ram.range.base..=ram.last()).contains(&load.value.0);
    let found = claimed.of(Purpose::Ram).find(holds);
    if found.is_none() && around.ram_is_known(claimed) {
        let title = format!("{what} {} is not in RAM", hexadecimal(load.value.0));
        let diagnostic = Diagnostic::new(Code::BadLoadAddress, load.at, title).label("not in RAM");
        let ram = claimed.of(Purpose::Ram);
        let diagnostic = ram.fold(diagnostic, |diagnostic, ram| {
            diagnostic.also(ram.at, ram.describe())
        });
        // A data sheet may give the offset from the start of RAM.
        let first = claimed.of(Purpose::Ram).min_by_key(|ram| ram.range.base);
        let offset = first.filter(|ram| load.value.0 < ram.range.size);
        let right = offset.and_then(|ram| ram.range.base.checked_add(load.value.0));
        problems.report(diagnostic.helps(right.map(|right| {
            format!(
                "if this is the offset from the start of RAM, write {}",
                hexadecimal(right)
            )
        })));
    }
    found
}

/// Returns the RAM that the image is loaded into; reports an error if the load address is not in
/// RAM.
pub(super) fn place<'c>(
    load: &Located<Address>,
    around: &Surroundings<'_>,
    claimed: &'c Claimed,
    problems: &mut Problems,
) -> Option<&'c RangeClaim> {
    if !is_aligned(load, problems) {
        return None;
    }
    ram_of(load, "the load address", around, claimed, problems)
}

/// A region that the image must not reach.
pub(super) struct Limit {
    /// The first address of the region.
    pub(super) begin: u64,
    /// The text for messages, as in "QEMU places the device tree".
    pub(super) what: String,
    /// The location in the board file that states the region.
    pub(super) at: Location,
}

/// Returns the error if the space after the load address is too small. The space ends at the
/// nearest of `limits`, at reserved memory, or at the end of `ram`.
pub(super) fn no_room(
    load: &Located<Address>,
    ram: &RangeClaim,
    limits: Vec<Limit>,
    around: &Surroundings<'_>,
    claimed: &Claimed,
) -> Option<Diagnostic> {
    let memory = around.memory?;
    let stack = memory.stack.get()?;
    let mut limits = limits;
    limits.push(Limit {
        begin: ram.last(),
        what: "the RAM ends".to_owned(),
        at: ram.size_at,
    });
    let reserved = claimed.of(Purpose::Reserved);
    limits.extend(
        reserved
            .filter(|claim| claim.last() >= load.value.0)
            .map(|reserved| Limit {
                begin: reserved.range.base,
                what: format!("`{}` begins", reserved.key),
                at: reserved.at,
            }),
    );
    let Limit { begin, what, at } = limits.into_iter().min_by_key(|limit| limit.begin)?;
    let room = begin.saturating_sub(load.value.0);
    if room >= IMAGE.saturating_add(stack.value.0) {
        return None;
    }
    // A stack larger than everything else is the cause.
    let limit = format!("{what} at {}", hexadecimal(begin));
    let (at, label, note) = match room >= IMAGE && stack.value.0 > IMAGE {
        true => (stack.at, "too large".to_owned(), Some(limit)),
        false => (at, limit, None),
    };
    let title = "the image and the stack do not fit in RAM";
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
