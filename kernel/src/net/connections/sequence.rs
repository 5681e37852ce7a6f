//! Sequence numbers (RFC 9293, 3.4).

/// A position in one direction of a connection, in bytes, modulo 2^32. Of two positions, the later
/// one is less than half of the range ahead of the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Sequence(pub(super) u32);

impl Sequence {
    /// Returns the position that is this many bytes later.
    #[inline]
    pub(super) fn plus(self, bytes: usize) -> Self {
        Self(self.0.wrapping_add(bytes as u32))
    }

    /// Returns how far this position is after `other`, in bytes; negative if it is before.
    #[inline]
    pub(super) fn since(self, other: Self) -> isize {
        self.0.wrapping_sub(other.0) as i32 as isize
    }

    /// Returns how far this position is after `other`, in bytes; 0 if it is before.
    #[inline]
    pub(super) fn ahead_of(self, other: Self) -> usize {
        usize::try_from(self.since(other)).unwrap_or(0)
    }

    /// Returns whether this position is after `other`.
    #[inline]
    pub(super) fn is_after(self, other: Self) -> bool {
        self.since(other) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::Sequence;

    #[test]
    fn the_order_continues_when_the_numbers_wrap() {
        let last = Sequence(u32::MAX);
        let next = last.plus(3);
        assert_eq!(next, Sequence(2));
        assert!(next.is_after(last) && !last.is_after(next) && !last.is_after(last));
        assert_eq!((next.since(last), last.since(next)), (3, -3));
        assert_eq!((next.ahead_of(last), last.ahead_of(next)), (3, 0));
    }
}
