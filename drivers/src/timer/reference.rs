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

/// The most samples that are taken. Where the machine stood still for a while, the reference may have
/// begun again unseen: two samples in a row that agree were not disturbed, and of all that do not the
/// one in the middle counts.
const SAMPLES: usize = 9;
/// Samples agree that differ by less than this part of them.
const AGREEMENT: u64 = 1000;
/// The least ticks of the reference that a sample takes: the one by which it may be off is a small part
/// of them.
const LEAST_TICKS: u64 = 2048;
/// How many samples of a fast reference fill a second. What reading takes, about a microsecond, is a
/// small part of each.
const SAMPLES_A_SECOND: u64 = 1000;
/// How often both counters are read for one end of a sample; the pair that took least time is used.
const PAIRS: usize = 4;
/// How often to pause from one look whether a sample is over to the next: reading the reference keeps a bus busy.
const REST: usize = 16;
/// How often to look whether a sample is over before the reference is taken to stand still.
const LOOKS: u32 = 1_000_000;

/// The rate of `count` in Hz, as `reference` has it, to a thousandth; `None` where the reference stands
/// still. It takes 2 ms with a reference of 2 MHz or more, and up to five times as long where samples
/// disagree.
///
/// What `count` gives must not go back.
pub fn measure(reference: &mut impl Reference, mut count: impl FnMut() -> u64) -> Option<u64> {
    let mut rates = [0; SAMPLES];
    for taken in 0..SAMPLES {
        let rate = sample(reference, &mut count)?;
        rates[taken] = rate;
        let before = taken.checked_sub(1).map(|before| rates[before]);
        if let Some(before) = before.filter(|before| before.abs_diff(rate) < rate / AGREEMENT) {
            return Some(before.midpoint(rate));
        }
    }
    rates.sort_unstable();
    Some(rates[SAMPLES / 2])
}

/// One measurement of the rate.
fn sample(reference: &mut impl Reference, count: &mut impl FnMut() -> u64) -> Option<u64> {
    let interval = (reference.frequency() / SAMPLES_A_SECOND).max(LEAST_TICKS);
    let begin = pair(reference, count);
    let elapsed = |now: u32, mask: u32| u64::from(now.wrapping_sub(begin.reference) & mask);
    let mut looks = 0;
    while elapsed(reference.count(), reference.mask()) < interval {
        looks += 1;
        if looks == LOOKS {
            return None;
        }
        for _ in 0..REST {
            core::hint::spin_loop();
        }
    }
    let end = pair(reference, count);
    let ticks = elapsed(end.reference, reference.mask()).max(1);
    let counted = end.count.saturating_sub(begin.count);
    Some(Factor::new(reference.frequency(), ticks).times(counted))
}

/// Both counters at one moment.
pub(super) struct Pair {
    pub(super) reference: u32,
    pub(super) count: u64,
}

/// Reads both.
pub(super) fn pair(reference: &mut impl Reference, count: &mut impl FnMut() -> u64) -> Pair {
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
