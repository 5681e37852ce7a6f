//! Tests of devices that lose interrupts, notifications and requests.

use vmos_drivers::virtio::transport::Routing;
use vmos_drivers::virtio::{DeviceKind, Failure, SetupError};

use super::*;
use crate::devices::attached::Served;
use crate::devices::{Delivery, Place};

mod told;

const LINE: u32 = 78;

/// A driver that records what is called.
#[derive(Default)]
struct Driver {
    pulse: Pulse,
    kicks: u32,
    inspections: u32,
    failure: Option<Failure>,
}

impl Watched for Driver {
    fn failure(&self) -> Option<Failure> {
        self.failure
    }

    fn reinitialize(&mut self) -> Result<(), SetupError> {
        self.failure = None;
        self.pulse = Pulse::default();
        Ok(())
    }

    fn routing(&self) -> Routing {
        Routing::Line
    }

    fn configuration_changed(&mut self) {}

    fn pulse(&mut self) -> Pulse {
        self.pulse
    }

    fn inspect(&mut self) {
        self.inspections += 1;
        self.pulse.is_unread = false;
    }

    fn kick(&mut self) {
        self.kicks += 1;
    }

    fn give_up(&mut self) {
        self.failure = Some(Failure::Silent);
    }
}

impl Served for Driver {
    fn has_news(&mut self) -> bool {
        self.pulse.has_news
    }
    fn acknowledge_interrupt(&mut self) {}
    fn publish(&mut self) {}
    fn rearm(&mut self) -> bool {
        false
    }
}

impl Driver {
    fn with(in_flight: u16) -> Self {
        Self {
            pulse: Pulse {
                in_flight,
                ..Pulse::default()
            },
            ..Self::default()
        }
    }

    /// The device responds to a request; the response is not processed yet.
    fn answer(&mut self) {
        self.pulse.has_news = true;
    }

    /// The loop processes the responses.
    fn take(&mut self) {
        self.pulse.has_news = false;
        self.pulse.in_flight -= 1;
        self.pulse.answered += 1;
        self.pulse.oldest += 1;
        self.pulse.taken += 1;
        self.pulse.is_unread = true;
    }
}

fn attached() -> Attached {
    let place = Place::MmioSlot {
        slot: 30,
        version: 2,
    };
    let mut attached = Attached::new(DeviceKind::BLK, place);
    attached.set_delivery(Delivery::Line(LINE), true);
    attached.has_work = false;
    attached
}

/// Checks a device that has responded, until its interrupt counts as missing.
fn look_for_long(attached: &mut Attached, driver: &mut Driver) -> u64 {
    for _ in 0..LOOKS {
        assert_eq!(look(attached, driver), DELIVERY);
        assert!(!attached.has_work);
    }
    look(attached, driver)
}

/// Checks the device once.
fn look(attached: &mut Attached, driver: &mut Driver) -> u64 {
    attached.look(driver, TICK, false)
}

fn statistics(attached: &Attached) -> WatchStatistics {
    attached.statistics()
}

#[test]
fn interrupts_that_are_lost_for_two_years_are_counted() {
    let (mut attached, mut driver) = (attached(), Driver::with(1));
    // A hundred in each second.
    let years = 2 * 365 * 24 * 3600 * 100;
    attached.watch.statistics.lost_interrupts = years;
    driver.answer();
    look_for_long(&mut attached, &mut driver);
    assert_eq!(statistics(&attached).lost_interrupts, years + 1);
}

#[test]
fn the_log_names_kind_place_and_interrupt() {
    assert_eq!(
        std::format!("{}", attached()),
        "disk, virtio-mmio slot 30, interrupt 78"
    );
}

#[test]
fn a_responding_device_is_not_disturbed() {
    let (mut attached, mut driver) = (attached(), Driver::with(8));
    for _ in 0..8 {
        assert_eq!(look(&mut attached, &mut driver), TICK);
        driver.take();
    }
    // The last check reads the status; then there is nothing to wait for.
    assert_eq!(look(&mut attached, &mut driver), NEVER);
    assert_eq!(look(&mut attached, &mut driver), NEVER);
    assert_eq!(driver.inspections, 1);
    assert_eq!(statistics(&attached), WatchStatistics::default());
}

#[test]
fn a_late_interrupt_does_not_count_as_lost() {
    let (mut attached, mut driver) = (attached(), Driver::with(1));
    driver.answer();
    assert_eq!(look(&mut attached, &mut driver), DELIVERY);
    assert_eq!(attached.line, None, "only a delivered interrupt counts");
    attached.hear();
    assert_eq!(attached.line, Some(LINE));
    driver.take();
    attached.has_work = false;
    look(&mut attached, &mut driver);
    assert_eq!(statistics(&attached), WatchStatistics::default());
}

