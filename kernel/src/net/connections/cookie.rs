//! SYN cookies (RFC 4987, 3.6).
//!
//! The initial sequence number of a connection that a peer opens is a keyed hash of the addresses,
//! the ports, the peer's initial sequence number and the time, combined with the options of the
//! peer's SYN. If there is no half-open connection, the segment that completes the handshake still
//! contains this number, and the connection is created from it.

use super::segment::Options;
use super::sequence::Sequence;
use crate::net::names::Key;
use crate::net::random::Random;

/// The segment sizes that a cookie can encode; the peer's is rounded down.
const SIZES: [u16; 8] = [48, 216, 536, 1220, 1360, 1400, 1440, 1460];

/// A cookie is valid in the period in which it was made and in the next one. 2^35 ns are 34 s.
const PERIOD: u32 = 35;

/// Encodes that the peer sent no window shift.
const NO_SHIFT: u8 = 15;

/// The bits of a cookie that encode the options. The others authenticate it.
const OPTIONS: u32 = 0xff;

/// Creates and verifies cookies.
pub(super) struct Cookies {
    random: Random,
}

impl Cookies {
    /// Creates cookies with the key of `random`.
    pub(super) fn new(random: Random) -> Self {
        Self { random }
    }

    /// Returns the initial sequence number for a connection whose SYN has the sequence number
    /// `theirs` and these `options`. `now` is in nanoseconds.
    pub(super) fn make(&self, name: Key, theirs: Sequence, options: Options, now: u64) -> Sequence {
        let asked = options.longest.unwrap_or(536);
        let size = SIZES.iter().rposition(|size| *size <= asked).unwrap_or(0) as u32;
        let shift = u32::from(options.shift.unwrap_or(NO_SHIFT));
        let bits = size << 5 | u32::from(options.sacks) << 4 | shift;
        Sequence(self.hash(name, theirs, now >> PERIOD) ^ bits)
    }

    /// Returns the options in the cookie `first`; `None` if it was not made for this connection, or
    /// not recently.
    pub(super) fn read(
        &self,
        name: Key,
        theirs: Sequence,
        first: Sequence,
        now: u64,
    ) -> Option<Options> {
        let period = now >> PERIOD;
        let bits = [period, period.wrapping_sub(1)]
            .map(|period| self.hash(name, theirs, period) ^ first.0)
            .into_iter()
            .find(|bits| *bits <= OPTIONS)?;
        let shift = bits as u8 & 0xf;
        Some(Options {
            longest: SIZES.get(bits as usize >> 5).copied(),
            shift: (shift != NO_SHIFT).then_some(shift),
            sacks: bits & 1 << 4 != 0,
        })
    }

    fn hash(&self, name: Key, theirs: Sequence, period: u64) -> u32 {
        let message = u64::from(theirs.0) << 32 | period & u64::from(u32::MAX);
        self.random.of(self.random.of(name.bits()) ^ message) as u32
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    const NOW: u64 = 1 << 50;

    fn name(port: u16) -> Key {
        Key::connection(80, Ipv4Addr::new(192, 0, 2, 1), port)
    }

    #[test]
    fn a_cookie_returns_its_options() {
        let cookies = Cookies::new(Random::new(7));
        let theirs = Sequence(12345);
        for (asked, kept) in [
            (None, 536),
            (Some(1), 48),
            (Some(1459), 1440),
            (Some(1460), 1460),
            (Some(65_495), 1460),
        ] {
            for shift in [None, Some(0), Some(14)] {
                for sacks in [false, true] {
                    let options = Options {
                        longest: asked,
                        shift,
                        sacks,
                    };
                    let first = cookies.make(name(5000), theirs, options, NOW);
                    let read = cookies.read(name(5000), theirs, first, NOW + (1 << PERIOD));
                    let longest = Some(kept);
                    assert_eq!(read, Some(Options { longest, ..options }));
                }
            }
        }
    }

    #[test]
    fn a_cookie_is_valid_for_its_connection_and_its_time_only() {
        let cookies = Cookies::new(Random::new(7));
        let theirs = Sequence(12345);
        let first = cookies.make(name(5000), theirs, Options::default(), NOW);
        let read = |name, theirs, first, now| cookies.read(name, theirs, first, now);
        assert!(read(name(5000), theirs, first, NOW).is_some());
        assert!(read(name(5001), theirs, first, NOW).is_none());
        assert!(read(name(5000), Sequence(12346), first, NOW).is_none());
        assert!(read(name(5000), theirs, first.plus(1 << 8), NOW).is_none());
        assert!(read(name(5000), theirs, first, NOW + (2 << PERIOD)).is_none());
        let others = Cookies::new(Random::new(8));
        assert!(others.read(name(5000), theirs, first, NOW).is_none());
    }
}
