//! One's complement sums (RFC 1071): how a processor adds up many words at the least cost depends on
//! whether it has a carry.

/// The one's complement sum of two words.
#[inline]
const fn add(one: usize, other: usize) -> usize {
    let (sum, carry) = one.overflowing_add(other);
    sum + carry as usize
}

/// The sum of a few words of 64 bits and of `sum`, each in as many parts as the processor has.
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

/// Adds each of the words in turn by `$add`. Written out, since the compiler makes no carry of what it
/// keeps from one round of a loop to the next.
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

/// The sum of all 16-bit words in `words`, neither complemented nor folded, for a processor that adds
/// with a carry.
#[cfg(any(test, not(any(target_arch = "riscv32", target_arch = "riscv64"))))]
#[inline(never)]
pub(crate) fn sum_by_carry(words: &[u64]) -> u64 {
    let (groups, rest) = words.as_chunks::<8>();
    let mut sum = 0_usize;
    for group in groups {
        let mut carry = false;
        add_all!(group, |word| (sum, carry) = sum.carrying_add(word, carry));
        // It would take a sum of all ones that has a carry to make another one.
        sum += usize::from(carry);
    }
    add_each(sum, rest) as u64
}

/// The same for a processor that learns of a carry by comparing.
#[cfg(any(test, target_arch = "riscv32", target_arch = "riscv64"))]
#[inline(never)]
pub(crate) fn sum_by_comparison(words: &[u64]) -> u64 {
    let (groups, rest) = words.as_chunks::<8>();
    let (mut sum, mut carries) = (0_usize, 0_usize);
    for group in groups {
        add_all!(group, |word| {
            let carry;
            (sum, carry) = sum.overflowing_add(word);
            carries += usize::from(carry);
        });
    }
    add_each(add(sum, carries), rest) as u64
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// As RFC 1071 says it, 16 bits at a time.
    fn expected(words: &[u64]) -> u16 {
        let mut sum = 0_u64;
        for word in words {
            for shift in [0, 16, 32, 48] {
                sum += word >> shift & 0xffff;
            }
        }
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    fn folded(mut sum: u64) -> u16 {
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    #[test]
    fn both_ways_give_the_sum_of_all_words() {
        let mut random = 1_u64;
        for length in 0..40 {
            let words: Vec<u64> = (0..length)
                .map(|_| {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    // Many carries.
                    random | 0xffff_fff0_0000_0000
                })
                .collect();
            assert_eq!(folded(sum_by_carry(&words)), expected(&words), "{length}");
            assert_eq!(
                folded(sum_by_comparison(&words)),
                expected(&words),
                "{length}"
            );
        }
    }

    #[test]
    fn carries_are_never_lost() {
        for length in 1..40 {
            let words = std::vec![u64::MAX; length];
            assert_eq!(folded(sum_by_carry(&words)), 0xffff);
            assert_eq!(folded(sum_by_comparison(&words)), 0xffff);
        }
    }
}
