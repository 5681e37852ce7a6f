//! Counters of a known rate, and measuring the rate of another counter by one.

pub mod acpi_pm;
pub mod hpet;
pub mod pit;
pub mod stated;

use super::rate::Factor;

/// A counter that counts up at a known rate.
pub trait Reference {
    /// How often it counts in a second.
    fn frequency(&self) -> u64;

    /// The bits of the count: it begins again after this one.
    fn mask(&self) -> u32;

    /// The count.
    fn count(&mut self) -> u32;

    /// It is not asked any more.
    fn stop(&mut self) {}
}

/// How many samples are taken, of which the one in the middle counts: where the machine stood still
/// for a while, the reference may have begun again unseen.
const SAMPLES: usize = 9;
/// How many samples fill a second: each takes 2 ms.
const SAMPLES_A_SECOND: u64 = 500;
/// How often both counters are read for one end of a sample; the pair that took least time is used.
const PAIRS: usize = 4;
/// How often to look whether a sample is over before the reference is taken to stand still.
const LOOKS: u32 = 1_000_000;

/// The rate of `count` in Hz, as `reference` has it; `None` where the reference stands still.
///
/// What `count` gives must not go back.
pub fn measure(reference: &mut impl Reference, mut count: impl FnMut() -> u64) -> Option<u64> {
    let interval = (reference.frequency() / SAMPLES_A_SECOND).max(1);
    let mut rates = [0; SAMPLES];
    for rate in &mut rates {
        let begin = pair(reference, &mut count);
        let elapsed = |now: u32, mask: u32| u64::from(now.wrapping_sub(begin.reference) & mask);
        let mut looks = 0;
        while elapsed(reference.count(), reference.mask()) < interval {
            looks += 1;
            if looks == LOOKS {
                return None;
            }
            core::hint::spin_loop();
        }
        let end = pair(reference, &mut count);
        let ticks = elapsed(end.reference, reference.mask()).max(1);
        let counted = end.count.saturating_sub(begin.count);
        *rate = Factor::new(reference.frequency(), ticks).times(counted);
    }
    rates.sort_unstable();
    Some(rates[SAMPLES / 2])
}

/// Both counters at one moment.
struct Pair {
    reference: u32,
    count: u64,
}

fn pair(reference: &mut impl Reference, count: &mut impl FnMut() -> u64) -> Pair {
    let mut best = u64::MAX;
    let mut pair = Pair {
        reference: 0,
        count: 0,
    };
    for _ in 0..PAIRS {
        let before = count();
        let at = reference.count();
        let took = count().saturating_sub(before);
        if took < best {
            best = took;
            pair = Pair {
                reference: at,
                count: before + took / 2,
            };
        }
    }
    pair
}

#[cfg(test)]
mod tests;
