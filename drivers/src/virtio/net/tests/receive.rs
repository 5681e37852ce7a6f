//! Tests of receiving.

use super::*;

#[test]
fn every_receive_buffer_is_lent_at_the_start() {
    let (_net, mut wire) = net(Features::empty());
    assert_eq!(wire.receive.waiting(), 16);
    assert_eq!(wire.device.kicks(), [0]);
    let chain = wire.receive.pop().expect("a receive buffer");
    assert!(chain.room() >= 12 + 1518 && chain.writable.len() == 1);
}

#[test]
fn a_frame_is_received_as_it_was_sent() {
    for &version in versions() {
        for features in [Features::empty(), Features::MRG_RXBUF] {
            for common in [0, EVENT_IDX, ANY_LAYOUT] {
                let (mut net, mut wire) = start(version, features, common, 16, 0);
                for len in [14, 60, 1514] {
                    wire.deliver(&frame(len));
                    assert_eq!(receive(&mut net), Some(frame(len)));
                    assert_eq!(receive(&mut net), None);
                }
            }
        }
    }
}

#[test]
fn a_burst_is_received_in_order_and_the_buffers_are_reused() {
    let (mut net, mut wire) = net(Features::empty());
    for round in 0..100_u8 {
        for index in 0..16 {
            wire.deliver(&[[round; 7], [index; 7]].concat());
        }
        for index in 0..16 {
            assert_eq!(receive(&mut net), Some([[round; 7], [index; 7]].concat()));
        }
        assert_eq!(receive(&mut net), None);
        net.publish();
        assert_eq!(wire.receive.waiting(), 16);
    }
}

#[test]
fn a_received_frame_is_replaced_by_another() {
    let (mut net, mut wire) = net(Features::empty());
    wire.deliver(&frame(60));
    let received = take(&mut net).expect("delivered");
    net.publish();
    assert_eq!(wire.receive.waiting(), 15, "told of two at a time");
    wire.deliver(&frame(61));
    assert_eq!(receive(&mut net), Some(frame(61)));
    net.publish();
    assert_eq!(wire.receive.waiting(), 16);
    for _ in 0..40 {
        wire.deliver(&[0xff; 60]);
        assert_eq!(receive(&mut net), Some([0xff; 60].into()));
        net.publish();
    }
    assert_eq!(received.bytes(), frame(60));
}

#[test]
fn a_frame_is_sent_from_where_it_was_received() {
    let (mut net, mut wire) = net(Features::empty());
    wire.deliver(&frame(60));
    let received = take(&mut net).expect("delivered");
    let address = received.address();
    net.send(received, None)
        .expect("there is room in the queue");
    net.publish();
    let chain = wire.transmit.pop().expect("published");
    assert_eq!(chain.readable[0].0 + 12, address.0);
    assert_eq!(chain.bytes()[12..], frame(60));
}

#[test]
fn a_frame_in_several_buffers_is_merged() {
    let (mut net, mut wire) = start(2, Features::MRG_RXBUF | Features::MTU, 0, 16, 9000);
    assert_eq!(net.mtu(), 9000);
    wire.deliver_in(&frame(9014), 0, 6, 6);
    wire.deliver(&frame(60));
    assert_eq!(receive(&mut net), Some(frame(9014)));
    assert_eq!(receive(&mut net), Some(frame(60)));
    net.publish();
    assert_eq!((net.statistics().merged, wire.receive.waiting()), (1, 16));
}

#[test]
fn a_large_mtu_without_merged_buffers_has_large_buffers() {
    let (mut net, mut wire) = start(2, Features::MTU, 0, 16, 9000);
    wire.deliver(&frame(9014));
    assert_eq!(receive(&mut net), Some(frame(9014)));
}

#[test]
fn an_invalid_mtu_is_not_accepted() {
    for mtu in [0, 67, 9217, 65535] {
        let (net, _wire) = start(2, Features::MTU, 0, 4, mtu);
        assert_eq!((net.mtu(), net.features()), (1500, Features::empty()));
    }
}

#[test]
fn an_invalid_number_of_buffers_costs_one_frame() {
    for say in [0, 2, 17, 0xffff] {
        let (mut net, mut wire) = net(Features::MRG_RXBUF);
        wire.deliver_in(&frame(60), 0, 1, say);
        assert_eq!(receive(&mut net), None);
        assert_eq!(net.statistics().dropped_merge, 1);
        wire.deliver(&frame(60));
        assert_eq!(receive(&mut net), Some(frame(60)));
        net.publish();
        assert_eq!(wire.receive.waiting(), 16);
    }
}

#[test]
fn an_invalid_length_of_a_buffer_costs_its_frame() {
    let (mut net, mut wire) = net(Features::MRG_RXBUF);
    let first = wire.receive.pop().expect("a receive buffer");
    first.write(&[[0; 10].as_slice(), &[2, 0], &[0; 60]].concat());
    wire.receive.fill(u32::from(first.head), 72);
    let second = wire.receive.pop().expect("a receive buffer");
    wire.receive
        .give_back(u32::from(second.head), second.room() + 1);
    assert_eq!(receive(&mut net), None);
    assert_eq!(net.statistics().dropped_merge, 1);
}

#[test]
fn a_frame_longer_than_the_mtu_is_dropped_whole() {
    let (mut net, mut wire) = net(Features::MRG_RXBUF);
    wire.deliver_in(&frame(4000), 0, 3, 3);
    wire.deliver(&frame(1519));
    wire.deliver(&frame(60));
    assert_eq!(receive(&mut net), Some(frame(60)));
    assert_eq!(receive(&mut net), None);
    assert_eq!(net.statistics().dropped_long, 2);
    net.publish();
    assert_eq!(wire.receive.waiting(), 16);
}

#[test]
fn a_frame_shorter_than_its_headers_is_dropped() {
    let (mut net, mut wire) = net(Features::empty());
    for len in [0, 1, 11, 12, 25] {
        let chain = wire.receive.pop().expect("a receive buffer");
        wire.receive.give_back(u32::from(chain.head), len);
    }
    assert_eq!(receive(&mut net), None);
    assert_eq!(net.statistics().dropped_short, 5);
}

#[test]
fn an_invalid_length_is_not_used() {
    let (mut net, mut wire) = net(Features::empty());
    let chain = wire.receive.pop().expect("a receive buffer");
    wire.receive
        .give_back(u32::from(chain.head), chain.room() + 1);
    assert_eq!(receive(&mut net), None);
    let counted = (
        net.statistics().dropped_short,
        net.receive_statistics().refused_lengths,
    );
    assert_eq!(counted, (1, 1));
}
