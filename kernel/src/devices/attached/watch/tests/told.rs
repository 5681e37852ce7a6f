//! Tests of what the watch logs: each event of a device once, with the kind of the device, its place
//! and its interrupt.

use super::*;
use crate::log::kept::logged;

#[test]
fn a_device_that_never_responds_is_named_once() {
    let lines = logged(|| {
        let (mut attached, mut driver) = (attached(), Driver::with(1));
        for _ in 0..41 {
            look(&mut attached, &mut driver);
        }
        assert_eq!(statistics(&attached).kicked_again, 5);
    });
    assert_eq!(
        lines,
        ["disk, virtio-mmio slot 30, interrupt 78: no response for 500 ms: notifying it again"]
    );
}

#[test]
fn a_device_whose_interrupts_never_arrive_is_named_once() {
    let lines = logged(|| {
        let (mut attached, mut driver) = (attached(), Driver::with(100));
        for _ in 0..5 {
            driver.answer();
            while !attached.has_work {
                look(&mut attached, &mut driver);
            }
            driver.take();
            attached.has_work = false;
        }
        assert!(statistics(&attached).lost_interrupts >= 2);
    });
    assert_eq!(
        lines,
        [
            "disk, virtio-mmio slot 30, interrupt 78: the device responded without an interrupt",
            "disk, virtio-mmio slot 30, interrupt 78: no interrupts arrive: polling every 10 ms; see \
             its interrupt in the board file",
        ]
    );
}

#[test]
fn a_device_that_is_doubted_is_named_once_a_response_came_without_an_interrupt() {
    let lines = |answers: usize| {
        logged(|| {
            let (mut attached, mut driver) = (attached(), Driver::with(100));
            attached.doubt_line();
            for _ in 0..answers {
                driver.answer();
                look_for_long(&mut attached, &mut driver);
            }
        })
    };
    assert!(lines(0).is_empty());
    assert_eq!(
        lines(1),
        [
            "disk, virtio-mmio slot 30, interrupt 78: no interrupts arrive: polling every 10 ms; see \
             its interrupt in the board file"
        ]
    );
}
