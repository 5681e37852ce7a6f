use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::vec;

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use rustix::event::PollFlags;

use super::wire::{Datagrams, LARGEST_FRAME, Stream, Wire};
use super::{Disk, Entropy, Nic, Slot, SlotRegisters};
use crate::virtio::mmio::probe_registers;
use crate::virtio::net::Net;
use crate::virtio::rng::Rng;
use crate::virtio::transport::MmioTransport;

/// Returns a slot with a device, and the driver's transport.
fn slot(device: impl super::Device + 'static) -> (Rc<RefCell<Slot>>, MmioTransport<SlotRegisters>) {
    let slot = Rc::new(RefCell::new(Slot::new(device)));
    let registers = SlotRegisters::new(Some(Rc::clone(&slot)));
    let found = probe_registers(registers, 0x200)
        .expect("it is a slot")
        .expect("it has a device");
    (slot, found.transport)
}

/// A wire on which frames only arrive.
#[derive(Default)]
struct Arriving(Rc<RefCell<Vec<[u8; 60]>>>);

impl Wire for Arriving {
    fn send(&mut self, _frame: &[u8]) {}

    fn receive(&mut self, room: &mut [u8]) -> Option<usize> {
        let frame = self.0.borrow_mut().pop()?;
        room[..frame.len()].copy_from_slice(&frame);
        Some(frame.len())
    }
}

fn stream() -> (Stream<UnixStream>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    (Stream::over_unix(ours).expect("a stream"), theirs)
}

#[test]
fn an_empty_slot_has_no_device() {
    let registers = SlotRegisters::new(None);
    assert!(probe_registers(registers, 0x200).is_ok_and(|found| found.is_none()));
}

#[test]
fn random_bytes_are_those_of_the_source() {
    let (slot, transport) = slot(Entropy::new(&[1, 2, 3, 4][..]));
    let mut driver = Rng::new(transport).expect("an entropy device");
    let buffer = crate::dma::Buffer::new(4).expect("memory");
    assert!(driver.submit(buffer).is_ok());
    driver.publish();
    assert!(slot.borrow().is_notified());
    slot.borrow_mut().serve();
    assert!(slot.borrow().is_asserted());
    assert_eq!(driver.complete(1), 1);
}

#[test]
fn a_frame_travels_from_the_wire_to_a_driver() {
    let wire = Arriving::default();
    let frames = Rc::clone(&wire.0);
    let (receiving, transport) = slot(Nic::new([2, 0, 0, 0, 0, 1], wire));
    let mut driver = Net::new(transport).expect("a network device");
    driver.publish();
    receiving.borrow_mut().serve();
    frames.borrow_mut().push([7; 60]);
    receiving.borrow_mut().serve();
    assert_eq!(driver.arrived(), 1);
    let frame = driver.receive().expect("a frame");
    assert_eq!(frame.bytes(), &[7; 60]);
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no sockets of datagrams")]
fn a_datagram_is_a_frame() {
    let (one, other) = UnixDatagram::pair().expect("a pair of sockets");
    let mut wire = Datagrams::over_unix(one, "/nonexistent").expect("a wire");
    let mut room = [0; 100];
    assert_eq!(wire.receive(&mut room), None);
    other.send(&[7; 60]).expect("room for a frame");
    assert_eq!(wire.receive(&mut room), Some(60));
    assert_eq!(room[..60], [7; 60]);
}

#[test]
fn a_device_that_was_not_started_waits_for_nothing() {
    let (wire, _peer) = stream();
    let slot = Slot::new(Nic::new([2, 0, 0, 0, 0, 1], wire));
    assert!(slot.awaited().is_none());
}

#[test]
#[cfg_attr(miri, ignore = "Miri cannot write to a Unix socket")]
fn a_stream_joins_what_arrives_in_pieces() {
    let (mut wire, mut peer) = stream();
    let mut room = [0; 100];
    peer.write_all(&[0, 0, 0, 3, 1]).expect("room");
    assert_eq!(wire.receive(&mut room), None);
    peer.write_all(&[2, 3, 0, 0, 0, 1, 9]).expect("room");
    assert_eq!(wire.receive(&mut room), Some(3));
    assert_eq!(room[..3], [1, 2, 3]);
    assert_eq!(wire.receive(&mut room), Some(1));
    assert_eq!(room[0], 9);
}

#[test]
#[cfg_attr(miri, ignore = "Miri cannot write to a Unix socket")]
fn a_length_beyond_every_frame_ends_a_stream() {
    let (mut wire, mut peer) = stream();
    peer.write_all(&u32::MAX.to_be_bytes()).expect("room");
    assert_eq!(wire.receive(&mut [0; 100]), None);
    assert!(wire.awaited().is_none());
}

#[test]
#[cfg_attr(miri, ignore = "Miri cannot write to a Unix socket")]
fn frames_that_wait_for_a_full_stream_are_sent_when_it_has_room() {
    let (mut wire, mut peer) = stream();
    let frame = vec![1; LARGEST_FRAME];
    let mut count = 0;
    let waits = |wire: &Stream<UnixStream>| {
        let (_, events) = wire.awaited().expect("an open stream");
        events.contains(PollFlags::OUT)
    };
    while !waits(&wire) {
        wire.send(&frame);
        count += 1;
    }
    let (mut received, mut some) = (0, vec![0; LARGEST_FRAME]);
    while received < count * (frame.len() + 4) {
        received += peer.read(&mut some).expect("some bytes");
        assert_eq!(wire.receive(&mut [0; 100]), None);
    }
    assert!(!waits(&wire));
}

#[test]
fn a_file_without_a_whole_sector_is_no_disk() {
    let file = File::open("/dev/null").expect("the host has it");
    assert!(Disk::new(file, true, "", None).is_err());
}
