//! Numbers that cannot be predicted from earlier ones without the seed.

/// A keyed hash of a counter: SipHash-2-4 (Aumasson and Bernstein 2012).
pub(super) struct Random {
    key: [u64; 2],
    count: u64,
}

impl Random {
    /// Creates the sequence of numbers of `seed`.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            key: [seed, !seed],
            count: 0,
        }
    }

    /// Creates the sequence of numbers of a key.
    pub(super) fn keyed(key: u128) -> Self {
        Self {
            key: [key as u64, (key >> 64) as u64],
            count: 0,
        }
    }

    /// Returns the next number.
    pub(super) fn next(&mut self) -> u64 {
        self.count += 1;
        hash(self.key, self.count)
    }

    /// Returns a key for another sequence: the next two numbers.
    pub(super) fn key(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }

    /// Returns the hash of `message`; equal messages have equal hashes.
    pub(super) fn of(&self, message: u64) -> u64 {
        hash(self.key, message)
    }
}

/// Hashes a message of eight bytes; all values are little-endian words.
fn hash([low, high]: [u64; 2], message: u64) -> u64 {
    let mut state = [
        low ^ 0x736f_6d65_7073_6575,
        high ^ 0x646f_7261_6e64_6f6d,
        low ^ 0x6c79_6765_6e65_7261,
        high ^ 0x7465_6462_7974_6573,
    ];
    // The highest byte of the last word is the length.
    for word in [message, 8 << 56] {
        state[3] ^= word;
        mix(&mut state);
        mix(&mut state);
        state[0] ^= word;
    }
    state[2] ^= 0xff;
    for _ in 0..4 {
        mix(&mut state);
    }
    state.into_iter().fold(0, |all, word| all ^ word)
}

fn mix([a, b, c, d]: &mut [u64; 4]) {
    *a = a.wrapping_add(*b);
    *b = b.rotate_left(13) ^ *a;
    *a = a.rotate_left(32);
    *c = c.wrapping_add(*d);
    *d = d.rotate_left(16) ^ *c;
    *a = a.wrapping_add(*d);
    *d = d.rotate_left(21) ^ *a;
    *c = c.wrapping_add(*b);
    *b = b.rotate_left(17) ^ *c;
    *c = c.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_reference_implementation() {
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        assert_eq!(hash(key, 0x0706_0504_0302_0100), 0x93f5_f579_9a93_2462);
    }

    #[test]
    fn numbers_differ_from_one_another_and_from_those_of_another_seed() {
        let (mut one, mut other) = (Random::new(1), Random::new(2));
        let first = one.next();
        assert_ne!(first, one.next());
        assert_ne!(first, other.next());
        assert_eq!(first, Random::new(1).next());
    }
}
