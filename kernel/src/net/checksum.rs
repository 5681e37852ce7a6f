//! The Internet checksum (RFC 1071).

pub(super) use crate::arch::sum_words;

/// The one's complement sum of `bytes` as 16-bit words in the machine's byte order, neither
/// complemented nor [folded](fold). An odd last byte is the first of its word.
///
/// It reads eight bytes at a time, and only from where the machine may: a target that cannot read
/// an unaligned word would otherwise put each together from single bytes.
#[inline]
pub(super) fn sum(bytes: &[u8]) -> u64 {
    // SAFETY: every eight bytes are a `u64`.
    let (head, body, tail) = unsafe { bytes.align_to::<u64>() };
    let mut total = sum_words(body, size_of_val(body));
    if !tail.is_empty() {
        total = add(total, pairs(tail));
    }
    if head.is_empty() {
        return total;
    }
    // Behind an odd number of bytes every word stands with its bytes swapped, and so does their sum.
    let rest = if head.len().is_multiple_of(2) {
        fold(total)
    } else {
        fold(total).swap_bytes()
    };
    pairs(head) + u64::from(rest)
}

/// The sum of two sums.
#[inline]
pub(super) fn add(one: u64, other: u64) -> u64 {
    let (sum, carry) = one.overflowing_add(other);
    sum + u64::from(carry)
}

/// The sum of a few bytes.
fn pairs(bytes: &[u8]) -> u64 {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let sum: u64 = pairs
        .iter()
        .map(|pair| u64::from(u16::from_ne_bytes(*pair)))
        .sum();
    let rest = rest
        .first()
        .map_or(0, |last| u16::from_ne_bytes([*last, 0]));
    sum + u64::from(rest)
}

/// Adds up the four 16-bit words of a sum, and what that carries.
#[inline]
pub(super) fn fold(sum: u64) -> u16 {
    // The upper half of the sum of a number and its halves exchanged is the sum of the halves and
    // what that carries.
    let sum = (sum.wrapping_add(sum.rotate_left(32)) >> 32) as u32;
    (sum.wrapping_add(sum.rotate_left(16)) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// As RFC 1071 says it, word by word.
    fn expected(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(u16::from_be_bytes([
                pair[0],
                pair.get(1).copied().unwrap_or(0),
            ]));
            sum = (sum >> 16) + (sum & 0xffff);
        }
        sum as u16
    }

    #[test]
    fn it_is_the_sum_of_the_words_wherever_they_begin_and_end() {
        let bytes: Vec<u8> = (0..200u32).map(|n| (n * 97 + 13) as u8).collect();
        for start in 0..16 {
            for end in start..bytes.len() {
                let bytes = &bytes[start..end];
                assert_eq!(fold(sum(bytes)).to_be(), expected(bytes), "{start}..{end}");
            }
        }
    }

    #[test]
    fn carries_are_added_back() {
        assert_eq!(fold(sum(&[0xff; 64])), 0xffff);
        assert_eq!(fold(sum(&[0xff; 63])).to_be(), expected(&[0xff; 63]));
    }
}
