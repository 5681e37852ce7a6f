//! Tests of the console driver against a simulated device.

use alloc::vec;
use alloc::vec::Vec;

use super::super::fake::{DeviceRing, FakeDevice, MmioRegisters, Wakes};
use super::super::transport::MmioTransport;
use super::control::message;
use super::*;
use crate::watched::Watched as _;

const VERSION_1: u64 = 1 << 32;

type Driver = Console<MmioTransport<MmioRegisters>>;

/// A device with `ports` ports, and the device's side of its queues.
struct Host {
    device: FakeDevice,
    rings: Vec<DeviceRing>,
}

impl Host {
    fn new(ports: u8) -> (Self, Driver) {
        let queues = vec![16; 2 * usize::from(ports) + 2];
        let config = [80, 0, 25, 0, ports, 0, 0, 0];
        let device = FakeDevice::new(2, 3, VERSION_1 | MULTIPORT, &queues, &config);
        let console = Console::new(device.transport()).expect("a fine device");
        let mut host = Self {
            device,
            rings: Vec::new(),
        };
        host.find_rings();
        (host, console)
    }

    fn find_rings(&mut self) {
        let count = self.device.0.borrow().queues.len();
        self.rings = (0..count).map(|queue| self.device.ring(queue)).collect();
    }

    /// Takes a packet that the driver has sent.
    fn take(&mut self, queue: usize) -> Option<Vec<u8>> {
        let chain = self.rings[queue].pop()?;
        let bytes = chain.bytes();
        self.rings[queue].give_back(u32::from(chain.head), 0);
        Some(bytes)
    }

    /// Sends a packet to the driver; false if it has given no buffer.
    fn send(&mut self, queue: usize, bytes: &[u8]) -> bool {
        let Some(chain) = self.rings[queue].pop() else {
            return false;
        };
        let len = chain.write(bytes);
        self.rings[queue].give_back(u32::from(chain.head), len);
        true
    }

    fn tell(&mut self, console: &mut Driver, port: u32, event: u16, value: u16) {
        assert!(self.send(2, &message(port, event, value)));
        console.complete(64);
        console.publish();
    }

    /// Adds port `port` with the name `name`, open on the host.
    fn add(&mut self, console: &mut Driver, port: u32, name: &str) {
        self.tell(console, port, control::DEVICE_ADD, 1);
        let named = [&message(port, control::PORT_NAME, 1), name.as_bytes(), &[0]].concat();
        assert!(self.send(2, &named));
        self.tell(console, port, control::PORT_OPEN, 1);
    }

    /// Takes all control messages of the driver.
    fn told(&mut self) -> Vec<Vec<u8>> {
        core::iter::from_fn(|| self.take(3)).collect()
    }
}

fn read(console: &mut Driver, port: u16, len: usize) -> Poll<Result<Vec<u8>, Error>> {
    let mut buffer = vec![0; len];
    console
        .poll_read(port, &mut buffer, Waker::noop())
        .map_ok(|count| buffer[..count].to_vec())
}

fn write(console: &mut Driver, port: u16, bytes: &[u8]) -> Poll<Result<usize, Error>> {
    let poll = console.poll_write(port, bytes, Waker::noop());
    console.publish();
    poll
}

#[test]
fn the_device_learns_that_the_driver_is_ready() {
    let (mut host, _console) = Host::new(2);
    assert_eq!(host.told(), [message(0, control::DEVICE_READY, 1)]);
    assert_eq!(host.device.0.borrow().accepted, VERSION_1 | MULTIPORT);
}

#[test]
fn a_port_is_found_by_its_name() {
    let (mut host, mut console) = Host::new(2);
    let (wakes, waker) = Wakes::new();
    assert!(console.poll_find("log", &waker).is_pending());
    host.told();
    host.add(&mut console, 1, "log");
    assert!(wakes.count() > 0);
    assert_eq!(console.poll_find("log", &waker), Poll::Ready(1));
    assert!(console.poll_find("lo", &waker).is_pending());
    assert_eq!(host.told(), [message(1, control::PORT_READY, 1)]);
}

#[test]
fn opening_and_closing_a_port_is_told_to_the_device() {
    let (mut host, mut console) = Host::new(2);
    host.add(&mut console, 1, "log");
    host.told();
    assert!(console.open(1));
    assert!(!console.open(1));
    console.publish();
    assert_eq!(host.told(), [message(1, control::PORT_OPEN, 1)]);
    console.close(1);
    console.complete(64);
    console.publish();
    assert_eq!(host.told(), [message(1, control::PORT_OPEN, 0)]);
}

