//! Walking frame records: pairs of the caller's frame pointer and the address to return to, just
//! below where a frame pointer points (RISC-V ELF psABI 1.1, section 3.2). Every value in them may
//! be damaged, so each is checked before it is followed.

use core::ops::Range;

/// More frames than this are a sign that something goes round in circles.
const LIMIT: usize = 64;
/// The bytes of a register.
const WORD: usize = size_of::<usize>();
/// The bytes of a frame record.
const RECORD: usize = 2 * WORD;
/// What a frame pointer is a multiple of.
const ALIGNMENT: usize = 16;
/// The bytes of the shortest call. A longer one is found by any of its bytes.
const CALL: usize = 2;

/// Visits the calls that led to the frame pointer `from`, innermost first, reading memory by `read`
/// and only within `stack`. What is visited is an address within the call itself.
pub(super) fn walk(
    from: usize,
    stack: &Range<usize>,
    read: impl Fn(usize) -> usize,
    mut visit: impl FnMut(usize),
) {
    let mut frame = from;
    for _ in 0..LIMIT {
        let first = stack.start.saturating_add(RECORD);
        if !frame.is_multiple_of(ALIGNMENT) || frame < first || frame > stack.end {
            return;
        }
        let caller = read(frame - RECORD);
        let return_address = read(frame - WORD);
        if return_address == 0 {
            return;
        }
        visit(return_address.wrapping_sub(CALL));
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

    /// The calls found from `from`, where memory holds `words` and zeros.
    fn calls(from: usize, words: &[(usize, usize)]) -> Vec<usize> {
        let read = |address: usize| {
            assert!(
                STACK.contains(&address) && STACK.contains(&(address + WORD - 1)),
                "{address:#x} may not be there"
            );
            words
                .iter()
                .find(|&&(place, _)| place == address)
                .map_or(0, |&(_, value)| value)
        };
        let mut found = Vec::new();
        walk(from, &STACK, read, |call| found.push(call));
        found
    }

    /// The record of the frame pointer `frame`.
    fn record(frame: usize, caller: usize, return_address: usize) -> [(usize, usize); 2] {
        [(frame - RECORD, caller), (frame - WORD, return_address)]
    }

    #[test]
    fn every_caller_is_visited_until_the_first() {
        let records = [
            record(0x1100, 0x1200, 0x4_0004),
            record(0x1200, 0x2000, 0x4_1002),
            record(0x2000, 0, 0x4_2004),
        ];
        assert_eq!(
            calls(0x1100, &records.concat()),
            [0x4_0002, 0x4_1000, 0x4_2002]
        );
    }

    #[test]
    fn a_record_outside_the_stack_is_not_read() {
        assert!(calls(0x1000, &[]).is_empty());
        assert!(calls(0x2010, &[]).is_empty());
        assert_eq!(calls(0x1100, &record(0x1100, 0x3000, 8)), [6]);
    }

    #[test]
    fn a_misaligned_frame_is_not_read() {
        assert!(calls(0x1108, &[]).is_empty());
    }

    #[test]
    fn a_record_that_points_back_ends_the_walk() {
        assert_eq!(calls(0x1100, &record(0x1100, 0x1100, 8)), [6]);
    }

    #[test]
    fn the_walk_is_bounded() {
        let records: Vec<(usize, usize)> = (0x1010..=0x2000)
            .step_by(16)
            .flat_map(|frame| record(frame, frame + 16, 8))
            .collect();
        assert_eq!(calls(0x1010, &records).len(), LIMIT);
    }
}
