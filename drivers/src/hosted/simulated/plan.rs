//! What a simulated machine has, and how often its devices fail.

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use super::message::MOST_SECTORS;

/// How often something happens, in cases of 1000: 0 to 1000.
pub type Rate = u16;

/// How often the devices of a machine fail while the world lets them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rates {
    /// A device serves its queues late after a notification, by up to 50 ms.
    pub late: Rate,
    /// A device never answers again, until it is reset.
    pub silent: Rate,
    /// A device asks for a reset, and does nothing until then.
    pub needs_reset: Rate,
    /// A device writes an invalid entry into the used ring.
    pub lie: Rate,
    /// An interrupt is raised late, by up to 5 ms.
    pub interrupt_late: Rate,
    /// An interrupt is raised again after it was acknowledged.
    pub interrupt_doubled: Rate,
    /// A disk answers late, by up to 300 ms.
    pub disk_late: Rate,
    /// A disk reports an error for a request.
    pub disk_error: Rate,
}

/// The place of a rate.
type Place = fn(&mut Rates) -> &mut Rate;

/// The names of the rates in a plan, with their places.
const NAMES: [(&str, Place); 8] = [
    ("late", |rates| &mut rates.late),
    ("silent", |rates| &mut rates.silent),
    ("needs-reset", |rates| &mut rates.needs_reset),
    ("lie", |rates| &mut rates.lie),
    ("interrupt-late", |rates| &mut rates.interrupt_late),
    ("interrupt-doubled", |rates| &mut rates.interrupt_doubled),
    ("disk-late", |rates| &mut rates.disk_late),
    ("disk-error", |rates| &mut rates.disk_error),
];

/// A simulated machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The seed of all random choices of the machine.
    pub seed: u64,
    /// The last byte of the hardware address of the first network device; those of the others follow.
    pub address: u8,
    /// The number of network devices.
    pub networks: u8,
    /// The size of the disk, in sectors of 512 bytes, at most 129,055; 0 for no disk.
    pub sectors: u64,
    /// What the devices do not offer: 1 is indirect descriptors, 2 event indices, 3 both.
    pub withheld: u8,
    /// How often devices fail.
    pub rates: Rates,
}

impl Plan {
    /// Returns a machine with one network device, no disk, and devices that work.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            address: 1,
            networks: 1,
            sectors: 0,
            withheld: 0,
            rates: Rates {
                late: 0,
                silent: 0,
                needs_reset: 0,
                lie: 0,
                interrupt_late: 0,
                interrupt_doubled: 0,
                disk_late: 0,
                disk_error: 0,
            },
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            address,
            networks,
            sectors,
            withheld,
            mut rates,
        } = *self;
        write!(
            f,
            "seed={seed},address={address},networks={networks},sectors={sectors},withheld={withheld}"
        )?;
        for (name, place) in NAMES {
            let rate = *place(&mut rates);
            if rate > 0 {
                write!(f, ",{name}={rate}")?;
            }
        }
        Ok(())
    }
}

/// A plan has an unknown word, or a value that is not a number in the word's range.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownPlan(String);

impl fmt::Display for UnknownPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = &self.0;
        write!(
            f,
            "`{word}` in a plan: there are seed, address, networks, sectors, withheld"
        )?;
        NAMES
            .iter()
            .try_for_each(|(name, _)| write!(f, ", {name}"))?;
        write!(
            f,
            ", each with a number; at most {MOST_SECTORS} sectors, and at most 1000 for a fault"
        )
    }
}

impl core::error::Error for UnknownPlan {}

impl FromStr for Plan {
    type Err = UnknownPlan;

    fn from_str(text: &str) -> Result<Self, UnknownPlan> {
        let mut plan = Self::new(0);
        for word in text.split(',') {
            let unknown = || UnknownPlan(word.to_string());
            let (name, value) = word.split_once('=').ok_or_else(unknown)?;
            let value: u64 = value.parse().map_err(|_| unknown())?;
            let byte = || u8::try_from(value).map_err(|_| unknown());
            match name {
                "seed" => plan.seed = value,
                "address" => plan.address = byte()?,
                "networks" => plan.networks = byte()?,
                "sectors" if value <= MOST_SECTORS => plan.sectors = value,
                "withheld" => plan.withheld = byte()?,
                _ => {
                    let mut places = NAMES.iter();
                    let (_, place) = places.find(|(one, _)| *one == name).ok_or_else(unknown)?;
                    let rate = Rate::try_from(value).ok().filter(|rate| *rate <= 1000);
                    *place(&mut plan.rates) = rate.ok_or_else(unknown)?;
                }
            }
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_as_it_is_written() {
        let mut plan = Plan::new(u64::MAX);
        plan.sectors = 2048;
        plan.withheld = 3;
        for (at, (_, place)) in NAMES.into_iter().enumerate() {
            *place(&mut plan.rates) = 1 + at as u16;
        }
        assert_eq!(plan.to_string().parse(), Ok(plan));
    }

    #[test]
    fn what_is_no_plan_is_named() {
        for text in [
            "",
            "seed",
            "seed=x",
            "fast=1",
            "late=1001",
            "networks=256",
            "sectors=129056",
        ] {
            let error = text.parse::<Plan>().expect_err(text);
            let last = text.rsplit(',').next().unwrap_or_default();
            assert_eq!(error, UnknownPlan(last.to_string()));
        }
    }
}
