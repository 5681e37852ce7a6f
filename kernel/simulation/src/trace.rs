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
        for byte in at.to_le_bytes().iter().chain(bytes) {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
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
    }
}
