//! Tests with a simulated device.

mod receive;
mod transmit;

use alloc::vec;
use alloc::vec::Vec;

use super::super::fake::{Chain, DeviceRing, FakeDevice, MmioRegisters, versions};
use super::super::transport::MmioTransport;
use super::*;
use crate::watched::Watched as _;

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

/// Returns a configuration with the link up and the given MTU.
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
    /// Puts `frame` into the next `buffers` receive buffers, and reports their number as `say`.
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

    /// Takes the next sent frame: its header and its content.
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

/// Receives a frame.
fn take(net: &mut Driver) -> Option<Frame> {
    if net.arrived() == 0 {
        return None;
    }
    net.receive()
}

/// Receives a frame and returns its memory to the pool.
fn receive(net: &mut Driver) -> Option<Vec<u8>> {
    let frame = take(net)?;
    let bytes = frame.bytes().to_vec();
    net.frames().give(frame);
    Some(bytes)
}

/// Returns a frame of `bytes`.
fn made(net: &Driver, bytes: &[u8]) -> Frame {
    let frames = net.frames();
    let mut frame = frames.take_for(bytes.len()).expect("a frame is allocated");
    frame.set_len(bytes.len());
    frame.bytes_mut().copy_from_slice(bytes);
    frame
}

/// Sends a frame of `bytes`; returns whether there was room for it.
fn send(net: &mut Driver, bytes: &[u8]) -> bool {
    if net.room() == 0 {
        return false;
    }
    let frame = made(net, bytes);
    net.send(frame, None).is_ok()
}

/// Sends a received frame back unchanged.
fn echo(net: &mut Driver) {
    let frame = take(net).expect("delivered");
    net.send(frame, None).expect("there is room in the queue");
}

#[test]
fn a_device_reports_its_configuration() {
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
fn a_device_that_violates_the_protocol_is_reset_and_works_again() {
    for queue in [RECEIVE, TRANSMIT] {
        let (mut net, mut wire) = net(Features::empty());
        let ring = if queue == RECEIVE {
            &mut wire.receive
        } else {
            &mut wire.transmit
        };
        ring.set_used_index(20);
        for _ in 0..9 {
            send(&mut net, &frame(60));
        }
        let none = take(&mut net).is_none();
        net.publish();
        assert!(none && take(&mut net).is_none() && net.room() == 0);
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
        echo(&mut net);
        net.publish();
        assert_eq!(wire.sent().map(|(_, bytes)| bytes), Some(frame(60)));
    }
}

#[test]
fn an_invalid_chain_fails_the_device_once_it_is_read() {
    let (mut net, mut wire) = net(Features::empty());
    wire.deliver(&frame(60));
    wire.receive.give_back(999, 60);
    assert_eq!(net.arrived(), 2);
    assert!(net.receive().is_some() && net.failure().is_none());
    assert!(net.receive().is_none() && net.failure().is_some());
    assert_eq!((net.arrived(), net.room()), (0, 0));

    let (mut net, mut wire) = start(2, Features::empty(), 0, 16, 0);
    for _ in 0..8 {
        assert!(send(&mut net, &frame(60)));
    }
    net.publish();
    wire.transmit.give_back(999, 0);
    let waiting = FrameList::new();
    waiting.push(made(&net, &frame(60)));
    net.send_all(&waiting, 1, |_| None);
    assert!(net.failure().is_some());
}

#[test]
fn frames_are_sent_in_order_as_far_as_there_is_room() {
    let (mut net, mut wire) = net(Features::empty());
    let waiting = FrameList::new();
    for len in 60..80 {
        waiting.push(made(&net, &frame(len)));
    }
    let mut prepared = 0;
    let mut prepare = |_: &mut Frame| {
        prepared += 1;
        None
    };
    assert_eq!(net.send_all(&waiting, 5, &mut prepare), 5);
    assert_eq!(net.send_all(&waiting, 64, &mut prepare), 11);
    assert_eq!(net.send_all(&waiting, 64, &mut prepare), 0);
    assert_eq!(prepared, 16);
    net.publish();
    for len in 60..76 {
        assert_eq!(wire.sent().map(|(_, bytes)| bytes), Some(frame(len)));
    }
    assert_eq!(net.send_all(&waiting, 64, |_| None), 4);
    assert!(waiting.is_empty());
}

#[test]
fn an_echo_costs_one_acknowledgement_and_one_kick() {
    let (mut net, mut wire) = net(Features::MRG_RXBUF);
    let mut round = || {
        wire.deliver(&frame(60));
        wire.device.0.borrow_mut().isr |= 1;
        net.acknowledge_interrupt();
        echo(&mut net);
        assert!(take(&mut net).is_none());
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
        assert!(send(&mut net, &frame(60)));
        net.publish();
        assert!(wire.sent().is_some());
    }
}
