//! Walking frame records: pairs of the caller's frame pointer and the address to return to (AAPCS64,
//! section 6.4.6). Every value in them may be damaged, so each is checked before it is followed.

use core::ops::Range;

/// More frames than this are a sign that something goes round in circles.
const LIMIT: usize = 64;
/// The bytes of a frame record.
const RECORD: usize = 16;
/// The bytes of a call.
const CALL: usize = 4;

/// Visits the calls that led to the frame record at `from`, innermost first, reading memory by
/// `read` and only within `stack`. What is visited is the address of the call itself.
pub(super) fn walk(
    from: usize,
    stack: &Range<usize>,
    read: impl Fn(usize) -> usize,
    mut visit: impl FnMut(usize),
) {
    let mut frame = from;
    for _ in 0..LIMIT {
        let last = stack.end.saturating_sub(RECORD);
        if !frame.is_multiple_of(RECORD) || frame < stack.start || frame > last {
            return;
        }
        let caller = read(frame);
        let return_address = read(frame + 8);
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
                STACK.contains(&address) && STACK.contains(&(address + 7)),
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
}
