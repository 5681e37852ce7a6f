//! Shortens names that exceed the limit of the specification (Devicetree Specification 0.4, 2.2.1
//! and 2.2.4.1: 31 characters), as in the trees of many machines. The device tree reader rejects
//! them, so they are cut to their last 31 characters first. No code here uses such a name.

use std::borrow::Cow;

/// The length of the longest allowed name.
const LONGEST: usize = 31;

/// Tokens of the structure block (5.4.1).
const BEGIN_NODE: u32 = 1;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;

/// Returns the blob with its names cut to the allowed length. Invalid parts stay unchanged.
pub(super) fn shortened(blob: &[u8]) -> Cow<'_, [u8]> {
    let mut blob = Cow::Borrowed(blob);
    let _ = shorten(&mut blob);
    blob
}

fn shorten(blob: &mut Cow<'_, [u8]>) -> Option<()> {
    let (structure, strings) = (offset(blob, 8)?, offset(blob, 12)?);
    let mut at = structure;
    loop {
        let token = cell(blob, at)?;
        at = at.checked_add(4)?;
        match token {
            BEGIN_NODE => {
                let length = name_at(blob, at)?;
                let end = aligned(at.checked_add(length)?.checked_add(1)?)?;
                cut_node_name(blob, at, length, end)?;
                at = end;
            }
            PROPERTY => {
                let (value, name) = (offset(blob, at)?, offset(blob, at.checked_add(4)?)?);
                let length = name_at(blob, strings.checked_add(name)?)?;
                if let Some(over) = length.checked_sub(LONGEST).filter(|over| *over > 0) {
                    let name = u32::try_from(name.checked_add(over)?).ok()?;
                    let place = blob.to_mut().get_mut(at.checked_add(4)?..)?;
                    place
                        .first_chunk_mut()
                        .map(|cell| *cell = name.to_be_bytes())?;
                }
                at = aligned(at.checked_add(8)?.checked_add(value)?)?;
            }
            END => return Some(()),
            _ => {}
        }
    }
}

/// Cuts the node's name of `length` at `at`, and fills the space up to `end` with no-op tokens. `None`
/// if the blob ends before, or the name is not aligned to 4.
fn cut_node_name(blob: &mut Cow<'_, [u8]>, at: usize, length: usize, end: usize) -> Option<()> {
    // The limit applies to the part before the unit address.
    let name = blob.get(at..end)?.get(..length)?;
    let base = name.iter().position(|byte| *byte == b'@').unwrap_or(length);
    let Some(over) = base.checked_sub(LONGEST).filter(|over| *over > 0) else {
        return Some(());
    };
    if !at.is_multiple_of(4) {
        return None;
    }
    let kept = name[over..].to_vec();
    let place = blob.to_mut().get_mut(at..end)?;
    place.fill(0);
    // One zero ends the name; the next token is aligned to 4.
    let (name, rest) = place.split_at_mut_checked((kept.len() + 1).next_multiple_of(4))?;
    name.get_mut(..kept.len())?.copy_from_slice(&kept);
    for token in rest.chunks_exact_mut(4) {
        token.copy_from_slice(&NOP.to_be_bytes());
    }
    Some(())
}

fn cell(blob: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*blob.get(at..)?.first_chunk()?))
}

fn offset(blob: &[u8], at: usize) -> Option<usize> {
    usize::try_from(cell(blob, at)?).ok()
}

/// Returns the length of the name at `at`.
fn name_at(blob: &[u8], at: usize) -> Option<usize> {
    blob.get(at..)?.iter().position(|byte| *byte == 0)
}

fn aligned(at: usize) -> Option<usize> {
    at.checked_next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::super::DeviceTree;
    use super::*;

    /// Returns a tree with one node below the root and one property.
    fn tree(node: &str, property: &str) -> Vec<u8> {
        let mut structure = Vec::new();
        let put = |structure: &mut Vec<u8>, bytes: &[u8]| {
            structure.extend(bytes);
            structure.resize(structure.len().next_multiple_of(4), 0);
        };
        put(&mut structure, &BEGIN_NODE.to_be_bytes());
        put(&mut structure, &[0]);
        put(&mut structure, &BEGIN_NODE.to_be_bytes());
        put(&mut structure, format!("{node}\0").as_bytes());
        for value in [PROPERTY, 4, 0, 42] {
            put(&mut structure, &value.to_be_bytes());
        }
        for token in [2, 2, END] {
            put(&mut structure, &u32::to_be_bytes(token));
        }
        let strings = format!("{property}\0");
        let (first, second) = (56, 56 + structure.len());
        let total = second + strings.len();
        let header = [
            0xd00d_feed,
            total,
            first,
            second,
            40,
            17,
            16,
            0,
            strings.len(),
            structure.len(),
        ];
        let mut blob: Vec<u8> = header
            .into_iter()
            .flat_map(|value| u32::try_from(value).expect("small").to_be_bytes())
            .collect();
        blob.extend([0; 16]);
        blob.extend(structure);
        blob.extend(strings.into_bytes());
        blob
    }

    fn names(node: &str, property: &str) -> (String, Option<u32>) {
        let tree = DeviceTree::parse(&tree(node, property)).expect("a device tree");
        let last = tree.nodes.last().expect("a node");
        let short = &property[property.len().saturating_sub(LONGEST)..];
        (last.path.clone(), last.number(short))
    }

    #[test]
    fn names_of_the_longest_length_stay_as_they_are() {
        let (node, property) = ("n".repeat(LONGEST), "p".repeat(LONGEST));
        let blob = tree(&node, &property);
        assert!(matches!(shortened(&blob), Cow::Borrowed(_)));
        assert_eq!(names(&node, &property), (format!("/{node}"), Some(42)));
    }

    #[test]
    fn longer_names_are_cut_at_the_front() {
        for over in 1..9 {
            let end = "e".repeat(LONGEST);
            let long = format!("{}{end}", "b".repeat(over));
            let with_address = format!("{long}@1000");
            assert_eq!(names(&long, &long), (format!("/{end}"), Some(42)));
            assert_eq!(
                names(&with_address, "p"),
                (format!("/{end}@1000"), Some(42))
            );
        }
    }

    #[test]
    fn names_at_the_end_or_at_any_place_are_handled() {
        for (length, offset) in (32..48).flat_map(|length| (0..4).map(move |at| (length, at))) {
            let mut blob = vec![0; 56 + offset];
            blob[8..12].copy_from_slice(&u32::to_be_bytes(56 + offset as u32));
            blob.extend(BEGIN_NODE.to_be_bytes());
            blob.extend("n".repeat(length).bytes());
            blob.push(0);
            for _ in 0..8 {
                let _ = shortened(&blob);
                blob.resize(blob.len() + 1, 0);
            }
        }
    }

    #[test]
    fn data_that_is_not_a_device_tree_is_unchanged() {
        for node in ["node".to_owned(), "n".repeat(40)] {
            let blob = tree(&node, &"p".repeat(40));
            for length in 0..blob.len() {
                let _ = shortened(&blob[..length]);
            }
        }
        assert_eq!(shortened(b"no tree at all"), &b"no tree at all"[..]);
    }
}
