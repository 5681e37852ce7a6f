//! Register blocks of controllers that have several, written `{ base = ..., size = ... }`.

use crate::board;
use crate::language::{Address, Field, Place, Size};
use crate::part::claims::{Claims, Extent, Rule};
use crate::part::expect::Part;

/// A table with the base and the size of a register block.
pub(crate) trait Block {
    /// The kind of range that the block must be, with its alignment and smallest size.
    const RULE: Rule;

    /// Returns the base address of the block.
    fn base(&self) -> &Field<Address>;

    /// Returns the size of the block in bytes.
    fn size(&self) -> &Field<Size>;
}

/// Declares the table of a register block: its description, default size, page size and smallest
/// size in bytes.
macro_rules! block {
    (
        $(#[doc = $doc:literal])+
        pub struct $Name:ident: $what:literal, $default:literal, $page:literal, $least:literal
    ) => {
        $crate::language::table::table! {
            $(#[doc = $doc])+
            pub struct $Name {
                /// The first address of the block.
                base: $crate::language::Address => required,
                /// The size of the block.
                size: $crate::language::Size => default($default),
            }
        }

        impl $crate::binding::block::Block for $Name {
            const RULE: $crate::part::claims::Rule =
                $crate::part::claims::Rule::registers($what, $page, $least);

            fn base(&self) -> &$crate::language::Field<$crate::language::Address> {
                &self.base
            }

            fn size(&self) -> &$crate::language::Field<$crate::language::Size> {
                &self.size
            }
        }
    };
}

pub(crate) use block;

/// Claims the block under the key `name` of the table `owner`.
pub(crate) fn claim<B: Block>(
    owner: &Place,
    name: &str,
    block: &Field<B>,
    claims: &mut Claims<'_>,
) {
    claim_by(B::RULE, owner, name, block, claims);
}

/// Claims the block under the key `name` of the table `owner`, by another rule than its usual one.
pub(crate) fn claim_by<B: Block>(
    rule: Rule,
    owner: &Place,
    name: &str,
    block: &Field<B>,
    claims: &mut Claims<'_>,
) {
    let path = format!("{}.{name}", owner.path);
    match block {
        Field::Given(given) => {
            let size = given.value.size().get().map(Extent::from);
            claims.range(&path, given.value.base(), size, rule);
        }
        Field::Absent => {}
        Field::Bad => claims.drop_claim(&path),
    }
}

/// Expects the block to be the n-th register set of the device `part`.
pub(crate) fn expect<B: Block>(part: &mut Part, nth: usize, name: &str, block: &Field<B>) {
    if let Some(block) = block.value() {
        let key = format!("{}.{name}", part.path());
        part.registers(nth, &key, block.base(), block.size());
    }
}

/// Claims a block that is the whole table at `place`.
pub(crate) fn claim_own<B: Block>(place: &Place, block: &B, claims: &mut Claims<'_>) {
    claims.device(place, block.base(), block.size(), B::RULE);
}

/// Returns the block's range.
pub(crate) fn range<B: Block>(block: &B) -> Option<board::Range> {
    Some(board::Range {
        base: block.base().value()?.0,
        size: block.size().value()?.0,
    })
}

/// Returns the range of an optional block.
pub(crate) fn optional_range<B: Block>(block: &Field<B>) -> Option<Option<board::Range>> {
    match block.optional()? {
        Some(block) => Some(Some(range(&block.value)?)),
        None => Some(None),
    }
}