#[test]
fn bytes_are_read_in_order_and_in_any_portion() {
    let (mut host, mut console) = Host::new(2);
    host.add(&mut console, 1, "log");
    console.open(1);
    assert!(read(&mut console, 1, 8).is_pending());
    host.send(4, b"hello ");
    host.send(4, b"world");
    console.complete(64);
    assert_eq!(read(&mut console, 1, 3), Poll::Ready(Ok(b"hel".to_vec())));
    assert_eq!(
        read(&mut console, 1, 9),
        Poll::Ready(Ok(b"lo world".to_vec()))
    );
    assert!(read(&mut console, 1, 8).is_pending());
}

#[test]
fn a_reader_is_woken() {
    let (mut host, mut console) = Host::new(2);
    host.add(&mut console, 0, "a");
    console.open(0);
    let (wakes, waker) = Wakes::new();
    assert!(console.poll_read(0, &mut [0; 4], &waker).is_pending());
    host.send(0, b"x");
    console.complete(64);
    assert_eq!(wakes.count(), 1);
}

#[test]
fn a_host_that_sends_more_than_is_read_runs_out_of_buffers() {
    let (mut host, mut console) = Host::new(2);
    host.add(&mut console, 1, "log");
    console.open(1);
    let mut sent = 0;
    while host.send(4, &[7; 1024]) {
        console.complete(64);
        console.publish();
        sent += 1;
        assert!(sent < 100, "it has buffers without end");
    }
    assert_eq!(sent, 8);
    assert_eq!(read(&mut console, 1, 1024), Poll::Ready(Ok(vec![7; 1024])));
    console.publish();
    assert!(host.send(4, &[7; 1024]));
}

#[test]
fn a_write_waits_for_the_host_and_for_room() {
    let (mut host, mut console) = Host::new(2);
    host.tell(&mut console, 1, control::DEVICE_ADD, 1);
    console.open(1);
    assert!(write(&mut console, 1, b"early").is_pending());
    host.tell(&mut console, 1, control::PORT_OPEN, 1);
    let bytes: Vec<u8> = (0..20_000_u32).map(|number| number as u8).collect();
    let first = write(&mut console, 1, &bytes);
    assert_eq!(first, Poll::Ready(Ok(8 * 1024)));
    let (wakes, waker) = Wakes::new();
    assert!(console.poll_write(1, &bytes, &waker).is_pending());
    assert!(console.poll_flush(1, Waker::noop()).is_pending());
    assert!(console.poll_write(1, &bytes, &waker).is_pending());
    assert_eq!(host.take(5).as_deref(), Some(&bytes[..1024]));
    console.complete(64);
    assert_eq!(wakes.count(), 1);
    assert_eq!(
        write(&mut console, 1, &bytes[8192..]),
        Poll::Ready(Ok(1024))
    );
    let rest: Vec<u8> = core::iter::from_fn(|| host.take(5)).flatten().collect();
    assert_eq!(rest, bytes[1024..9 * 1024]);
    console.complete(64);
    assert_eq!(console.poll_flush(1, Waker::noop()), Poll::Ready(Ok(())));
}

#[test]
fn the_end_of_a_connection_is_read_once_after_its_bytes() {
    let (mut host, mut console) = Host::new(2);
    host.add(&mut console, 1, "log");
    console.open(1);
    host.send(4, b"bye");
    host.tell(&mut console, 1, control::PORT_OPEN, 0);
    assert_eq!(read(&mut console, 1, 8), Poll::Ready(Ok(b"bye".to_vec())));
    assert_eq!(read(&mut console, 1, 8), Poll::Ready(Ok(vec![])));
    assert!(read(&mut console, 1, 8).is_pending());
    assert!(console.poll_connected(1, Waker::noop()).is_pending());
    host.tell(&mut console, 1, control::PORT_OPEN, 1);
    host.send(4, b"again");
    console.complete(64);
    assert_eq!(read(&mut console, 1, 8), Poll::Ready(Ok(b"again".to_vec())));
}

#[test]
fn what_the_host_did_before_the_port_was_opened_is_not_read_as_its_end() {
    let (mut host, mut console) = Host::new(2);
    host.add(&mut console, 1, "log");
    host.tell(&mut console, 1, control::PORT_OPEN, 0);
    assert!(console.open(1));
    assert!(read(&mut console, 1, 8).is_pending());
}

