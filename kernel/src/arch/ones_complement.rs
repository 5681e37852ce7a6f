//! One's complement sums (RFC 1071) over many words. The fastest way depends on whether the
//! processor has a carry flag.

/// Returns the one's complement sum of two words.
#[inline]
const fn add(one: usize, other: usize) -> usize {
    let (sum, carry) = one.overflowing_add(other);
    sum + carry as usize
}

/// Adds 64-bit words to `sum`, each in word-sized parts.
#[inline]
fn add_each(sum: usize, words: &[u64]) -> usize {
    words.iter().fold(sum, |sum, &word| {
        let sum = add(sum, word as usize);
        if usize::BITS < u64::BITS {
            add(sum, (word >> 32) as usize)
        } else {
            sum
        }
    })
}

/// Adds each of the words with `$add`. The additions are unrolled, because the compiler does not
/// keep the carry flag across loop iterations.
macro_rules! add_all {
    ($words:expr, $add:expr) => {{
        let mut add = $add;
        let mut both = |word: u64| {
            add(word as usize);
            if usize::BITS < u64::BITS {
                add((word >> 32) as usize);
            }
        };
        let [a, b, c, d, e, f, g, h] = *$words;
        both(a);
        both(b);
        both(c);
        both(d);
        both(e);
        both(f);
        both(g);
        both(h);
    }};
}

/// Splits the words that hold `length` bytes: returns the complete words, and the last one, if it is
/// not complete, with excess bytes cleared.
#[inline]
fn split(words: &[u64], length: usize) -> (&[u64], u64) {
    let rest = length % 8;
    if rest != 0
        && let Some((last, complete)) = words.split_last()
    {
        return (complete, last & ((1 << (8 * rest)) - 1));
    }
    (words, 0)
}

/// Returns the sum of the `length` bytes that `words` hold as 16-bit words, neither complemented nor
/// folded, for a processor with a carry flag. Only the last word may hold fewer than 8 of these bytes;
/// an odd last byte is the first byte of its 16-bit word.
#[cfg(any(test, not(any(target_arch = "riscv32", target_arch = "riscv64"))))]
#[inline(never)]
pub(crate) fn sum_by_carry(words: &[u64], length: usize) -> u64 {
    let (full, last) = split(words, length);
    let (groups, rest) = full.as_chunks::<8>();
    let mut sum = 0_usize;
    for group in groups {
        let mut carry = false;
        add_all!(group, |word| (sum, carry) = sum.carrying_add(word, carry));
        // A second carry would need a sum of all ones that itself produced a carry, which cannot
        // happen.
        sum += usize::from(carry);
    }
    add_each(add_each(sum, rest), &[last]) as u64
}

/// Like [`sum_by_carry`], for a processor without a carry flag: detects a carry by comparison.
#[cfg(any(test, target_arch = "riscv32", target_arch = "riscv64"))]
#[inline(never)]
pub(crate) fn sum_by_comparison(words: &[u64], length: usize) -> u64 {
    let (full, last) = split(words, length);
    let (groups, rest) = full.as_chunks::<8>();
    let (mut sum, mut carries) = (0_usize, 0_usize);
    for group in groups {
        add_all!(group, |word| {
            let carry;
            (sum, carry) = sum.overflowing_add(word);
            carries += usize::from(carry);
        });
    }
    add_each(add_each(add(sum, carries), rest), &[last]) as u64
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// Computes the sum as in RFC 1071, 16 bits at a time.
    fn expected(words: &[u64], length: usize) -> u16 {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate(length);
        bytes.resize(length.next_multiple_of(2), 0);
        let words = bytes
            .chunks(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        folded(words.map(u64::from).sum())
    }

    fn folded(mut sum: u64) -> u16 {
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    #[test]
    fn both_ways_give_the_sum_of_as_many_bytes() {
        let mut random = 1_u64;
        let words: Vec<u64> = (0..40)
            .map(|_| {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                // Produces many carries.
                random | 0xffff_fff0_0000_0000
            })
            .collect();
        for length in (0..=320_usize).step_by(if cfg!(miri) { 19 } else { 1 }) {
            let expected = expected(&words, length);
            let words = &words[..length.div_ceil(8)];
            assert_eq!(folded(sum_by_carry(words, length)), expected, "{length}");
            assert_eq!(
                folded(sum_by_comparison(words, length)),
                expected,
                "{length}"
            );
        }
    }

    #[test]
    fn carries_are_never_lost() {
        let words = std::vec![u64::MAX; 40];
        for length in 2..=320_usize {
            let ones = if length % 2 == 0 { 0xffff } else { 0xff };
            let words = &words[..length.div_ceil(8)];
            assert_eq!(folded(sum_by_carry(words, length)), ones);
            assert_eq!(folded(sum_by_comparison(words, length)), ones);
        }
    }

    #[test]
    fn the_sum_of_no_bytes_is_0() {
        assert_eq!(sum_by_carry(&[], 0), 0);
        assert_eq!(sum_by_comparison(&[], 0), 0);
    }
}
