//! Walking frame records: pairs of the caller's frame pointer and the address to return to, which
//! every function leaves on the stack. Every value in them may be damaged, so each is checked before
//! it is followed.

use core::ops::Range;

/// More frames than this are a sign that something goes round in circles.
const LIMIT: usize = 64;
/// The bytes of an address.
const WORD: usize = size_of::<usize>();

/// Where an architecture's calling convention has the record (the caller's frame pointer, then the
/// return address), seen from the frame pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    /// What a frame pointer is a multiple of.
    pub(super) alignment: usize,
    /// How many bytes below the frame pointer the record begins.
    pub(super) below: usize,
    /// How many bytes before the return address the call is looked for; within it is enough.
    pub(super) call: usize,
}

impl Layout {
    /// The caller's frame pointer and the return address, from the frame pointer on.
    pub(super) const fn record_at_frame_pointer(alignment: usize, call: usize) -> Self {
        Self {
            alignment,
            below: 0,
            call,
        }
    }
}

/// Visits the calls that led to the frame record of the frame pointer `from`, innermost first,
/// reading memory by `read` and only within `stack`. What is visited is the address of the call
/// itself.
pub(super) fn walk(
    layout: Layout,
    from: usize,
    stack: &Range<usize>,
    read: impl Fn(usize) -> usize,
    mut visit: impl FnMut(usize),
) {
    let mut frame = from;
    for _ in 0..LIMIT {
        let record = frame.wrapping_sub(layout.below);
        let last = stack.end.saturating_sub(2 * WORD);
        if !frame.is_multiple_of(layout.alignment) || record < stack.start || record > last {
            return;
        }
        let (caller, return_address) = (read(record), read(record + WORD));
        if return_address == 0 {
            return;
        }
        visit(return_address.wrapping_sub(layout.call));
        // the stack grows down, so a caller's record is above
        if caller <= frame {
            return;
        }
        frame = caller;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const STACK: Range<usize> = 0x1000..0x2000;
    const LAYOUT: Layout = Layout::record_at_frame_pointer(16, 4);

    /// The calls found from `from`, where memory holds `words` and zeros.
    fn calls(from: usize, words: &[(usize, usize)]) -> Vec<usize> {
        calls_by(LAYOUT, from, words)
    }

    fn calls_by(layout: Layout, from: usize, words: &[(usize, usize)]) -> Vec<usize> {
        let read = |address: usize| {
            assert!(
                STACK.contains(&address) && STACK.contains(&(address + 7)),
                "{address:#x} may not be there"
            );
            words
                .iter()
                .find(|&&(place, _)| place == address)
                .map_or(0, |&(_, value)| value)
        };
        let mut found = Vec::new();
        walk(layout, from, &STACK, read, |call| found.push(call));
        found
    }

    #[test]
    fn every_caller_is_visited_until_the_first() {
        let records = [
            (0x1100, 0x1200),
            (0x1108, 0x4_0004),
            (0x1200, 0x1ff0),
            (0x1208, 0x4_1004),
            (0x1ff0, 0),
            (0x1ff8, 0x4_2004),
        ];
        assert_eq!(calls(0x1100, &records), [0x4_0000, 0x4_1000, 0x4_2000]);
    }

    #[test]
    fn a_record_outside_the_stack_is_not_read() {
        assert!(calls(0xff0, &[]).is_empty());
        assert!(calls(0x2000, &[]).is_empty());
        assert_eq!(calls(0x1100, &[(0x1100, 0x3000), (0x1108, 8)]), [4]);
    }

    #[test]
    fn a_misaligned_record_is_not_read() {
        assert!(calls(0x1108, &[]).is_empty());
        assert!(calls(0x1ff8, &[]).is_empty());
    }

    #[test]
    fn a_record_that_points_back_ends_the_walk() {
        let circle = [(0x1100, 0x1100), (0x1108, 8)];
        assert_eq!(calls(0x1100, &circle), [4]);
    }

    #[test]
    fn the_walk_is_bounded() {
        let records: Vec<(usize, usize)> = (0x1000..0x2000)
            .step_by(16)
            .flat_map(|frame| [(frame, frame + 16), (frame + 8, 8)])
            .collect();
        assert_eq!(calls(0x1000, &records).len(), LIMIT);
    }

    #[test]
    fn a_record_below_the_frame_pointer_is_found() {
        let layout = Layout {
            below: 16,
            ..LAYOUT
        };
        let records = [
            (0x10f0, 0x1ff0),
            (0x10f8, 0x4_0004),
            (0x1fe0, 0),
            (0x1fe8, 0x4_1004),
        ];
        assert_eq!(calls_by(layout, 0x1100, &records), [0x4_0000, 0x4_1000]);
        assert!(calls_by(layout, 0x1000, &records).is_empty());
    }
}
