mod restarts;

use alloc::vec;
use alloc::vec::Vec;

use super::model::Controller;
use super::*;
use crate::network::NetworkDevice;
use crate::virtio::transport::Absent;

/// The number of frames in the pool.
const FRAMES: usize = 4;

fn driver(controller: &Controller) -> Lan9118<&Controller> {
    let mut driver = Lan9118::at(controller, false, FRAMES);
    driver.start().expect("the controller works");
    driver
}

/// Returns why a controller that `change` has changed does not start.
fn refusal(change: impl FnOnce(&Controller)) -> SetupError {
    let controller = Controller::new();
    change(&controller);
    let mut driver = Lan9118::at(&controller, false, FRAMES);
    let error = driver.start().expect_err("it must not start");
    assert_eq!(driver.failure(), Some(Failure::Setup(error)));
    assert_eq!((driver.arrived(), driver.room()), (0, 0));
    error
}

fn bytes(length: usize) -> Vec<u8> {
    /// Computed by the compiler, because Miri takes long for it.
    const BYTES: [u8; 256] = {
        let mut bytes = [0; 256];
        let mut place = 0;
        while place < bytes.len() {
            bytes[place] = place as u8 ^ 0x5a;
            place += 1;
        }
        bytes
    };
    let mut bytes = BYTES.repeat(length.div_ceil(BYTES.len()));
    bytes.truncate(length);
    bytes
}

/// Returns all frames that can be received, and gives them back.
fn receive_all(driver: &mut Lan9118<&Controller>) -> Vec<Vec<u8>> {
    driver.arrived();
    let mut all = Vec::new();
    while let Some(frame) = driver.receive() {
        all.push(frame.bytes().to_vec());
        driver.frames().give(frame);
    }
    all
}

fn send(driver: &mut Lan9118<&Controller>, content: &[u8]) {
    let mut frame = driver.frames().take().expect("there is a frame");
    frame.set_len(content.len());
    let length = frame.len();
    frame.bytes_mut().copy_from_slice(&content[..length]);
    driver.send(frame);
}

#[test]
fn the_address_is_that_of_the_eeprom() {
    let controller = Controller::new();
    assert_eq!(driver(&controller).mac(), [0x52, 0x54, 0, 0x12, 0x34, 0x56]);
}

#[test]
fn a_frame_of_any_length_arrives_unchanged() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    let short = (14..80).step_by(if cfg!(miri) { 9 } else { 1 });
    let long = [1511, 1512, 1513, 1514, 1518];
    for length in short.chain(long.into_iter().skip(if cfg!(miri) { 3 } else { 0 })) {
        let frame = bytes(length);
        controller.state().receive(&frame);
        assert_eq!(receive_all(&mut driver), [frame], "{length} bytes");
    }
    assert_eq!(driver.failure(), None);
}

#[test]
fn a_frame_of_any_length_is_sent_unchanged() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    let short = (1..80).step_by(if cfg!(miri) { 9 } else { 1 });
    let mut sent = 0;
    for length in short.chain((1511..=1514).step_by(if cfg!(miri) { 3 } else { 1 })) {
        assert!(driver.room() > 0);
        send(&mut driver, &bytes(length));
        assert_eq!(controller.state().sent.pop(), Some(bytes(length)));
        sent += 1;
    }
    assert_eq!(driver.take_unsent(), 0);
    assert_eq!(driver.statistics().sent, sent);
}

#[test]
fn several_frames_keep_their_order() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    let frames = [60, 61, 1514, 62].map(bytes);
    for frame in &frames {
        controller.state().receive(frame);
    }
    assert_eq!(driver.arrived(), 4);
    assert_eq!(receive_all(&mut driver), frames);
}

#[test]
fn what_is_there_is_checked_before_it_is_used() {
    for value in [0, u32::MAX] {
        let error = refusal(|controller| controller.state().byte_test = value);
        assert_eq!(error, SetupError::NoDevice);
    }
    let error = refusal(|controller| controller.state().byte_test = 0x4321_8765);
    assert!(alloc::format!("{error}").contains("BYTE_TEST reads 0x43218765"));
    let error = refusal(|controller| controller.state().id = 0x3330_0001);
    let expected = "ID_REV reads 0x33300001: it is another device";
    assert_eq!(alloc::format!("{error}"), expected);
}

#[test]
fn a_relative_is_accepted() {
    for id in [0x0115_0000, 0x9220_0000, 0x118a_0001] {
        let controller = Controller::new();
        controller.state().id = id;
        driver(&controller);
    }
}

#[test]
fn a_controller_that_stays_in_reset_is_refused() {
    let error = refusal(|controller| controller.state().reset_reads = u32::MAX);
    assert_eq!(error, SetupError::ResetTimeout);
}

