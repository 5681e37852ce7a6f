use super::acpi_pm::AcpiPm;
use super::hpet::Hpet;
use super::pit::Pit;
use super::*;
use crate::mmio::Registers;
use alloc::rc::Rc;
use core::cell::Cell;

/// A time that advances with every read of a clock.
#[derive(Clone, Default)]
struct Time {
    nanoseconds: Rc<Cell<u64>>,
    /// The read before which the machine is paused for 100 ms.
    pause_at: Option<u64>,
    looks: Rc<Cell<u64>>,
}

impl Time {
    fn look(&self) -> u64 {
        let look = self.looks.get() + 1;
        self.looks.set(look);
        let pause = match self.pause_at {
            Some(at) if at == look => 100_000_000,
            _ => 0,
        };
        let now = self.nanoseconds.get() + 500 + pause;
        self.nanoseconds.set(now);
        now
    }
}

/// A counter of `frequency` Hz with this many bits.
struct Counter {
    time: Time,
    frequency: u64,
    mask: u32,
}

impl Reference for Counter {
    fn frequency(&self) -> u64 {
        self.frequency
    }
    fn mask(&self) -> u32 {
        self.mask
    }
    fn count(&mut self) -> u32 {
        let ticks = u128::from(self.time.look()) * u128::from(self.frequency) / 1_000_000_000;
        ticks as u32 & self.mask
    }
}

/// Measures a counter of 2.5 GHz.
fn measured(pause_at: Option<u64>) -> u64 {
    let time = Time {
        pause_at,
        ..Time::default()
    };
    let mut reference = Counter {
        time: time.clone(),
        frequency: 1_193_182,
        mask: 0xffff,
    };
    measure(&mut reference, || time.look() * 5 / 2).expect("it counts")
}

fn is_close(rate: u64) -> bool {
    rate.abs_diff(2_500_000_000) < 2_500_000
}

#[test]
fn the_rate_is_right_to_a_thousandth() {
    let rate = measured(None);
    assert!(is_close(rate), "{rate}");
}

#[test]
#[cfg_attr(
    miri,
    ignore = "it polls a counter millions of times, and calls no unsafe code"
)]
fn a_pause_longer_than_the_range_of_the_reference_does_not_distort_the_rate() {
    for pause_at in [100, 3000, 9000] {
        let rate = measured(Some(pause_at));
        assert!(is_close(rate), "{rate} with a pause at look {pause_at}");
    }
}

#[test]
#[cfg_attr(
    miri,
    ignore = "it polls a counter millions of times, and calls no unsafe code"
)]
fn a_pause_at_any_moment_does_not_distort_the_rate() {
    for pause_at in (1..8000).step_by(37) {
        let rate = measured(Some(pause_at));
        assert!(is_close(rate), "{rate} with a pause at look {pause_at}");
    }
}

#[test]
#[cfg_attr(
    miri,
    ignore = "it polls a counter millions of times, and calls no unsafe code"
)]
fn a_stopped_reference_is_detected() {
    struct Still;
    impl Reference for Still {
        fn frequency(&self) -> u64 {
            1_000_000
        }
        fn mask(&self) -> u32 {
            0xffff
        }
        fn count(&mut self) -> u32 {
            7
        }
    }
    assert_eq!(measure(&mut Still, || 0), None);
}

/// Registers that return the values of a test one after the other, and record writes.
struct Script {
    reads: Cell<&'static [u32]>,
    written: Rc<Cell<Option<(usize, u32)>>>,
}

impl Script {
    fn new(reads: &'static [u32]) -> Self {
        Self {
            reads: Cell::new(reads),
            written: Rc::default(),
        }
    }

    fn next(&self) -> u32 {
        let (first, rest) = self.reads.get().split_first().expect("no more reads");
        self.reads.set(rest);
        *first
    }
}

impl Registers for Script {
    fn read8(&self, _offset: usize) -> u8 {
        self.next() as u8
    }
    fn read16(&self, _offset: usize) -> u16 {
        self.next() as u16
    }
    fn read32(&self, _offset: usize) -> u32 {
        self.next()
    }
    fn read64(&self, _offset: usize) -> u64 {
        self.next().into()
    }
    fn write8(&self, offset: usize, value: u8) {
        self.written.set(Some((offset, value.into())));
    }
    fn write16(&self, offset: usize, value: u16) {
        self.written.set(Some((offset, value.into())));
    }
    fn write32(&self, offset: usize, value: u32) {
        self.written.set(Some((offset, value)));
    }
    fn write64(&self, offset: usize, value: u64) {
        self.written.set(Some((offset, value as u32)));
    }
}

#[test]
fn the_8254s_count_goes_up_though_it_counts_down() {
    let mut pit = Pit::with_registers(Script::new(&[0x00, 0x00, 0xff, 0xff, 0xfe, 0xff]));
    assert_eq!((pit.count(), pit.count(), pit.count()), (0, 1, 2));
}

#[test]
fn the_8254_is_quiet_afterwards() {
    let script = Script::new(&[]);
    let written = Rc::clone(&script.written);
    Pit::with_registers(script).stop();
    assert_eq!(written.get(), Some((3, 0x30)));
}

#[test]
fn the_hpet_reports_its_period_in_femtoseconds() {
    let hpet = Hpet::with_registers(Script::new(&[0, 10_000_000]));
    assert_eq!(hpet.frequency(), 100_000_000);
}

#[test]
fn the_power_management_timer_has_24_bits() {
    let mut timer = AcpiPm::with_registers(Script::new(&[0x12ff_ffff, 0x1300_0001]));
    let (before, after) = (timer.count(), timer.count());
    assert_eq!(after.wrapping_sub(before) & timer.mask(), 2);
}