#[test]
fn a_removed_port_ends_and_then_fails() {
    let (mut host, mut console) = Host::new(2);
    host.add(&mut console, 1, "log");
    console.open(1);
    host.tell(&mut console, 1, control::DEVICE_REMOVE, 1);
    assert_eq!(read(&mut console, 1, 8), Poll::Ready(Ok(vec![])));
    assert_eq!(read(&mut console, 1, 8), Poll::Ready(Err(Error::Removed)));
    assert_eq!(
        write(&mut console, 1, b"x"),
        Poll::Ready(Err(Error::Removed))
    );
}

#[test]
fn a_port_beyond_the_supported_ones_is_refused() {
    let (mut host, mut console) = Host::new(9);
    host.told();
    host.tell(&mut console, 8, control::DEVICE_ADD, 1);
    host.tell(&mut console, u32::MAX, control::DEVICE_ADD, 1);
    host.tell(&mut console, u32::MAX, control::PORT_NAME, 1);
    assert_eq!(
        host.told(),
        [
            message(8, control::PORT_READY, 0),
            message(u32::MAX, control::PORT_READY, 0)
        ]
    );
    assert_eq!(console.ports().count(), 0);
}

#[test]
fn malformed_control_messages_have_no_effect() {
    let (mut host, mut console) = Host::new(2);
    host.told();
    for bytes in [&[1][..], &[0; 7], &message(1, 99, 7)] {
        assert!(host.send(2, bytes));
        console.complete(64);
        console.publish();
    }
    assert!(host.told().is_empty());
    assert!(console.failure().is_none());
}

#[test]
fn a_device_without_a_port_is_rejected() {
    let device = FakeDevice::new(2, 3, VERSION_1 | MULTIPORT, &[16; 4], &[0; 8]);
    let refused = Console::new(device.transport()).err();
    let (field, value) = ("max_nr_ports", 0);
    assert_eq!(refused, Some(SetupError::ConfigInvalid { field, value }));
}

#[test]
fn a_device_without_several_ports_has_one_that_is_open() {
    let device = FakeDevice::new(2, 3, VERSION_1, &[16; 2], &[]);
    let mut console = Console::new(device.transport()).expect("a fine device");
    assert_eq!(console.poll_find("", Waker::noop()), Poll::Ready(0));
    assert!(console.open(0));
    assert_eq!(write(&mut console, 0, b"hi"), Poll::Ready(Ok(2)));
    let chain = device.ring(1).pop().expect("it was sent");
    assert_eq!(chain.bytes(), b"hi");
}

#[test]
fn a_broken_queue_fails_the_device_and_wakes_the_tasks() {
    let (mut host, mut console) = Host::new(2);
    host.add(&mut console, 1, "log");
    console.open(1);
    let (wakes, waker) = Wakes::new();
    assert!(console.poll_read(1, &mut [0; 4], &waker).is_pending());
    let before = wakes.count();
    host.rings[4].give_back(999, 0);
    console.complete(64);
    assert!(matches!(
        console.failure(),
        Some(Failure::Queue { queue: 4, .. })
    ));
    assert_eq!(wakes.count(), before + 1);
    assert!(matches!(
        read(&mut console, 1, 8),
        Poll::Ready(Err(Error::DeviceReset(_)))
    ));
}

#[test]
fn after_a_restart_the_ports_appear_again_and_stay_open() {
    let (mut host, mut console) = Host::new(2);
    host.add(&mut console, 1, "log");
    console.open(1);
    console.publish();
    console.reinitialize().expect("a fine device");
    host.find_rings();
    assert_eq!(host.told(), [message(0, control::DEVICE_READY, 1)]);
    console.complete(64);
    host.add(&mut console, 1, "log");
    assert_eq!(
        host.told(),
        [
            message(1, control::PORT_READY, 1),
            message(1, control::PORT_OPEN, 1)
        ]
    );
    host.send(4, b"x");
    console.complete(64);
    assert_eq!(read(&mut console, 1, 8), Poll::Ready(Ok(b"x".to_vec())));
}

#[test]
fn unread_bytes_of_the_host_are_no_reason_to_reset_the_device() {
    let (mut host, mut console) = Host::new(2);
    host.told();
    console.complete(64);
    host.add(&mut console, 1, "log");
    host.told();
    console.complete(64);
    console.open(1);
    console.publish();
    host.told();
    console.complete(64);
    assert_eq!(write(&mut console, 1, b"unread"), Poll::Ready(Ok(6)));
    assert_eq!(console.pulse().in_flight, 0);
}
