//! Tracks which parts of a sequence of bytes have arrived, in any order.

/// The largest number of separate parts of the sequence that are recorded.
const PARTS: usize = 16;

/// There are too many gaps to record another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyGaps;

/// The parts of a sequence of bytes that have arrived. No memory is allocated.
#[derive(Clone)]
pub(super) struct Assembler {
    /// Start and end of each part, in ascending order; none is empty, and there is a gap between
    /// any two.
    parts: [(u32, u32); PARTS],
    count: usize,
}

impl Assembler {
    pub(super) const fn new() -> Self {
        Self {
            parts: [(0, 0); PARTS],
            count: 0,
        }
    }

    fn parts(&self) -> &[(u32, u32)] {
        self.parts.get(..self.count).unwrap_or_default()
    }

    /// Returns the number of bytes that have arrived at the front without a gap.
    pub(super) fn peek_front(&self) -> usize {
        match self.parts() {
            [(0, end), ..] => *end as usize,
            _ => 0,
        }
    }

    /// Records that the `length` bytes at `offset` arrived. The sum must be less than 4 GiB.
    ///
    /// # Errors
    ///
    /// If there would be too many gaps; nothing is recorded.
    pub(super) fn add(&mut self, offset: usize, length: usize) -> Result<(), TooManyGaps> {
        if length == 0 {
            return Ok(());
        }
        let (mut start, mut end) = (offset as u32, (offset + length) as u32);
        // Parts that touch the new one are merged with it.
        let first = self.parts().partition_point(|part| part.1 < start);
        let behind = self.parts().partition_point(|part| part.0 <= end);
        if first == behind {
            if self.count == PARTS {
                return Err(TooManyGaps);
            }
            self.parts.copy_within(first..self.count, first + 1);
            self.count += 1;
        } else {
            start = start.min(self.parts[first].0);
            end = end.max(self.parts[behind - 1].1);
            self.parts.copy_within(behind..self.count, first + 1);
            self.count -= behind - first - 1;
        }
        self.parts[first] = (start, end);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn random(state: &mut u32) -> usize {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*state >> 16) as usize
    }

    #[test]
    fn the_parts_agree_with_a_map_of_bytes() {
        let mut state = 7;
        for _ in 0..if cfg!(miri) { 3 } else { 200 } {
            let mut assembler = Assembler::new();
            let mut map: Vec<bool> = std::vec![false; 400];
            for _ in 0..60 {
                let (offset, length) = (random(&mut state) % 300, random(&mut state) % 30);
                let mut after = map.clone();
                after[offset..offset + length].fill(true);
                let front = after.iter().take_while(|byte| **byte).count();
                let gaps = after.windows(2).filter(|pair| !pair[0] && pair[1]).count();
                let parts = gaps + usize::from(after[0]);
                let result = assembler
                    .add(offset, length)
                    .map(|()| assembler.peek_front());
                if result.is_err() {
                    assert!(parts > PARTS, "{parts}");
                    continue;
                }
                assert!(parts <= PARTS, "{parts}");
                assert_eq!(result, Ok(front));
                map = after;
            }
        }
    }
}
