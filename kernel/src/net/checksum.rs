//! The Internet checksum (RFC 1071).

pub(super) use crate::arch::sum_words;

/// Returns the one's complement sum of `bytes` as 16-bit words in the machine's byte order, neither
/// complemented nor [folded](fold). An odd last byte is the first byte of its word.
///
/// It reads eight aligned bytes at a time; on a target without unaligned access, unaligned words
/// would be assembled from single bytes.
#[inline]
pub(super) fn sum(bytes: &[u8]) -> u64 {
    // SAFETY: any eight bytes are a valid `u64`.
    let (head, body, tail) = unsafe { bytes.align_to::<u64>() };
    let mut total = sum_words(body, size_of_val(body));
    if !tail.is_empty() {
        total = add(total, pairs(tail));
    }
    if head.is_empty() {
        return total;
    }
    // After an odd number of bytes, the bytes of each word are swapped, and so are those of the
    // sum.
    let rest = if head.len().is_multiple_of(2) {
        fold(total)
    } else {
        fold(total).swap_bytes()
    };
    pairs(head) + u64::from(rest)
}

/// Adds two sums.
#[inline]
pub(super) fn add(one: u64, other: u64) -> u64 {
    let (sum, carry) = one.overflowing_add(other);
    sum + u64::from(carry)
}

/// Returns the sum of a few bytes.
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

/// Adds the four 16-bit words of a sum, with carries.
#[inline]
pub(super) fn fold(sum: u64) -> u16 {
    // Adding a number to itself with exchanged halves leaves the sum of the halves with its carry
    // in the upper half.
    let sum = (sum.wrapping_add(sum.rotate_left(32)) >> 32) as u32;
    (sum.wrapping_add(sum.rotate_left(16)) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// Computes the sum word by word, as in RFC 1071.
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
    fn the_sum_is_right_for_any_alignment_and_length() {
        let bytes: Vec<u8> = (0..200u32).map(|n| (n * 97 + 13) as u8).collect();
        for start in 0..16 {
            for end in (start..bytes.len()).step_by(if cfg!(miri) { 9 } else { 1 }) {
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
