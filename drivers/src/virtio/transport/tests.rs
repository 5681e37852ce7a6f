//! Tests of transports on the level of registers.

use super::super::fake::{FakeDevice, MmioRegisters, QueueState};
use super::super::mmio::{ProbeError, probe_registers};
use super::super::queue::QueueAddresses;
use super::*;
use crate::address::PhysicalAddress;

const EXAMPLE: QueueAddresses = QueueAddresses {
    descriptors: PhysicalAddress(0x12_3456_7000),
    available: PhysicalAddress(0x12_3456_8000),
    used: PhysicalAddress(0x12_3456_9000),
};

fn device(version: u32) -> FakeDevice {
    FakeDevice::new(
        version,
        4,
        0x3_0000_0005,
        &[256, 64],
        &[1, 2, 3, 4, 5, 6, 7, 8],
    )
}

#[test]
fn an_empty_slot_has_no_device() {
    let empty = FakeDevice::new(2, 0, 0, &[], &[]);
    assert!(matches!(
        probe_registers(MmioRegisters(empty), 0x200),
        Ok(None)
    ));
}

#[test]
fn an_unknown_version_is_rejected() {
    for version in [0, 3, u32::MAX] {
        let device = FakeDevice::new(version, 4, 0, &[], &[]);
        let refused = probe_registers(MmioRegisters(device), 0x200).map(|found| found.is_some());
        assert_eq!(refused, Err(ProbeError::UnknownVersion(version)));
    }
}

#[test]
fn a_slot_that_is_too_small_is_not_accessed() {
    let device = device(2);
    let refused = probe_registers(MmioRegisters(device.clone()), 0x80).map(|found| found.is_some());
    assert_eq!(refused, Err(ProbeError::SlotTooSmall(0x80)));
    assert_eq!(device.accesses(), (0, 0));
}

#[test]
fn a_legacy_device_has_32_feature_bits() {
    assert_eq!(device(1).transport().device_features(), 5);
    assert_eq!(device(2).transport().device_features(), 0x3_0000_0005);
}

#[test]
fn version_2_takes_three_addresses() {
    let device = device(2);
    let mut transport = device.transport();
    assert_eq!(transport.queue_max_size(1), 64);
    assert_eq!(transport.queue_max_size(2), 0);
    transport
        .enable_queue(1, 32, EXAMPLE)
        .expect("a fine queue");
    let expected = QueueState {
        max: 64,
        size: 32,
        ready: true,
        descriptors: EXAMPLE.descriptors.0,
        available: EXAMPLE.available.0,
        used: EXAMPLE.used.0,
        ..QueueState::default()
    };
    assert_eq!(device.0.borrow().queues[1], expected);
}

#[test]
fn version_1_takes_a_page_number() {
    let device = device(1);
    let mut transport = device.transport();
    transport.set_driver_features(0);
    transport
        .enable_queue(0, 256, EXAMPLE)
        .expect("a fine queue");
    let expected = QueueState {
        max: 256,
        size: 256,
        align: 4096,
        pfn: 0x123_4567,
        ..QueueState::default()
    };
    assert_eq!(device.0.borrow().queues[0], expected);
    assert_eq!(device.0.borrow().page_size, 4096);
}

#[test]
fn version_1_does_not_reach_beyond_44_bits() {
    let mut transport = device(1).transport();
    let high = QueueAddresses {
        descriptors: PhysicalAddress(1 << 44),
        ..EXAMPLE
    };
    assert_eq!(
        transport.enable_queue(0, 2, high),
        Err(SetupError::MemoryTooHigh)
    );
}

#[test]
fn a_queue_in_use_is_refused() {
    for version in [1, 2] {
        let device = device(version);
        let mut transport = device.transport();
        transport.enable_queue(0, 2, EXAMPLE).expect("a fine queue");
        let again = transport.enable_queue(0, 2, EXAMPLE);
        assert_eq!(again, Err(SetupError::QueueInUse { queue: 0 }));
    }
}

#[test]
fn a_reset_that_never_ends_is_an_error() {
    let device = device(2);
    let mut transport = device.transport();
    transport.set_status(status::ACKNOWLEDGE);
    device.0.borrow_mut().resets = false;
    assert_eq!(transport.reset(), Err(SetupError::ResetTimeout));
    device.0.borrow_mut().resets = true;
    assert_eq!(transport.reset(), Ok(()));
}

