//! Ranges of sequence numbers: data that arrived behind a gap, or that a peer acknowledged
//! selectively (RFC 2018).

use super::sequence::Sequence;

/// The largest number of ranges: enough if every other segment of a full window of 64 KiB was lost.
const MOST: usize = 23;

/// Ranges in ascending order, with gaps between them.
#[derive(Default)]
pub(super) struct Ranges {
    /// The start of each range, and its end (exclusive).
    all: [(Sequence, Sequence); MOST],
    count: usize,
    /// The start of the range added last.
    latest: Sequence,
}

impl Ranges {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    #[inline]
    fn ranges(&self) -> &[(Sequence, Sequence)] {
        self.all.get(..self.count).unwrap_or_default()
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// Adds the range from `start` to `end`. Returns false if there would be too many ranges.
    #[cold]
    pub(super) fn add(&mut self, mut start: Sequence, mut end: Sequence) -> bool {
        let added = start;
        let in_front = |range: &&(Sequence, Sequence)| start.is_after(range.1);
        let first = self.ranges().iter().take_while(in_front).count();
        let mut behind = first;
        while let Some(range) = self.ranges().get(behind)
            && !range.0.is_after(end)
        {
            start = if start.is_after(range.0) {
                range.0
            } else {
                start
            };
            end = if end.is_after(range.1) { end } else { range.1 };
            behind += 1;
        }
        if behind == first && self.count == MOST {
            return false;
        }
        self.replace(first, behind, first + 1);
        if let Some(range) = self.all.get_mut(first) {
            *range = (start, end);
        }
        self.latest = added;
        true
    }

    /// Removes everything before `place`, and the range that contains `place` or starts there;
    /// returns the end of that range.
    #[cold]
    pub(super) fn absorb(&mut self, mut place: Sequence) -> Sequence {
        let mut gone = 0;
        while let Some(range) = self.ranges().get(gone)
            && !range.0.is_after(place)
        {
            place = if range.1.is_after(place) {
                range.1
            } else {
                place
            };
            gone += 1;
        }
        self.replace(0, gone, 0);
        place
    }

    /// Moves the ranges from `behind` on to `to`, over those from `to` on; `first` ranges precede
    /// them.
    fn replace(&mut self, first: usize, behind: usize, to: usize) {
        self.all
            .copy_within(behind..self.count.min(MOST - to + behind), to);
        self.count = self.count - (behind - first) + (to - first);
    }

    /// Returns the first position from `place` on that is in no range, and the start of the next
    /// range, if any.
    pub(super) fn gap(&self, mut place: Sequence) -> (Sequence, Option<Sequence>) {
        for (start, end) in self.ranges() {
            if start.is_after(place) {
                return (place, Some(*start));
            }
            if end.is_after(place) {
                place = *end;
            }
        }
        (place, None)
    }

    /// Returns how many numbers from `from` to `to` are in ranges.
    pub(super) fn within(&self, from: Sequence, to: Sequence) -> usize {
        let until = |place: Sequence| if place.is_after(to) { to } else { place };
        let each = self.ranges().iter().map(|(start, end)| {
            let start = if from.is_after(*start) { from } else { *start };
            until(*end).ahead_of(start)
        });
        each.sum()
    }

    /// Returns the end of the last range.
    pub(super) fn end(&self) -> Option<Sequence> {
        self.ranges().last().map(|range| range.1)
    }

    /// Writes the ranges as an option of a segment (RFC 2018, 3), after two bytes of padding: at
    /// most three ranges, starting with the one added last and those that follow it (RFC 2018, 4).
    /// Returns the length in bytes.
    #[cold]
    pub(super) fn write(&self, room: &mut [u8; Self::OPTION]) -> usize {
        let mut length = 4;
        let latest = |(_, end): &&(Sequence, Sequence)| end.is_after(self.latest);
        let from = self
            .ranges()
            .iter()
            .take_while(|range| !latest(range))
            .count();
        let ranges = self.ranges();
        let (before, after) = ranges.split_at(from.min(ranges.len()));
        for (start, end) in after.iter().chain(before).take(3) {
            for place in [start, end] {
                if let Some(room) = room.get_mut(length..length + 4) {
                    room.copy_from_slice(&place.0.to_be_bytes());
                }
                length += 4;
            }
        }
        room[..4].copy_from_slice(&[1, 1, 5, length as u8 - 2]);
        length
    }

    /// The largest length of the option.
    pub(super) const OPTION: usize = 4 + 3 * 8;
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// Returns a position; the numbers wrap in the middle of the test.
    fn at(place: u32) -> Sequence {
        Sequence(place.wrapping_sub(500))
    }

    #[test]
    fn ranges_contain_the_added_and_not_removed_numbers() {
        let mut random = 1u32;
        let mut next = |below: u32| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) % below
        };
        for _ in 0..if cfg!(miri) { 2 } else { 300 } {
            let mut ranges = Ranges::default();
            let mut holds = std::vec![false; 1000];
            for _ in 0..60 {
                let start = next(950);
                let end = start + 1 + next(48);
                if next(8) == 0 {
                    let mut place = next(300) as usize;
                    let absorbed = ranges.absorb(at(place as u32));
                    holds[..place].fill(false);
                    while holds[place] {
                        holds[place] = false;
                        place += 1;
                    }
                    assert_eq!(absorbed, at(place as u32));
                } else if ranges.add(at(start), at(end)) {
                    holds[start as usize..end as usize].fill(true);
                } else {
                    assert_eq!(ranges.count, MOST);
                }
                let edges = holds.windows(2).filter(|pair| pair[0] != pair[1]).count();
                assert_eq!(ranges.count, edges.div_ceil(2));
                let counted = holds[200..700].iter().filter(|held| **held).count();
                assert_eq!(ranges.within(at(200), at(700)), counted);
                let from = next(900);
                let gap = (from..).find(|place| !holds[*place as usize]).unwrap();
                let filled = (gap..1000).find(|place| holds[*place as usize]);
                assert_eq!(ranges.gap(at(from)), (at(gap), filled.map(at)));
                let last = holds.iter().rposition(|held| *held);
                assert_eq!(ranges.end(), last.map(|last| at(last as u32 + 1)));
            }
        }
    }

    #[test]
    fn the_last_range_is_reported_first() {
        let mut ranges = Ranges::default();
        for (start, end) in [(10, 20), (30, 40), (70, 80), (50, 60)] {
            assert!(ranges.add(at(start), at(end)));
        }
        assert!(ranges.add(at(40), at(45)));
        let mut room = [0; Ranges::OPTION];
        assert_eq!(ranges.write(&mut room), Ranges::OPTION);
        let told: Vec<_> = room[4..]
            .chunks(4)
            .map(|bytes| u32::from_be_bytes(bytes.try_into().unwrap()).wrapping_add(500))
            .collect();
        assert_eq!(room[..4], [1, 1, 5, 26]);
        assert_eq!(told, [30, 45, 50, 60, 70, 80]);
        ranges.absorb(at(65));
        assert_eq!(ranges.write(&mut room), 12);
    }
}
