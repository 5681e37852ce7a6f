//! Restarts wait a short time for the controller.

use super::*;

#[test]
fn a_restart_waits_a_short_time_and_the_next_one_for_the_same_reset() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    let before = controller.look().resets;
    controller.state().reset_reads = RESTART_READS + RESTART_READS / 2;
    let expected = SetupError::ResetTimeout;
    assert_eq!(driver.reinitialize(), Err(expected));
    assert_eq!(driver.failure(), Some(Failure::Setup(expected)));
    assert_eq!(driver.reinitialize(), Ok(()));
    assert_eq!(driver.failure(), None);
    assert_eq!(controller.look().resets, before + 1);
}

#[test]
fn a_reset_that_never_ends_is_begun_again_by_every_second_restart() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    let before = controller.look().resets;
    controller.state().reset_reads = u32::MAX;
    for _ in 0..4 {
        assert_eq!(driver.reinitialize(), Err(SetupError::ResetTimeout));
    }
    assert_eq!(controller.look().resets, before + 2);
}

#[test]
fn a_restart_waits_a_short_time_for_a_controller_that_does_not_respond() {
    type Fault = fn(&Controller);
    let faults: [(Fault, &str); 3] = [
        (
            |controller| {
                let mut state = controller.state();
                (state.sleeps, state.wakes) = (true, false);
            },
            "it does not wake up",
        ),
        (
            |controller| controller.state().mac_answers = false,
            "its MAC does not respond",
        ),
        (
            |controller| controller.state().phy_answers = false,
            "its PHY does not respond",
        ),
    ];
    for (fault, expected) in faults {
        let controller = Controller::new();
        let mut driver = driver(&controller);
        fault(&controller);
        controller.state().reads = 0;
        assert_eq!(driver.reinitialize(), Err(SetupError::Device(expected)));
        let reads = controller.look().reads;
        assert!(reads <= RESTART_READS + 30, "{expected}: {reads} reads");
    }
}

#[test]
fn a_controller_that_does_not_wake_is_reset_again() {
    let controller = Controller::new();
    let mut driver = driver(&controller);
    let before = controller.look().resets;
    controller.state().reset_reads = u32::MAX;
    assert_eq!(driver.reinitialize(), Err(SetupError::ResetTimeout));
    (controller.state().sleeps, controller.state().wakes) = (true, false);
    let expected = SetupError::Device("it does not wake up");
    assert_eq!(driver.reinitialize(), Err(expected));
    {
        let mut state = controller.state();
        (state.wakes, state.reset_reads) = (true, 3);
    }
    assert_eq!(driver.reinitialize(), Ok(()));
    assert_eq!(controller.look().resets, before + 2);
}
