//! What happened in a world: a hash of all of it, and its last lines.

use std::collections::VecDeque;

/// The number of the last lines that are kept.
const KEPT: usize = 400;

/// The trace of a world.
#[derive(Debug)]
pub struct Trace {
    hash: u64,
    lines: VecDeque<String>,
    is_shown: bool,
}

impl Trace {
    pub(crate) const fn new() -> Self {
        Self {
            // FNV-1a (draft-eastlake-fnv).
            hash: 0xcbf2_9ce4_8422_2325,
            lines: VecDeque::new(),
            is_shown: false,
        }
    }

    /// Keeps what is added from now on as text too, not only in the hash.
    pub const fn show(&mut self) {
        self.is_shown = true;
    }

    /// Returns a hash of everything that happened: two runs with the same hash were the same.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// Returns the last lines.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// Adds what is only in the hash.
    pub(crate) fn count(&mut self, at: u64, bytes: &[u8]) {
        self.mix(at);
        self.mix(bytes.len() as u64);
        for piece in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..piece.len()].copy_from_slice(piece);
            self.mix(u64::from_le_bytes(word));
        }
    }

    /// As a step of FNV-1a, but of eight bytes: the rotation brings the upper ones down.
    const fn mix(&mut self, word: u64) {
        let mixed = (self.hash ^ word).wrapping_mul(0x0100_0000_01b3);
        self.hash = mixed.rotate_left(29);
    }

    pub(crate) fn add(&mut self, at: u64, bytes: &[u8], text: impl FnOnce() -> String) {
        self.count(at, bytes);
        if self.is_shown {
            if self.lines.len() == KEPT {
                self.lines.pop_front();
            }
            let (seconds, rest) = (at / 1_000_000_000, at % 1_000_000_000 / 1000);
            self.lines
                .push_back(format!("{seconds:5}.{rest:06} {}", text()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_different_time_or_byte_is_a_different_hash() {
        let hash = |at, bytes: &[u8]| {
            let mut trace = Trace::new();
            trace.add(at, bytes, String::new);
            trace.hash()
        };
        assert_eq!(hash(1, &[2]), hash(1, &[2]));
        assert_ne!(hash(1, &[2]), hash(2, &[2]));
        assert_ne!(hash(1, &[2]), hash(1, &[3]));
        assert_ne!(hash(1, &[2]), hash(1, &[2, 0]));
        assert_ne!(hash(1, &[0; 9]), hash(1, &[0, 0, 0, 0, 0, 0, 0, 1, 0]));
    }
}