#[test]
fn a_response_without_interrupt_is_processed_and_counted() {
    let (mut attached, mut driver) = (attached(), Driver::with(1));
    driver.answer();
    assert_eq!(look_for_long(&mut attached, &mut driver), TICK);
    assert!(attached.has_work);
    assert_eq!(attached.line, Some(LINE));
    assert_eq!(statistics(&attached).lost_interrupts, 1);
}

#[test]
fn a_device_that_makes_progress_is_not_suspected() {
    let (mut attached, mut driver) = (attached(), Driver::with(3));
    driver.answer();
    look(&mut attached, &mut driver);
    driver.take();
    driver.answer();
    assert_eq!(look(&mut attached, &mut driver), TICK);
    assert_eq!(attached.line, Some(LINE));
    assert_eq!(statistics(&attached).lost_interrupts, 0);
}

#[test]
fn a_device_without_interrupts_is_polled_until_one_arrives() {
    let (mut attached, mut driver) = (attached(), Driver::with(8));
    for _ in 0..2 {
        driver.answer();
        look_for_long(&mut attached, &mut driver);
        driver.take();
        attached.has_work = false;
    }
    assert_eq!(look(&mut attached, &mut driver), POLL);
    driver.answer();
    assert_eq!(look(&mut attached, &mut driver), POLL);
    assert!(attached.has_work, "no check waits for its interrupt");
    assert_eq!(attached.line, None);
    assert_eq!(statistics(&attached).lost_interrupts, 3);
    driver.take();
    attached.hear();
    assert_eq!(attached.line, Some(LINE));
    assert_eq!(look(&mut attached, &mut driver), TICK);
}

#[test]
fn a_device_without_interrupts_that_may_send_is_always_polled() {
    let (mut attached, mut driver) = (attached(), Driver::with(0));
    driver.pulse.listens = true;
    for _ in 0..2 {
        driver.answer();
        look_for_long(&mut attached, &mut driver);
        driver.pulse.has_news = false;
        driver.pulse.taken += 1;
        attached.has_work = false;
    }
    // Changes outside its queues are found as well.
    let before = driver.inspections;
    for _ in 0..4 * TICK / POLL {
        assert_eq!(attached.look(&mut driver, POLL, false), POLL);
    }
    assert_eq!(driver.inspections - before, 4);
}

#[test]
fn a_request_that_is_forgotten_while_others_are_answered_has_the_device_reset() {
    let (mut attached, mut driver) = (attached(), Driver::with(8));
    for _ in 0..LIMIT / TICK {
        look(&mut attached, &mut driver);
        assert_eq!(driver.failure, None);
        // Another request is answered, and a new one follows.
        driver.take();
        driver.pulse.oldest -= 1;
        driver.pulse.in_flight += 1;
    }
    look(&mut attached, &mut driver);
    assert_eq!(driver.failure, Some(Failure::Silent));
    assert_eq!(driver.kicks, 0);
    assert_eq!(statistics(&attached).silences, 1);
}

#[test]
fn a_slow_device_that_answers_one_request_after_the_other_is_not_reset() {
    let (mut attached, mut driver) = (attached(), Driver::with(128));
    for _ in 0..100 {
        look(&mut attached, &mut driver);
        driver.take();
        driver.pulse.in_flight += 1;
    }
    assert_eq!(statistics(&attached), WatchStatistics::default());
}

#[test]
fn a_request_made_when_the_device_was_just_found_idle_is_watched() {
    let (mut attached, mut driver) = (attached(), Driver::with(0));
    assert_eq!(look(&mut attached, &mut driver), NEVER);
    assert_eq!(attached.first_look(&mut driver, true), NEVER);
    assert_eq!(attached.first_look(&mut driver, false), TICK);
    driver.pulse.in_flight = 1;
    assert_eq!(attached.first_look(&mut driver, true), TICK);
    driver.failure = Some(Failure::NeedsReset);
    assert_eq!(attached.first_look(&mut driver, true), NEVER);
}

#[test]
fn a_device_that_is_polled_is_first_looked_at_as_often_as_later() {
    let (mut attached, mut driver) = (attached(), Driver::with(1));
    attached.expect_no_interrupt();
    assert_eq!(attached.first_look(&mut driver, false), POLL);
    assert_eq!(attached.first_look(&mut driver, true), POLL);
}

#[test]
fn a_device_whose_line_is_doubted_is_polled_from_the_start() {
    let (mut attached, mut driver) = (attached(), Driver::with(0));
    driver.pulse.listens = true;
    assert_eq!(attached.first_look(&mut driver, false), TICK);
    attached.doubt_line();
    assert_eq!(attached.first_look(&mut driver, false), POLL);
    assert_eq!(look(&mut attached, &mut driver), POLL);
    attached.has_work = false;
    // It sends without a request.
    driver.answer();
    assert_eq!(look_for_long(&mut attached, &mut driver), POLL);
    assert!(attached.has_work);
    assert_eq!(statistics(&attached).lost_interrupts, 1);
    assert_eq!(attached.line, None);
}

