//! Converts ticks of a counter to nanoseconds and back, without drift and without division.

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// A 64.64 fixed-point factor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factor {
    whole: u64,
    fraction: u64,
}

impl Factor {
    /// Returns `numerator / denominator`, truncated after the 64th binary digit.
    pub(super) const fn new(numerator: u64, denominator: u64) -> Self {
        Self {
            whole: numerator / denominator,
            fraction: places(numerator % denominator, denominator),
        }
    }

    /// Returns `value` times the factor, rounded down, without the digits above 64 bits.
    #[inline]
    const fn wrapping_times(self, value: u64) -> u64 {
        let fraction = ((value as u128 * self.fraction as u128) >> 64) as u64;
        value.wrapping_mul(self.whole).wrapping_add(fraction)
    }

    /// Returns `value` times the factor, rounded down; saturates at the largest number.
    #[inline]
    pub(super) const fn times(self, value: u64) -> u64 {
        let fraction = ((value as u128 * self.fraction as u128) >> 64) as u64;
        value.saturating_mul(self.whole).saturating_add(fraction)
    }
}

/// Returns the first 64 binary digits of `rest / denominator`, with `rest < denominator`. The
/// compiler's 128-bit division takes a kilobyte of code, too much for a factor that is computed
/// once.
const fn places(mut rest: u64, denominator: u64) -> u64 {
    let mut places = 0;
    let mut place = 0;
    while place < u64::BITS {
        let carry = rest >> 63 != 0;
        rest <<= 1;
        places <<= 1;
        if carry || rest >= denominator {
            rest = rest.wrapping_sub(denominator);
            places |= 1;
        }
        place += 1;
    }
    places
}

/// The rate of a counter.
///
/// The error of the factor is less than 2^-64, so a time is at most one nanosecond below the exact
/// one, however long the counter runs. If the period is a whole number of nanoseconds (62.5 MHz: 16
/// ns), the time is exact.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    frequency: u64,
    nanoseconds_per_tick: Factor,
    ticks_per_nanosecond: Factor,
}

impl Rate {
    /// Creates the rate of a counter that runs at `frequency` Hz; 0 stands for an unknown
    /// frequency. The times of such a counter are meaningless, so callers must check its frequency.
    #[inline(never)]
    #[must_use]
    pub const fn new(frequency: u64) -> Self {
        let divisor = if frequency == 0 { 1 } else { frequency };
        Self {
            frequency,
            nanoseconds_per_tick: Factor::new(SECOND, divisor),
            ticks_per_nanosecond: Factor::new(divisor, SECOND),
        }
    }

    /// Returns the frequency in Hz; 0 if it is unknown.
    #[must_use]
    pub const fn frequency(&self) -> u64 {
        self.frequency
    }

    /// Returns the time at which the counter reaches `ticks`, if that is less than 584 years: 2^64
    /// nanoseconds. Otherwise the result has no meaning.
    #[inline]
    #[must_use]
    pub const fn present(&self, ticks: u64) -> u64 {
        self.nanoseconds_per_tick.wrapping_times(ticks)
    }

    /// Returns the time at which the counter reaches `ticks`.
    #[inline]
    #[must_use]
    pub const fn nanoseconds(&self, ticks: u64) -> u64 {
        self.nanoseconds_per_tick.times(ticks)
    }

    /// Returns the first count at which the time is `nanoseconds` or later.
    #[inline]
    #[must_use]
    pub const fn ticks(&self, nanoseconds: u64) -> u64 {
        let mut ticks = self.ticks_per_nanosecond.times(nanoseconds);
        // Both factors are truncated, so the estimate is at most a few ticks early, and never late.
        while ticks < u64::MAX && self.nanoseconds(ticks) < nanoseconds {
            ticks += 1;
        }
        ticks
    }
}

#[cfg(test)]
mod tests;
