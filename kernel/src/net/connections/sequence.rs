//! Sequence numbers (RFC 9293, 3.4).

/// A place in one direction of a connection, in bytes. The numbers begin again after 2^32, so that two
/// compare as which of them is less than half of that ahead.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Sequence(pub(super) u32);

impl Sequence {
    /// The place so many bytes further on.
    #[inline]
    pub(super) fn plus(self, bytes: usize) -> Self {
        Self(self.0.wrapping_add(bytes as u32))
    }

    /// How far this is behind `other`, in bytes; negative where it is in front.
    #[inline]
    pub(super) fn since(self, other: Self) -> isize {
        self.0.wrapping_sub(other.0) as i32 as isize
    }

    /// How far this is behind `other`, in bytes, and 0 where it is in front.
    #[inline]
    pub(super) fn ahead_of(self, other: Self) -> usize {
        usize::try_from(self.since(other)).unwrap_or(0)
    }

    /// Whether this is behind `other`.
    #[inline]
    pub(super) fn is_after(self, other: Self) -> bool {
        self.since(other) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::Sequence;

    #[test]
    fn order_goes_on_where_the_numbers_begin_again() {
        let last = Sequence(u32::MAX);
        let next = last.plus(3);
        assert_eq!(next, Sequence(2));
        assert!(next.is_after(last) && !last.is_after(next) && !last.is_after(last));
        assert_eq!((next.since(last), last.since(next)), (3, -3));
        assert_eq!((next.ahead_of(last), last.ahead_of(next)), (3, 0));
    }
}