#[test]
fn a_kick_is_one_write() {
    let device = device(2);
    let mut transport = device.transport();
    let doorbell = transport.enable_queue(1, 2, EXAMPLE).expect("a fine queue");
    transport.set_status(status::DRIVER_OK);
    device.accesses();
    transport.ring(doorbell);
    assert_eq!(
        (device.accesses(), device.kicks().as_slice()),
        ((0, 1), &[1][..])
    );
}

#[test]
fn acknowledging_a_busy_queue_is_one_write() {
    let device = device(2);
    let mut transport = device.transport();
    device.0.borrow_mut().isr = 1;
    device.accesses();
    assert!(!transport.acknowledge(false));
    assert_eq!(device.accesses(), (0, 1));
    assert_eq!(device.0.borrow().isr, 0);
}

#[test]
fn a_configuration_change_is_seen_once_the_queue_is_idle() {
    let device = device(2);
    let mut transport = device.transport();
    device.0.borrow_mut().isr = 3;
    assert!(!transport.acknowledge(false));
    assert_eq!(device.0.borrow().isr, 2, "which keeps the line up");
    assert!(transport.acknowledge(true));
    assert_eq!(device.0.borrow().isr, 0);
}

#[test]
fn a_configuration_change_is_seen_on_a_busy_queue() {
    let device = device(2);
    let mut transport = device.transport();
    device.0.borrow_mut().isr = 2;
    assert!((0..100).any(|_| transport.acknowledge(false)));
}

#[test]
fn a_spurious_interrupt_writes_nothing() {
    let device = device(2);
    let mut transport = device.transport();
    device.accesses();
    assert!(!transport.acknowledge(true));
    assert_eq!(device.accesses(), (1, 0));
}

#[test]
fn a_stuck_line_requests_a_reset_of_its_device() {
    let device = device(1);
    let mut transport = device.transport();
    let needs_reset = |transport: &dyn Fn() -> u8| transport() & status::DEVICE_NEEDS_RESET != 0;
    for _ in 0..31 {
        assert!(!transport.acknowledge(true));
    }
    // An interrupt with a cause shows that the line works.
    device.0.borrow_mut().isr = 1;
    assert!(!transport.acknowledge(true));
    for _ in 0..31 {
        assert!(!transport.acknowledge(true));
    }
    assert!(transport.acknowledge(true));
    assert!(needs_reset(&|| transport.status()));
    assert!(!needs_reset(&|| transport.status()), "told once");
}

#[test]
fn a_stuck_line_of_a_device_that_reports_its_faults_requests_nothing() {
    let device = device(2);
    let mut transport = device.transport();
    for _ in 0..1000 {
        assert!(!transport.acknowledge(true));
    }
    assert_eq!(transport.status() & status::DEVICE_NEEDS_RESET, 0);
}

#[test]
fn interrupts_without_a_cause_add_up_only_if_no_other_comes_between() {
    let device = device(1);
    let mut transport = device.transport();
    for _ in 0..40 {
        assert!(!transport.acknowledge(true));
        // Something was found in a queue: that was the cause.
        assert!(!transport.acknowledge(false));
    }
}

fn halves<T: Transport>(transport: &T) -> Result<(u32, u32), SetupError> {
    transport.read_config(8, |transport| {
        (transport.config32(0), transport.config32(4))
    })
}

#[test]
fn a_configuration_that_changes_during_a_read_is_read_again() {
    for version in [1, 2] {
        let device = device(version);
        device.0.borrow_mut().tears = 3;
        let whole = (0x0706_0504, 0x0b0a_0908);
        assert_eq!(halves(&device.transport()), Ok(whole), "version {version}");
    }
}

#[test]
fn a_configuration_that_always_changes_is_an_error() {
    for version in [1, 2] {
        let device = device(version);
        device.0.borrow_mut().tears = u32::MAX;
        assert_eq!(halves(&device.transport()), Err(SetupError::ConfigUnstable));
    }
}

#[test]
fn a_configuration_that_is_too_short_is_not_read() {
    let device = device(2);
    let transport = device.transport();
    device.accesses();
    let read = transport.read_config(0x101, |transport| transport.config8(0x100));
    assert_eq!(read, Err(SetupError::ConfigTooShort));
    assert_eq!(device.accesses(), (0, 0));
}
