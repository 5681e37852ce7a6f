//! The link between machines: which frames it loses, doubles and delays.

use vmos_drivers::hosted::simulated::Random;

/// The port of the link that leads to the program.
pub const OUTSIDE: usize = usize::MAX;

/// How a link treats frames. Each rate is in cases of 1000: 0 to 1000.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wear {
    /// How long a frame takes, in nanoseconds.
    pub latency: u64,
    /// How much longer it may take, in nanoseconds. A later frame can overtake it.
    pub jitter: u64,
    /// How many frames are lost.
    pub lost: u16,
    /// How many arrive twice.
    pub doubled: u16,
    /// How many are late, and how late they may be, in nanoseconds.
    pub late: (u16, u64),
}

impl Wear {
    /// A link that delivers each frame once, after 20 µs.
    pub const NONE: Self = Self {
        latency: 20_000,
        jitter: 0,
        lost: 0,
        doubled: 0,
        late: (0, 0),
    };
}

/// A link that connects all machines and the program, as a hub does.
#[derive(Clone, Debug)]
pub struct Link {
    /// How it treats frames.
    pub wear: Wear,
    /// Whether it is cut: no frame arrives.
    pub is_cut: bool,
}

impl Link {
    pub(crate) const fn new() -> Self {
        Self {
            wear: Wear::NONE,
            is_cut: false,
        }
    }

    /// Returns after how long each copy of a frame arrives, in nanoseconds.
    pub(crate) fn copies(&self, random: &mut Random) -> Vec<u64> {
        let Wear {
            latency,
            jitter,
            lost,
            doubled,
            late: (late, how_late),
        } = self.wear;
        if self.is_cut || random.chance(lost) {
            return Vec::new();
        }
        let count = if random.chance(doubled) { 2 } else { 1 };
        let mut delay = || {
            let more = if random.chance(late) { how_late } else { 0 };
            // Without a random number drawn here, the later ones stay the same.
            latency
                + if jitter + more > 0 {
                    random.below(jitter + more)
                } else {
                    0
                }
        };
        (0..count).map(|_| delay()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_lost_doubled_and_late_as_often_as_the_link_says() {
        let mut link = Link::new();
        let mut random = Random::new(1, 0);
        assert_eq!(link.copies(&mut random), [Wear::NONE.latency]);
        link.wear = Wear {
            latency: 10,
            jitter: 5,
            lost: 500,
            doubled: 500,
            late: (500, 1000),
        };
        let copies: Vec<_> = (0..1000).map(|_| link.copies(&mut random)).collect();
        let counts = [0, 1, 2].map(|count| copies.iter().filter(|one| one.len() == count).count());
        assert!(counts[0].abs_diff(500) < 100, "{counts:?}");
        assert!(counts[1].abs_diff(250) < 100, "{counts:?}");
        assert!(counts[2].abs_diff(250) < 100, "{counts:?}");
        let late = copies.iter().flatten().filter(|delay| **delay > 15).count();
        assert!(late.abs_diff(375) < 100, "{late}");
    }

    #[test]
    fn nothing_arrives_over_a_link_that_is_cut() {
        let mut link = Link::new();
        link.is_cut = true;
        assert!(link.copies(&mut Random::new(1, 0)).is_empty());
    }
}
