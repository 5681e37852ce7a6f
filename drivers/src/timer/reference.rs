//! Reference counters of known rate, and the measurement of another counter's rate with one.

pub mod acpi_pm;
pub mod hpet;
pub mod pit;
pub mod stated;

use super::rate::Factor;

/// A counter that counts up at a known rate.
pub trait Reference {
    /// Returns the frequency in Hz.
    fn frequency(&self) -> u64;

    /// Returns a mask with the bits of the count; the counter wraps after this value.
    fn mask(&self) -> u32;

    /// Returns the count.
    fn count(&mut self) -> u32;

    /// Stops the counter, after its last use.
    fn stop(&mut self) {}
}

/// The largest number of samples. If the machine was paused, the reference may have wrapped
/// unnoticed. Two consecutive samples that agree were not disturbed; if none agree, the median is
/// used.
const SAMPLES: usize = 9;
/// Samples agree if they differ by less than this fraction of their value.
const AGREEMENT: u64 = 1000;
/// The smallest number of reference ticks in a sample, so that an error of one tick is small.
const LEAST_TICKS: u64 = 2048;
/// The number of samples of a fast reference in a second. Reading the counters takes about a
/// microsecond, which is then a small part of a sample.
const SAMPLES_A_SECOND: u64 = 1000;
/// The number of times that both counters are read at each end of a sample; the fastest reading is
/// used.
const PAIRS: usize = 4;
/// The number of spin-loop hints between two polls, because reading the reference keeps a bus busy.
const REST: usize = 16;
/// The number of polls for the end of a sample after which the reference counts as stopped.
const LOOKS: u32 = 1_000_000;

/// Measures the rate of `count` in Hz, to a thousandth; `None` if the reference does not count. It
/// takes 2 ms with a reference of 2 MHz or more, and up to five times as long if samples disagree.
///
/// `count` must not decrease.
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

/// Takes one sample of the rate.
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

/// The values of both counters at one moment.
pub(super) struct Pair {
    pub(super) reference: u32,
    pub(super) count: u64,
}

/// Reads both counters.
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
