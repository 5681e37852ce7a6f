//! The network driver against a device that sends and takes what the test says.

use alloc::vec;
use alloc::vec::Vec;

use super::super::fake::{Chain, DeviceRing, FakeDevice, MmioRegisters, versions};
use super::super::transport::MmioTransport;
use super::*;

const VERSION_1: u64 = 1 << 32;
const EVENT_IDX: u64 = 1 << 29;
const ANY_LAYOUT: u64 = 1 << 27;
const MAC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

type Driver = Net<MmioTransport<MmioRegisters>>;

struct Wire {
    device: FakeDevice,
    receive: DeviceRing,
    transmit: DeviceRing,
    header: usize,
}

/// A configuration with the link up and the given MTU.
fn config(mtu: u16) -> Vec<u8> {
    let mut config = MAC.to_vec();
    config.extend([1, 0, 1, 0]);
    config.extend(mtu.to_le_bytes());
    config
}

fn start(version: u32, features: Features, common: u64, queue: u32, mtu: u16) -> (Driver, Wire) {
    let offered = VERSION_1 | common | features.bits();
    let device = FakeDevice::new(version, 1, offered, &[queue, queue], &config(mtu));
    let net = Net::new(device.transport()).expect("a fine device");
    let (receive, transmit) = (device.ring(0), device.ring(1));
    let long = version == 2 || features.contains(Features::MRG_RXBUF);
    (
        net,
        Wire {
            device,
            receive,
            transmit,
            header: if long { 12 } else { 10 },
        },
    )
}

fn net(features: Features) -> (Driver, Wire) {
    start(2, features | Features::MAC, EVENT_IDX, 16, 0)
}

impl Wire {
    /// Puts `frame` into the next `buffers` receive buffers, with `say` as their number.
    fn deliver_in(&mut self, frame: &[u8], flags: u8, buffers: usize, say: u16) {
        let mut bytes = vec![0; self.header];
        bytes[0] = flags;
        if self.header == 12 {
            bytes[10..12].copy_from_slice(&say.to_le_bytes());
        }
        bytes.extend(frame);
        let mut rest = &bytes[..];
        for left in (1..=buffers).rev() {
            let chain = self.receive.pop().expect("a receive buffer");
            let len = if left == 1 {
                rest.len()
            } else {
                chain.room() as usize
            };
            let written = chain.write(&rest[..len]);
            self.receive.fill(u32::from(chain.head), written);
            rest = &rest[len..];
        }
        self.receive.announce();
    }

    fn deliver(&mut self, frame: &[u8]) {
        self.deliver_in(frame, 0, 1, 1);
    }

    /// Takes the next frame that was sent: its header and its bytes.
    fn sent(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        let chain: Chain = self.transmit.pop()?;
        self.transmit.give_back(u32::from(chain.head), 0);
        let mut bytes = chain.bytes();
        let frame = bytes.split_off(self.header);
        Some((bytes, frame))
    }
}

fn frame(len: usize) -> Vec<u8> {
    (0..len).map(|at| at as u8).collect()
}

fn receive(net: &mut Driver) -> Option<Vec<u8>> {
    net.receive().map(|(frame, _slot)| frame.to_vec())
}

#[test]
fn a_device_says_what_it_is() {
    let (net, _wire) = net(Features::STATUS | Features::CSUM);
    assert_eq!((net.mac(), net.mtu(), net.max_frame()), (MAC, 1500, 1514));
    assert!(net.link_up() && net.checksum_offload());
}