#[test]
fn a_device_that_was_doubted_is_not_polled_once_its_interrupt_arrives() {
    let (mut attached, mut driver) = (attached(), Driver::with(1));
    attached.doubt_line();
    driver.answer();
    assert_eq!(look(&mut attached, &mut driver), DELIVERY);
    attached.hear();
    driver.take();
    assert_eq!(attached.line, Some(LINE));
    assert_eq!(attached.first_look(&mut driver, false), TICK);
    assert_eq!(statistics(&attached).lost_interrupts, 0);
}

#[test]
fn messages_are_not_doubted_for_a_line() {
    let (mut attached, mut driver) = (attached(), Driver::with(1));
    attached.set_delivery(Delivery::Messages(9), false);
    attached.doubt_line();
    assert_eq!(attached.first_look(&mut driver, false), TICK);
}

#[test]
fn a_device_that_does_not_respond_is_notified_again_and_then_reset() {
    let (mut attached, mut driver) = (attached(), Driver::with(1));
    let mut kicks = std::vec::Vec::new();
    look(&mut attached, &mut driver);
    for tick in 1..=40 {
        let before = driver.kicks;
        assert_eq!(driver.failure, None);
        look(&mut attached, &mut driver);
        if driver.kicks > before {
            kicks.push(tick);
            assert!(attached.has_work, "what the kick brought is looked for");
        }
    }
    assert_eq!(kicks, [2, 4, 8, 16, 32]);
    assert_eq!(driver.inspections, 5);
    assert_eq!(driver.failure, Some(Failure::Silent));
    let expected = WatchStatistics {
        kicked_again: 5,
        silences: 1,
        ..WatchStatistics::default()
    };
    assert_eq!(statistics(&attached), expected);
}

#[test]
fn a_response_restarts_the_timeout() {
    let (mut attached, mut driver) = (attached(), Driver::with(100));
    for _ in 0..100 {
        look(&mut attached, &mut driver);
        driver.take();
        look(&mut attached, &mut driver);
    }
    assert_eq!(statistics(&attached).kicked_again, 0);
}

#[test]
fn a_request_is_new_if_there_was_none_at_the_last_check() {
    let (mut attached, mut driver) = (attached(), Driver::with(0));
    for _ in 0..8 {
        driver.pulse.in_flight = 0;
        look(&mut attached, &mut driver);
        driver.pulse.in_flight = 1;
        look(&mut attached, &mut driver);
        look(&mut attached, &mut driver);
    }
    assert_eq!(driver.kicks, 0);
}

#[test]
fn an_idle_device_is_checked_once_more() {
    let (mut attached, mut driver) = (attached(), Driver::with(0));
    assert_eq!(attached.look(&mut driver, TICK, true), NEVER);
    assert_eq!((driver.inspections, driver.kicks), (1, 1));
    assert!(attached.has_work);
}

#[test]
fn a_failed_device_is_restarted_which_is_counted() {
    let (mut attached, mut driver) = (attached(), Driver::with(1));
    driver.give_up();
    assert_eq!(look(&mut attached, &mut driver), NEVER);
    let due = attached.recover_failed(&mut driver, 0);
    assert!(!attached.was_restarted);
    assert_eq!(attached.recover_failed(&mut driver, due), NEVER);
    assert!(attached.was_restarted);
    let WatchStatistics {
        failures, restarts, ..
    } = statistics(&attached);
    assert_eq!((failures, restarts, driver.failure), (1, 1, None));
}

#[test]
fn a_restarted_device_is_polled_until_an_interrupt_arrives() {
    let (mut attached, mut driver) = (attached(), Driver::with(0));
    attached.expect_no_interrupt();
    driver.give_up();
    let due = attached.recover_failed(&mut driver, 0);
    assert_eq!(look(&mut attached, &mut driver), NEVER);
    assert_eq!(attached.recover_failed(&mut driver, due), NEVER);
    driver.pulse.listens = true;
    assert_eq!(look(&mut attached, &mut driver), POLL);
    assert_eq!(attached.line, None, "the controller has to report it");
    attached.hear();
    assert_eq!(attached.line, Some(LINE));
    assert_eq!(look(&mut attached, &mut driver), NEVER);
}

#[test]
fn an_interrupt_whose_response_a_task_has_taken_was_needed() {
    let (mut attached, mut driver) = (attached(), Driver::with(3));
    for _ in 0..3 {
        driver.answer();
        driver.take();
        assert!(attached.take_interrupt(&mut driver, false));
    }
    assert!(!attached.take_interrupt(&mut driver, false));
}
