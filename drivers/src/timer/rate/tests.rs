use super::*;

const RATES: [u64; 9] = [
    1,
    32_768,
    10_000_000,
    19_200_000,
    24_000_000,
    54_000_000,
    62_500_000,
    1_000_000_000,
    2_400_000_001,
];

/// Returns the exact time of a tick, rounded down to a nanosecond.
fn exact(frequency: u64, ticks: u64) -> u64 {
    (u128::from(ticks) * u128::from(SECOND) / u128::from(frequency)) as u64
}

#[test]
fn a_tick_of_a_whole_number_of_nanoseconds_is_exact() {
    let rate = Rate::new(62_500_000);
    for ticks in [0, 1, 12_345, 1 << 40, u64::MAX / 16] {
        assert_eq!(rate.nanoseconds(ticks), ticks * 16);
        assert_eq!(rate.ticks(ticks * 16), ticks);
        assert_eq!(rate.ticks(ticks * 16 + 1), ticks + 1);
    }
}

#[test]
fn a_factor_is_cut_off_after_the_64th_binary_place() {
    for denominator in [3, 1_000_000_000, 1 << 63, u64::MAX] {
        for rest in [0, 1, denominator / 3, denominator / 2, denominator - 1] {
            let exact = (u128::from(rest) << 64) / u128::from(denominator);
            assert_eq!(u128::from(Factor::new(rest, denominator).fraction), exact);
        }
    }
}

#[test]
fn no_rate_drifts_in_a_hundred_years() {
    for frequency in RATES {
        let rate = Rate::new(frequency);
        for years in [0, 1, 10, 100] {
            let ticks = frequency * years * 31_557_600 + 12_345;
            let error = exact(frequency, ticks) - rate.nanoseconds(ticks);
            assert!(
                error <= 1,
                "{frequency} Hz is {error} ns short after {years} years"
            );
        }
    }
}

#[test]
fn a_deadline_is_never_early_and_at_most_a_tick_late() {
    for frequency in RATES {
        let rate = Rate::new(frequency);
        for seconds in [0, 1, 86_400, 3_155_760_000] {
            for offset in [0, 1, 7, 15, 16, 17, 999_999_999] {
                let deadline = seconds * SECOND + offset;
                let ticks = rate.ticks(deadline);
                assert!(rate.nanoseconds(ticks) >= deadline, "{frequency} Hz: early");
                let before = ticks.checked_sub(1).map(|ticks| rate.nanoseconds(ticks));
                assert!(
                    before.is_none_or(|time| time < deadline),
                    "{frequency} Hz: late"
                );
            }
        }
    }
}

#[test]
fn a_deadline_beyond_the_counter_saturates() {
    assert_eq!(Rate::new(2_400_000_001).ticks(u64::MAX), u64::MAX);
}

#[test]
fn an_unknown_frequency_is_zero_and_never_a_divisor() {
    let rate = Rate::new(0);
    assert_eq!((rate.frequency(), rate.ticks(1)), (0, 1));
}
