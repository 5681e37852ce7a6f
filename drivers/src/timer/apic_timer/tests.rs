use super::*;
use crate::local_apic::fake::Fake;

/// A reference of 1 MHz, in step with a time stamp counter of 1 GHz.
struct Clock(Fake);

impl Reference for Clock {
    fn frequency(&self) -> u64 {
        1_000_000
    }
    fn mask(&self) -> u32 {
        u32::MAX
    }
    fn count(&mut self) -> u32 {
        (TimeStamp::read(&self.0) / 1000) as u32
    }
}

impl TimeStamp for Fake {
    fn read(&self) -> u64 {
        let mut state = self.0.borrow_mut();
        state.time_stamp += state.step;
        state.time_stamp
    }
}

std::thread_local! {
    static PROCESSOR: Fake = Fake::default();
}

/// A processor whose timer counts with the time stamp counter; all copies share one state.
struct Processor(Fake);

impl Default for Processor {
    fn default() -> Self {
        Self(PROCESSOR.with(Clone::clone))
    }
}

impl ModelSpecific for Processor {
    fn identify(&self, leaf: u32) -> [u32; 4] {
        self.0.identify(leaf)
    }
    fn read(&self, number: u32) -> u64 {
        ModelSpecific::read(&self.0, number)
    }
    fn write(&mut self, number: u32, value: u64) {
        ModelSpecific::write(&mut self.0, number, value);
    }
}

impl TimeStamp for Processor {
    fn read(&self) -> u64 {
        let now = TimeStamp::read(&self.0);
        // 1 GHz, divided
        let left = u32::MAX - (now / 16) as u32;
        self.0.0.borrow_mut().memory.insert(0x390, left);
        now
    }
}

fn timer(features: u32) -> (LocalApicTimer<Fake, Processor, Clock>, Fake) {
    let processor = Processor::default();
    let fake = processor.0.clone();
    {
        let mut state = fake.0.borrow_mut();
        state.features = features;
        state.step = 200;
    }
    let clock = Clock(fake.clone());
    let timer = LocalApicTimer::with_registers(fake.clone(), processor, clock);
    fake.0.borrow_mut().step = 0;
    fake.written();
    (timer, fake)
}

const TSC_DEADLINE_FEATURE: u32 = 1 << 24;

#[test]
#[cfg_attr(miri, ignore = "it polls a counter for long, and calls no unsafe code")]
fn the_rate_of_the_time_stamp_counter_is_measured() {
    let (timer, _) = timer(0);
    let frequency = timer.frequency();
    assert!(frequency.abs_diff(1_000_000_000) < 2_000_000, "{frequency}");
}

#[test]
#[cfg_attr(miri, ignore = "it polls a counter for long, and calls no unsafe code")]
fn a_deadline_is_converted_to_ticks() {
    let (mut timer, fake) = timer(0);
    let now = timer.now();
    timer.set_deadline(Some(now + 1_600_000));
    let [(0x380, ticks)] = fake.written()[..] else {
        panic!("not one write of the initial count");
    };
    assert!(ticks.abs_diff(100_000) < 1000, "{ticks}");
}

#[test]
#[cfg_attr(miri, ignore = "it polls a counter for long, and calls no unsafe code")]
fn a_deadline_that_has_passed_is_raised_at_once() {
    let (mut timer, fake) = timer(0);
    timer.set_deadline(Some(1));
    assert_eq!(fake.written(), [(0x380, 1)]);
}

#[test]
#[cfg_attr(miri, ignore = "it polls a counter for long, and calls no unsafe code")]
fn a_deadline_too_far_away_is_raised_too_soon_rather_than_never() {
    let (mut timer, fake) = timer(0);
    timer.set_deadline(Some(u64::MAX));
    assert_eq!(fake.written(), [(0x380, u64::from(u32::MAX))]);
}

#[test]
#[cfg_attr(miri, ignore = "it polls a counter for long, and calls no unsafe code")]
fn no_deadline_stops_the_count() {
    let (mut timer, fake) = timer(0);
    timer.set_deadline(Some(u64::MAX));
    fake.written();
    timer.set_deadline(None);
    assert_eq!(fake.written(), [(0x380, 0)]);
}

#[test]
#[cfg_attr(miri, ignore = "it polls a counter for long, and calls no unsafe code")]
fn the_same_deadline_is_not_written_again() {
    let (mut timer, fake) = timer(0);
    timer.set_deadline(Some(u64::MAX));
    timer.set_deadline(Some(u64::MAX));
    assert_eq!(fake.written().len(), 1);
}

#[test]
#[cfg_attr(miri, ignore = "it polls a counter for long, and calls no unsafe code")]
fn a_timer_with_tsc_deadlines_gets_a_tsc_value() {
    let (mut timer, fake) = timer(TSC_DEADLINE_FEATURE);
    let deadline = timer.now() + 1_000_000;
    timer.set_deadline(Some(deadline));
    timer.set_deadline(None);
    let written = fake.written();
    let [(0x6e0, value), (0x6e0, 0)] = written[..] else {
        panic!("{written:?} was written");
    };
    assert!(timer.rate.nanoseconds(value) >= deadline);
    assert!(timer.rate.nanoseconds(value - 2) < deadline);
}
