//! Ticks of a counter to nanoseconds and back, without drift and without dividing.

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// A 64.64 fixed-point factor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factor {
    whole: u64,
    fraction: u64,
}

impl Factor {
    /// `numerator / denominator`, cut off after the 64th binary place.
    pub(super) const fn new(numerator: u64, denominator: u64) -> Self {
        Self {
            whole: numerator / denominator,
            fraction: places(numerator % denominator, denominator),
        }
    }

    /// `value` times the factor, rounded down; the largest number where it is more than that.
    #[inline]
    pub(super) const fn times(self, value: u64) -> u64 {
        let fraction = ((value as u128 * self.fraction as u128) >> 64) as u64;
        value.saturating_mul(self.whole).saturating_add(fraction)
    }
}

/// The first 64 binary places of `rest / denominator`, where `rest` is the smaller. The compiler's
/// division of 128-bit numbers would be a kilobyte, for a factor that is computed once.
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
/// The factor is cut off by less than 2^-64, so a time is never more than a nanosecond short of
/// the true one, however long the counter has run; where the period is a whole number of
/// nanoseconds (62.5 MHz: 16 ns) it is exact.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    frequency: u64,
    nanoseconds_per_tick: Factor,
    ticks_per_nanosecond: Factor,
}

impl Rate {
    /// The rate of a counter that runs at `frequency` Hz, or at one that nothing tells where it is
    /// 0. The times of such a counter mean nothing: it is for whoever asks for its frequency to
    /// refuse it.
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

    /// The frequency in Hz, 0 where nothing tells it.
    #[must_use]
    pub const fn frequency(&self) -> u64 {
        self.frequency
    }

    /// The time at which the counter reaches `ticks`.
    #[inline]
    #[must_use]
    pub const fn nanoseconds(&self, ticks: u64) -> u64 {
        self.nanoseconds_per_tick.times(ticks)
    }

    /// The first count at which the time is `nanoseconds` or later.
    #[inline]
    #[must_use]
    pub const fn ticks(&self, nanoseconds: u64) -> u64 {
        let mut ticks = self.ticks_per_nanosecond.times(nanoseconds);
        // both factors are cut off, so this is at most a few ticks early, and never late
        while ticks < u64::MAX && self.nanoseconds(ticks) < nanoseconds {
            ticks += 1;
        }
        ticks
    }
}

#[cfg(test)]
mod tests;