#[test]
fn a_device_without_an_address_gets_a_local_one() {
    for (features, mac) in [
        (Features::empty(), MAC),
        (Features::MAC, [1; 6]),
        (Features::MAC, [0; 6]),
    ] {
        let mut config = config(0);
        config[..6].copy_from_slice(&mac);
        let device = FakeDevice::new(2, 1, VERSION_1 | features.bits(), &[4, 4], &config);
        let net = Net::new(device.transport()).expect("a fine device");
        assert_eq!(net.mac()[0] & 3, 2);
    }
}

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
fn a_frame_is_sent_as_it_was_written() {
    for &version in versions() {
        for common in [0, ANY_LAYOUT] {
            let (mut net, mut wire) = start(version, Features::empty(), common, 16, 0);
            let slot = net.transmit().expect("room");
            let result = slot.send(60, |bytes| {
                bytes.copy_from_slice(&frame(60));
                5
            });
            assert_eq!(result, 5);
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
fn a_slot_that_is_dropped_sends_nothing() {
    let (mut net, mut wire) = net(Features::empty());
    assert!(net.transmit().is_some());
    net.publish();
    assert!(wire.sent().is_none());
}

#[test]
fn a_checksum_to_be_made_is_described_in_the_header_and_only_there() {
    let (mut net, mut wire) = net(Features::CSUM);
    for _ in 0..2 {
        let slot = net.transmit().expect("room");
        let checksum = PartialChecksum {
            start: 34,
            offset: 6,
        };
        slot.send_with_checksum(60, |bytes| (bytes.fill(1), Some(checksum)));
    }
    net.transmit()
        .expect("room")
        .send(60, |bytes| bytes.fill(2));
    net.publish();
    let offloaded = [1, 0, 0, 0, 0, 0, 34, 0, 6, 0, 0, 0];
    assert_eq!(wire.sent(), Some((offloaded.to_vec(), vec![1; 60])));
    assert_eq!(wire.sent(), Some((offloaded.to_vec(), vec![1; 60])));
    assert_eq!(wire.sent(), Some((vec![0; 12], vec![2; 60])));
}

#[test]
fn a_full_queue_pushes_back_and_tells_when_there_is_room() {
    for common in [0, EVENT_IDX] {
        let (mut net, mut wire) = start(2, Features::empty(), common, 16, 0);
        let mut count = 0;
        while let Some(slot) = net.transmit() {
            slot.send(60, |_| ());
            count += 1;
        }
        assert_eq!(count, 16);
        net.publish();
        assert!(
            net.receive().is_none(),
            "who does not read is not listened to"
        );
        assert!(!net.rearm());
        let mut interrupted = false;
        for _ in 0..16 {
            let chain = wire.transmit.pop().expect("published");
            interrupted |= wire.transmit.give_back(u32::from(chain.head), 0);
        }
        assert!(interrupted);
        assert!(net.transmit().is_some());
        assert!(!net.rearm());
    }
}

#[test]
fn frames_that_wait_for_room_to_answer_keep_nobody_awake() {
    let (mut net, mut wire) = net(Features::empty());
    while let Some(slot) = net.transmit() {
        slot.send(60, |_| ());
    }
    net.publish();
    wire.deliver(&frame(60));
    assert!(net.receive().is_none());
    assert!(!net.rearm());
    while wire.sent().is_some() {}
    assert!(net.rearm());
    assert_eq!(receive(&mut net), Some(frame(60)));
}

#[test]
fn frames_that_were_held_back_are_found_when_sending_makes_room() {
    for common in [0, EVENT_IDX] {
        let (mut net, mut wire) = start(2, Features::empty(), common, 16, 0);
        while let Some(slot) = net.transmit() {
            slot.send(60, |_| ());
        }
        net.publish();
        wire.deliver(&frame(60));
        assert!(net.receive().is_none());
        assert!(!net.rearm() && net.holds_back());
        // Too little for the interrupt, and a sender takes it back before one comes.
        wire.sent().expect("a frame");
        assert!(net.transmit().is_some());
        assert!(net.holds_back() && net.rearm());
        assert_eq!(receive(&mut net), Some(frame(60)));
        assert!(!net.rearm() && !net.holds_back());
    }
}

#[test]
fn sending_raises_no_interrupts_while_there_is_room() {
    for common in [0, EVENT_IDX] {
        let (mut net, mut wire) = start(2, Features::empty(), common, 16, 0);
        for _ in 0..100 {
            net.transmit().expect("room").send(60, |_| ());
            net.publish();
            assert!(!net.rearm());
            let chain = wire.transmit.pop().expect("published");
            assert!(!wire.transmit.give_back(u32::from(chain.head), 0));
        }
    }
}

#[test]
fn a_burst_is_received_in_order_and_the_buffers_go_round() {
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
fn a_frame_is_not_the_devices_while_it_is_read() {
    let (mut net, mut wire) = net(Features::empty());
    wire.deliver(&frame(60));
    let before = wire.receive.waiting();
    let (first, slot) = net.receive().expect("delivered");
    slot.send(60, |bytes| bytes.copy_from_slice(&first));
    assert_eq!(wire.receive.waiting(), before);
    net.publish();
    assert_eq!(wire.receive.waiting(), before + 1);
    assert_eq!(wire.sent().map(|(_, bytes)| bytes), Some(frame(60)));
}

#[test]
fn a_frame_in_several_buffers_is_put_together() {
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
fn an_mtu_that_cannot_be_is_not_agreed_on() {
    for mtu in [0, 67, 9217, 65535] {
        let (net, _wire) = start(2, Features::MTU, 0, 4, mtu);
        assert_eq!((net.mtu(), net.features()), (1500, Features::empty()));
    }
}

#[test]
fn a_number_of_buffers_that_cannot_be_costs_one_frame() {
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
fn a_buffer_of_a_frame_with_a_length_that_cannot_be_costs_the_frame() {
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
fn a_length_that_cannot_be_is_not_believed() {
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

#[test]
fn a_frame_to_send_that_is_too_long_is_counted_and_not_sent() {
    let (mut net, mut wire) = net(Features::empty());
    let slot = net.transmit().expect("room");
    assert_eq!(slot.send(5000, |bytes| bytes.len()), 5000);
    net.publish();
    assert!(wire.sent().is_none());
    assert_eq!(net.statistics().unsent_long, 1);
}

#[test]
fn a_frame_that_never_was_on_a_wire_gets_its_checksum() {
    let (mut net, mut wire) = net(Features::GUEST_CSUM);
    wire.deliver_in(&frame(60), 2, 1, 1);
    assert!(
        net.receive()
            .is_some_and(|(frame, _)| frame.checksum_verified())
    );
    wire.deliver_in(&frame(60), 0, 1, 1);
    assert!(
        net.receive()
            .is_some_and(|(frame, _)| !frame.checksum_verified())
    );
    // The header says to start at 0 and put it at 0: over everything, in place of two bytes.
    wire.deliver_in(&[0; 60], 1, 1, 1);
    let (frame, _slot) = net.receive().expect("delivered");
    assert!(frame.checksum_verified());
    assert_eq!(frame[..3], [0xff, 0xff, 0]);
}

#[test]
fn the_state_of_the_link_follows_the_device() {
    let (mut net, wire) = net(Features::STATUS);
    for up in [false, true] {
        wire.device.0.borrow_mut().config[6] = u8::from(up);
        wire.device.0.borrow_mut().isr = 2;
        net.acknowledge_interrupt();
        assert_eq!(net.link_up(), up);
    }
}

#[test]
fn a_device_that_breaks_the_rules_is_reset_and_works_again() {
    for queue in [RECEIVE, TRANSMIT] {
        let (mut net, mut wire) = net(Features::empty());
        let ring = if queue == RECEIVE {
            &mut wire.receive
        } else {
            &mut wire.transmit
        };
        ring.set_used_index(20);
        for _ in 0..9 {
            if let Some(slot) = net.transmit() {
                slot.send(60, |_| ());
            }
        }
        let none = net.receive().is_none();
        net.publish();
        assert!(none && net.receive().is_none() && net.transmit().is_none());
        assert!(
            matches!(net.failure(), Some(Failure::Queue { queue: failed, .. }) if failed == queue)
        );
        assert_eq!(wire.device.0.borrow().status, 0);
        assert_eq!(net.reinitialize(), Ok(()));
        let (receive, transmit) = (wire.device.ring(0), wire.device.ring(1));
        let mut wire = Wire {
            receive,
            transmit,
            ..wire
        };
        wire.deliver(&frame(60));
        let (received, slot) = net.receive().expect("delivered");
        slot.send(60, |bytes| bytes.copy_from_slice(&received));
        net.publish();
        assert_eq!(wire.sent().map(|(_, bytes)| bytes), Some(frame(60)));
    }
}

#[test]
fn an_echo_costs_one_acknowledgement_and_one_kick() {
    let (mut net, mut wire) = net(Features::MRG_RXBUF);
    let mut round = || {
        wire.deliver(&frame(60));
        wire.device.0.borrow_mut().isr |= 1;
        net.acknowledge_interrupt();
        let (received, slot) = net.receive().expect("delivered");
        slot.send(60, |bytes| bytes.copy_from_slice(&received));
        assert!(net.receive().is_none());
        net.publish();
        assert!(!net.rearm());
        assert!(wire.sent().is_some());
        wire.transmit.set_available_event(wire.transmit.next());
        wire.device.accesses()
    };
    round();
    for _ in 0..30 {
        assert_eq!(round(), (0, 2));
    }
}

#[test]
fn a_queue_of_two_works() {
    let (mut net, mut wire) = start(2, Features::empty(), 0, 2, 0);
    for round in 0..10 {
        wire.deliver(&frame(60 + round));
        assert_eq!(receive(&mut net), Some(frame(60 + round)));
        net.transmit().expect("room").send(60, |_| ());
        net.publish();
        assert!(wire.sent().is_some());
    }
}