#[test]
fn a_sleeping_controller_is_woken() {
    let controller = Controller::new();
    controller.state().sleeps = true;
    driver(&controller);
    assert!(!controller.look().sleeps);
}

#[test]
fn without_an_address_nothing_starts() {
    for address in [[0xff; 6], [0; 6]] {
        let error = refusal(|controller| controller.state().address = address);
        assert!(alloc::format!("{error}").contains("EEPROM"));
    }
}

#[test]
fn a_silent_mac_or_phy_is_refused() {
    let error = refusal(|controller| controller.state().mac_answers = false);
    assert_eq!(error, SetupError::Device("its MAC does not respond"));
    let error = refusal(|controller| controller.state().phy_answers = false);
    assert_eq!(error, SetupError::Device("its PHY does not respond"));
}

#[test]
fn the_line_has_the_polarity_of_the_board() {
    for (active_low, polarity) in [(false, IRQ_ACTIVE_HIGH), (true, 0)] {
        let controller = Controller::new();
        let mut driver = Lan9118::at(&controller, active_low, FRAMES);
        driver.start().expect("the controller works");
        assert_eq!(controller.look().irq_cfg & IRQ_ACTIVE_HIGH, polarity);
    }
}

#[test]
fn an_interrupt_is_held_until_the_frames_were_taken() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    assert!(!driver.rearm());
    assert!(!controller.look().is_asserted());
    controller.state().receive(&bytes(60));
    assert!(controller.look().is_asserted() && driver.has_news());
    driver.acknowledge_interrupt();
    assert!(
        !controller.look().is_asserted(),
        "the line is still asserted"
    );
    assert!(driver.rearm(), "the frame is forgotten");
    assert_eq!(receive_all(&mut driver).len(), 1);
    assert!(!driver.rearm());
    controller.state().receive(&bytes(60));
    assert!(controller.look().is_asserted());
}

#[test]
fn frames_beyond_the_pool_are_dropped_and_counted() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    for _ in 0..FRAMES + 3 {
        controller.state().receive(&bytes(100));
    }
    driver.arrived();
    let kept: Vec<_> = core::iter::from_fn(|| driver.receive()).collect();
    assert_eq!(
        (kept.len(), driver.statistics().dropped_memory),
        (FRAMES, 3)
    );
    for frame in kept {
        driver.frames().give(frame);
    }
    controller.state().receive(&bytes(101));
    assert_eq!(receive_all(&mut driver), [bytes(101)]);
}

#[test]
fn runts_giants_and_errors_are_dropped_and_the_next_frame_is_found() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    controller.state().receive(&bytes(13));
    controller.state().receive(&bytes(1519));
    controller.state().receive(&bytes(9000));
    controller
        .state()
        .receive_with(0x40 << 16 | 1 << 15 | 1 << 1, &bytes(60));
    controller.state().receive(&bytes(77));
    assert_eq!(driver.arrived(), 5);
    assert_eq!(receive_all(&mut driver), [bytes(77)]);
    let counts = driver.statistics();
    let dropped = (
        counts.dropped_short,
        counts.dropped_long,
        counts.dropped_errors,
    );
    assert_eq!(dropped, (1, 2, 1));
}

#[test]
fn a_frame_longer_than_its_fifo_is_a_failure() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    controller.state().receive_with(0x3fff << 16, &bytes(60));
    assert_eq!(receive_all(&mut driver), Vec::<Vec<u8>>::new());
    assert!(matches!(driver.failure(), Some(Failure::Device(_))));
    driver.start().expect("it works again");
    assert_eq!((driver.failure(), controller.look().resets), (None, 2));
    controller.state().receive(&bytes(60));
    assert_eq!(receive_all(&mut driver).len(), 1);
}

#[test]
fn an_error_of_a_fifo_restarts_the_controller() {
    for event in [INT_RX_ERROR, INT_TX_ERROR] {
        let controller = Controller::new();
        let mut driver = driver(&controller);
        controller.state().interrupts |= event;
        driver.acknowledge_interrupt();
        assert!(driver.failure().is_some());
        assert_eq!(driver.room(), 0);
        driver.start().expect("it works again");
        assert!(driver.failure().is_none() && driver.room() > 0);
        assert_eq!(driver.statistics().resets, 1);
    }
}

#[test]
fn an_overrun_is_counted() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    controller.state().dropped = 7;
    controller.state().interrupts |= INT_RX_DROPPED;
    driver.acknowledge_interrupt();
    assert_eq!(driver.statistics().overruns, 7);
    driver.acknowledge_interrupt();
    assert_eq!((driver.statistics().overruns, driver.failure()), (7, None));
}

