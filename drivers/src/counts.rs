//! Counts with their names, and the log messages of counted faults.
//!
//! Each part keeps its counts as plain integers. A report on the whole machine gets all counts with
//! their names through [`Counts`].

/// A struct of counts, each of which has a name.
pub trait Counts {
    /// Calls `count` with the name and the value of each count, always in the same order.
    fn each(&self, count: &mut dyn FnMut(&'static str, u64));
}

/// Implements [`Counts`] for a struct of unsigned integers. Every field must be listed.
#[macro_export]
macro_rules! counted {
    ($name:ty { $($field:ident),* $(,)? }) => {
        impl $crate::counts::Counts for $name {
            fn each(&self, count: &mut dyn FnMut(&'static str, u64)) {
                let Self { $($field),* } = self;
                $(count(stringify!($field), *$field as u64);)*
            }
        }
    };
}

/// Logs a fault whose count has just reached `count`: the first one, the tenth, the hundredth, and
/// so on, so that many faults do not flood the log.
#[cold]
#[inline(never)]
pub fn report(fault: &str, count: u64) {
    if is_power_of_ten(count) {
        crate::warn!("{fault}: {count} so far");
    }
}

fn is_power_of_ten(count: u64) -> bool {
    let mut power = 1u64;
    while power < count {
        power = power.saturating_mul(10);
    }
    power == count
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn the_first_and_each_power_of_ten_is_logged() {
        let last = if cfg!(miri) { 1_100 } else { 20_000 };
        let logged: Vec<_> = (0..=last).filter(|&count| is_power_of_ten(count)).collect();
        let powers = [1, 10, 100, 1000, 10_000];
        assert!(powers.into_iter().filter(|power| *power <= last).eq(logged));
        assert!(!is_power_of_ten(u64::MAX - 1));
    }

    #[test]
    fn every_count_has_its_name() {
        struct Some {
            first: u32,
            second: u64,
        }
        counted!(Some { first, second });
        let mut seen = Vec::new();
        Some {
            first: 1,
            second: 2,
        }
        .each(&mut |name, count| seen.push((name, count)));
        assert_eq!(seen, [("first", 1), ("second", 2)]);
    }
}
