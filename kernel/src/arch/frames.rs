//! Walks frame records: pairs of the caller's frame pointer and the return address, which every
//! function stores on the stack. The records may be corrupt, so each value is checked before use.

use core::ops::Range;

/// The largest number of frames; more indicate a cycle.
const LIMIT: usize = 64;
/// The size of an address, in bytes.
const WORD: usize = size_of::<usize>();

/// The position of the frame record (the caller's frame pointer, then the return address) relative
/// to the frame pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    /// The alignment of a frame pointer.
    pub(super) alignment: usize,
    /// How many bytes below the frame pointer the record starts.
    pub(super) below: usize,
    /// The number of bytes before the return address at which an address lies within the call
    /// instruction.
    pub(super) call: usize,
}

impl Layout {
    /// The record starts at the frame pointer.
    pub(super) const fn record_at_frame_pointer(alignment: usize, call: usize) -> Self {
        Self {
            alignment,
            below: 0,
            call,
        }
    }
}

/// Visits the addresses of the calls that led to the frame record at `from`, innermost first. Reads
/// memory through `read`, and only within `stack`.
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
        // The stack grows down, so a caller's record is at a higher address.
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

    /// Returns the calls found from `from`, in memory that contains `words` and zeros.
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
