//! Tests of sending.

use super::*;

#[test]
fn a_frame_is_sent_as_it_was_written() {
    for &version in versions() {
        for common in [0, ANY_LAYOUT] {
            let (mut net, mut wire) = start(version, Features::empty(), common, 16, 0);
            assert!(send(&mut net, &frame(60)));
            assert!(
                wire.sent().is_none(),
                "nothing is seen before it is published"
            );
            net.publish();
            let (header, bytes) = wire.sent().expect("published");
            assert!(header.iter().all(|byte| *byte == 0));
            assert_eq!(bytes, frame(60));
        }
    }
}

#[test]
fn a_partial_checksum_is_described_in_the_header_only() {
    let (mut net, mut wire) = net(Features::CSUM);
    for _ in 0..2 {
        let frame = made(&net, &[1; 60]);
        let checksum = PartialChecksum {
            start: 34,
            offset: 6,
        };
        net.send(frame, Some(checksum))
            .expect("there is room in the queue");
    }
    send(&mut net, &[2; 60]);
    net.publish();
    let offloaded = [1, 0, 0, 0, 0, 0, 34, 0, 6, 0, 0, 0];
    assert_eq!(wire.sent(), Some((offloaded.to_vec(), vec![1; 60])));
    assert_eq!(wire.sent(), Some((offloaded.to_vec(), vec![1; 60])));
    assert_eq!(wire.sent(), Some((vec![0; 12], vec![2; 60])));
}

#[test]
fn a_full_queue_rejects_frames_and_reports_room() {
    for common in [0, EVENT_IDX] {
        let (mut net, mut wire) = start(2, Features::empty(), common, 16, 0);
        let mut count = 0;
        while send(&mut net, &frame(60)) {
            count += 1;
        }
        assert_eq!(count, 16);
        net.publish();
        assert!(!net.rearm());
        let mut interrupted = false;
        for _ in 0..16 {
            let chain = wire.transmit.pop().expect("published");
            interrupted |= wire.transmit.give_back(u32::from(chain.head), 0);
        }
        assert!(interrupted);
        assert!(net.room() > 0);
        assert!(!net.rearm());
    }
}

#[test]
fn frames_are_received_while_there_is_no_room_to_send() {
    for common in [0, EVENT_IDX] {
        let (mut net, mut wire) = start(2, Features::empty(), common, 16, 0);
        while send(&mut net, &frame(60)) {}
        net.publish();
        for _ in 0..40 {
            wire.deliver(&frame(60));
            assert!(net.has_news());
            assert_eq!(receive(&mut net), Some(frame(60)));
            net.publish();
            assert!(!net.rearm());
        }
        assert_eq!(net.room(), 0);
    }
}

#[test]
fn sending_raises_no_interrupts_while_there_is_room() {
    for common in [0, EVENT_IDX] {
        let (mut net, mut wire) = start(2, Features::empty(), common, 16, 0);
        for _ in 0..100 {
            assert!(send(&mut net, &frame(60)));
            net.publish();
            assert!(!net.rearm());
            let chain = wire.transmit.pop().expect("published");
            assert!(!wire.transmit.give_back(u32::from(chain.head), 0));
        }
    }
}

/// The watch over the devices takes back what was sent, so that no memory waits for the next frame.
#[test]
fn a_sent_frame_is_taken_back_without_another_one() {
    let (mut net, mut wire) = net(Features::empty());
    assert!(send(&mut net, &frame(60)));
    net.publish();
    assert_eq!(net.pulse().in_flight, 1);
    let chain = wire.transmit.pop().expect("published");
    wire.transmit.give_back(u32::from(chain.head), 0);
    assert_eq!(net.pulse().in_flight, 0);
    let counts = net.transmit_statistics();
    assert_eq!((counts.submitted, counts.completed), (1, 1));
}

#[test]
fn a_frame_that_is_too_long_is_counted_and_not_sent() {
    let (mut net, mut wire) = net(Features::empty());
    assert!(send(&mut net, &[0; 5000]));
    net.publish();
    assert!(wire.sent().is_none());
    assert_eq!(net.statistics().unsent_long, 1);
    assert_eq!(net.take_unsent(), 1);
}

#[test]
fn a_received_partial_checksum_is_completed() {
    let (mut net, mut wire) = net(Features::GUEST_CSUM);
    let verified = |net: &mut Driver| take(net).map(|frame| frame.is_verified());
    wire.deliver_in(&frame(60), 2, 1, 1);
    assert_eq!(verified(&mut net), Some(true));
    wire.deliver_in(&frame(60), 0, 1, 1);
    assert_eq!(verified(&mut net), Some(false));
    // The header describes a checksum over everything, from 0 and at 0.
    wire.deliver_in(&[0; 60], 1, 1, 1);
    let frame = take(&mut net).expect("delivered");
    assert!(frame.is_verified());
    assert_eq!(frame.bytes()[..3], [0xff, 0xff, 0]);
}
