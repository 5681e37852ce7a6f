//! The indices by which APLICs address the harts of several sockets. The index of a hart is the number of
//! its socket shifted left by `hart-index-bits`, plus the position of the hart in the socket.

use super::further::FurtherImsics;
use super::{Imsic, layout};
use crate::binding::sockets::{self, all};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::{Field, Located, Number};
use crate::part::surroundings::Surroundings;

/// The key of the bits that number the harts of a socket. Only boards with several sockets need it.
pub(super) const KEY: &str = "hart-index-bits";

/// The number of bits of an index in the target of an APLIC's source (RISC-V AIA 1.0, 4.5.16).
const TARGET_BITS: u32 = 14;

/// Reports indices that a board with several sockets does not define, or that the harts cannot have.
pub(super) fn check(imsic: &Imsic, around: &Surroundings<'_>, problems: &mut Problems) {
    check_order(&imsic.further, problems);
    let further = all(&imsic.further).count();
    if further == 0 {
        return;
    }
    match &imsic.hart_index_bits {
        Field::Given(bits) => {
            let wrong = too_few(imsic, bits, around).or_else(|| too_many(1 + further, bits));
            wrong.into_iter().for_each(|one| problems.report(one));
        }
        Field::Absent => problems.report(missing(imsic)),
        Field::Bad => {}
    }
}

/// Reports a socket whose harts are not above those of the socket before it.
fn check_order(further: &FurtherImsics, problems: &mut Problems) {
    let first_harts = || all(further).filter_map(|(_, _, socket)| socket.first_hart.get());
    for (before, first) in first_harts().zip(first_harts().skip(1)) {
        if first.value.0 < before.value.0 {
            let title = "the sockets are not in the order of their harts";
            problems.report(
                Diagnostic::new(Code::BadNumber, first.at, title)
                    .label("the first hart of this socket")
                    .also(before.at, "the first hart of the socket before it")
                    .help("write the tables of the sockets in ascending order of `first-hart`"),
            );
        }
    }
}

/// Returns the error for a board with several sockets and without index bits.
fn missing(imsic: &Imsic) -> Diagnostic {
    let title = format!("[{}] needs `{KEY}`", imsic.place.path);
    Diagnostic::new(Code::MissingKey, imsic.place.at, title)
        .label("it has interrupt files of several sockets")
        .help(format!(
            "write the property `{}` of the interrupt files in the device tree",
            layout::HART_INDEX_BITS
        ))
}

/// Returns the error for index bits that cannot number all harts of a socket, if there is such a socket.
fn too_few(
    imsic: &Imsic,
    bits: &Located<Number<0, 13>>,
    around: &Surroundings<'_>,
) -> Option<Diagnostic> {
    let numbered = 1_u32 << bits.value.0;
    let last = all(&imsic.further).count();
    let harts_of = |socket| {
        if socket < last {
            return sockets::harts(&imsic.further, socket);
        }
        let (started, _) = around.qemu?.processors()?;
        let (_, _, socket) = all(&imsic.further).last()?;
        started.checked_sub(socket.first_hart.value()?.0)
    };
    let mut known = (0..=last).filter_map(|socket| Some((socket, harts_of(socket)?)));
    let (socket, harts) = known.find(|(_, harts)| *harts > numbered)?;
    let title = format!("`{}` is too small for the harts of a socket", bits.path);
    let label = format!(
        "it numbers {numbered} {}, and socket {socket} has {harts}",
        if numbered == 1 { "hart" } else { "harts" }
    );
    Some(Diagnostic::new(Code::BadNumber, bits.at, title).label(label))
}

/// Returns the error for index bits that leave too few bits for the number of a socket.
fn too_many(sockets: usize, bits: &Located<Number<0, 13>>) -> Option<Diagnostic> {
    if sockets << bits.value.0 <= 1 << TARGET_BITS {
        return None;
    }
    let title = format!("`{}` is too large for {sockets} sockets", bits.path);
    let label = format!("an index has {TARGET_BITS} bits, with those for the number of the socket");
    Some(Diagnostic::new(Code::BadNumber, bits.at, title).label(label))
}