#[test]
fn a_full_fifo_has_no_room_until_its_frames_are_sent() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    controller.state().is_stuck = true;
    let mut count = 0;
    while driver.room() > 0 {
        send(&mut driver, &bytes(1514));
        count += 1;
    }
    assert_eq!(count, 3);
    assert!(!driver.has_news());
    assert!(!driver.rearm());
    assert_ne!(controller.look().enabled & INT_TX_SPACE, 0);
    let pulse = driver.pulse();
    assert_eq!((pulse.in_flight, pulse.answered), (3, 0));
    controller.state().send_stuck();
    // Watching the device does not take the news from its user.
    assert!(driver.pulse().has_news && driver.pulse().has_news);
    // Room is news only once, even if nothing is sent then.
    assert!(driver.has_news());
    assert!(!driver.has_news() && !driver.rearm());
    assert_eq!(driver.pulse().in_flight, 0);
    while driver.room() > 0 {
        send(&mut driver, &bytes(1514));
    }
    // A frame without room is dropped and counted.
    send(&mut driver, &bytes(1514));
    assert_eq!(driver.take_unsent(), 1);
    driver.give_up();
    assert_eq!(driver.failure(), Some(Failure::Silent));
    controller.state().is_stuck = false;
    driver.start().expect("it works again");
    assert_eq!(driver.pulse().in_flight, 0);
    assert!(driver.room() > 0);
}

#[test]
fn the_status_of_sent_frames_is_read() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    controller.state().sent_status = TX_ERROR;
    let sent = if cfg!(miri) { 20 } else { 200 };
    for _ in 0..sent {
        assert!(driver.room() > 0);
        send(&mut driver, &bytes(60));
    }
    let pulse = driver.pulse();
    assert_eq!((pulse.in_flight, pulse.answered), (0, sent));
    assert_eq!(driver.statistics().unsent_errors, sent.into());
}

#[test]
fn the_status_of_a_frame_that_was_not_sent_is_a_failure() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    controller.state().invent_status();
    let _ = driver.pulse();
    assert!(matches!(driver.failure(), Some(Failure::Device(_))));
}

#[test]
fn a_failure_that_is_found_before_the_loop_sleeps_is_reported() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    controller.state().is_stuck = true;
    let mut sent = 0;
    while driver.room() > 0 {
        send(&mut driver, &bytes(1514));
        sent += 1;
    }
    (0..=sent).for_each(|_| controller.state().invent_status());
    let mut device = NetworkDevice::<Absent, _>::Ethernet(driver);
    assert_eq!(device.dispatch(true), None);
}

#[test]
fn a_frame_that_is_too_long_is_not_sent() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    send(&mut driver, &bytes(1515));
    assert_eq!((driver.take_unsent(), driver.take_unsent()), (1, 0));
    assert_eq!(driver.statistics().unsent_long, 1);
    assert!(controller.look().sent.is_empty());
}

#[test]
fn the_link_is_read_when_it_changes() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    assert!(driver.link_up());
    for up in [false, true] {
        controller.state().set_link(up);
        driver.acknowledge_interrupt();
        assert_eq!(driver.link_up(), up);
        assert_eq!(controller.look().interrupts & INT_PHY, 0);
    }
    assert_eq!(driver.statistics().link_changes, 2);
    // A change whose interrupt is lost is found as well.
    controller.state().link_up = false;
    driver.inspect();
    assert!(!driver.link_up());
}

#[test]
fn a_phy_that_no_longer_responds_has_no_link() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    controller.state().phy_answers = false;
    driver.inspect();
    assert!(!driver.link_up());
}

#[test]
fn the_duplex_mode_is_the_best_that_both_ends_have() {
    for (partner, is_full) in [
        (ALL_MODES, true),
        (FULL_DUPLEX_100, true),
        (HALF_DUPLEX_100 | FULL_DUPLEX_10, false),
        (FULL_DUPLEX_10, true),
        (0, false),
    ] {
        let controller = Controller::new();
        controller.state().partner = partner;
        driver(&controller);
        let mode = controller.look().mode;
        assert_eq!(mode & FULL_DUPLEX != 0, is_full, "{partner:#x}");
        assert_eq!(mode & (RX_ENABLE | TX_ENABLE), RX_ENABLE | TX_ENABLE);
    }
}

#[test]
fn random_contents_of_the_receive_fifo_do_no_harm() {
    let mut seed = 1_u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed
    };
    let controller = Controller::new();
    let mut driver = driver(&controller);
    for _ in 0..if cfg!(miri) { 30 } else { 2000 } {
        let content = vec![0x11; (next() >> 20) as usize % 1600];
        controller.state().receive_with(next(), &content);
        for frame in receive_all(&mut driver) {
            assert!((14..=1518).contains(&frame.len()));
        }
        driver.acknowledge_interrupt();
        if driver.failure().is_some() {
            driver.start().expect("it works again");
        }
    }
    assert!(driver.statistics().resets > 0);
    driver.start().expect("it works again");
    controller.state().receive(&bytes(60));
    assert_eq!(receive_all(&mut driver), [bytes(60)]);
}
