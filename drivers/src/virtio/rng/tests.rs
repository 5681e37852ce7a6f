//! Tests of the entropy driver, and of what all drivers do with their device.

use alloc::vec::Vec;

use super::super::fake::MmioRegisters;
use super::super::fake::{Chain, DeviceRing, FakeDevice, Wakes, versions, write};
use super::super::queue::Refusal;
use super::super::transport::MmioTransport;
use super::*;
use crate::dma::{self, live};
use crate::watched::Watched as _;

const VERSION_1: u64 = 1 << 32;
const EVENT_IDX: u64 = 1 << 29;

type Driver = Rng<MmioTransport<MmioRegisters>>;

fn start(version: u32) -> (FakeDevice, Driver, DeviceRing) {
    let device = FakeDevice::new(version, 4, VERSION_1 | EVENT_IDX, &[8], &[]);
    let rng = Rng::new(device.transport()).expect("a fine device");
    let ring = device.ring(0);
    (device, rng, ring)
}

fn buffer(len: usize) -> Buffer {
    Buffer::new(len).expect("memory is allocated")
}

fn submit(rng: &mut Driver, ring: &mut DeviceRing, len: usize) -> (Token, Chain) {
    let token = rng.submit(buffer(len)).expect("room");
    rng.publish();
    (token, ring.pop().expect("published"))
}

fn poll(rng: &mut Driver, token: Token) -> Poll<Completion> {
    rng.poll(token, Waker::noop())
}

fn done(rng: &mut Driver, token: Token) -> Completion {
    match poll(rng, token) {
        Poll::Ready(completion) => completion,
        Poll::Pending => panic!("the request is not done"),
    }
}

#[test]
fn a_device_is_started_step_by_step() {
    for &version in versions() {
        let (device, _rng, _ring) = start(version);
        let (features, status) = match version {
            1 => (EVENT_IDX, 1 | 2 | 4),
            _ => (VERSION_1 | EVENT_IDX, 1 | 2 | 8 | 4),
        };
        assert_eq!(device.0.borrow().accepted, features);
        assert_eq!(device.0.borrow().status, status);
    }
}

#[test]
fn unimplemented_features_are_not_accepted() {
    let device = FakeDevice::new(2, 4, u64::MAX, &[8], &[]);
    let _rng = Rng::new(device.transport()).expect("a fine device");
    let accepted = VERSION_1 | EVENT_IDX | 1 << 28 | 1 << 33;
    assert_eq!(device.0.borrow().accepted, accepted);
}

#[test]
fn a_device_that_refuses_its_own_features_is_rejected() {
    let device = FakeDevice::new(2, 4, VERSION_1, &[8], &[]);
    device.0.borrow_mut().agrees = false;
    let refused = Rng::new(device.transport()).err();
    assert_eq!(
        refused,
        Some(SetupError::FeaturesRefused {
            accepted: VERSION_1
        })
    );
    assert_eq!(device.0.borrow().status, 128);
}

#[test]
fn a_modern_device_must_offer_version_1() {
    let device = FakeDevice::new(2, 4, EVENT_IDX, &[8], &[]);
    assert_eq!(
        Rng::new(device.transport()).err(),
        Some(SetupError::NotVersion1)
    );
}

#[test]
fn a_missing_or_tiny_queue_is_rejected() {
    for (max, error) in [
        (0, SetupError::QueueMissing { queue: 0 }),
        (1, SetupError::QueueTooSmall { queue: 0, size: 1 }),
    ] {
        let device = FakeDevice::new(2, 4, VERSION_1, &[max], &[]);
        assert_eq!(Rng::new(device.transport()).err(), Some(error));
    }
}

#[test]
fn random_bytes_are_in_the_submitted_buffer() {
    for &version in versions() {
        let (_device, mut rng, mut ring) = start(version);
        let (token, chain) = submit(&mut rng, &mut ring, 16);
        assert!(poll(&mut rng, token).is_pending());
        ring.give_back(u32::from(chain.head), chain.write(&[7; 10]));
        assert_eq!(rng.complete(8), 1);
        let completion = done(&mut rng, token);
        assert_eq!(completion.result, Ok(10));
        let buffer = completion.buffer.expect("the buffer is returned");
        assert_eq!(buffer.address().0, chain.writable[0].0);
        assert_eq!(
            &buffer[..],
            [[7; 8], [7, 7, 0, 0, 0, 0, 0, 0]].as_flattened()
        );
    }
}

#[test]
fn a_waiting_task_is_woken() {
    let (_device, mut rng, mut ring) = start(2);
    let (wakes, waker) = Wakes::new();
    let (token, chain) = submit(&mut rng, &mut ring, 1);
    assert!(rng.poll(token, &waker).is_pending());
    rng.complete(8);
    assert_eq!(wakes.count(), 0);
    ring.give_back(u32::from(chain.head), 1);
    rng.complete(8);
    assert_eq!(wakes.count(), 1);
}

#[test]
fn a_result_is_returned_once() {
    let (_device, mut rng, mut ring) = start(2);
    let (token, chain) = submit(&mut rng, &mut ring, 1);
    ring.give_back(u32::from(chain.head), 1);
    rng.complete(8);
    assert_eq!(done(&mut rng, token).result, Ok(1));
    let (_other, _chain) = submit(&mut rng, &mut ring, 1);
    assert_eq!(done(&mut rng, token).result, Err(Error::UnknownToken));
}

#[test]
fn a_budget_is_kept() {
    let (_device, mut rng, mut ring) = start(2);
    for _ in 0..3 {
        let (_token, chain) = submit(&mut rng, &mut ring, 1);
        ring.give_back(u32::from(chain.head), 1);
    }
    assert_eq!(
        [rng.complete(2), rng.complete(2), rng.complete(2)],
        [2, 1, 0]
    );
}

#[test]
fn a_full_queue_rejects_requests_and_wakes_when_there_is_room() {
    let (_device, mut rng, mut ring) = start(2);
    let (wakes, waker) = Wakes::new();
    for _ in 0..8 {
        rng.submit(buffer(1)).expect("room");
    }
    assert!(!rng.has_room());
    let rejected = rng.submit(buffer(5)).expect_err("full");
    assert_eq!((rejected.error, rejected.buffer.len()), (Error::Full, 5));
    rng.wait_for_room(&waker);
    rng.wait_for_room(&waker);
    rng.publish();
    let chain = ring.pop().expect("published");
    ring.give_back(u32::from(chain.head), 1);
    rng.complete(8);
    // Miri may report two clones of a waker as different.
    assert!(wakes.count() == 1 || cfg!(miri) && wakes.count() == 2);
}

#[test]
fn a_waiting_task_is_woken_when_a_result_is_taken_or_dropped() {
    for drops in [false, true] {
        let (_device, mut rng, mut ring) = start(2);
        let (wakes, waker) = Wakes::new();
        let tokens: Vec<_> = (0..8).flat_map(|_| rng.submit(buffer(1))).collect();
        rng.publish();
        while let Some(chain) = ring.pop() {
            ring.give_back(u32::from(chain.head), 1);
        }
        assert_eq!(rng.complete(8), 8);
        // The results keep their places, and no further completion comes.
        assert!(!rng.has_room());
        rng.wait_for_room(&waker);
        assert_eq!(wakes.count(), 0);
        if drops {
            rng.detach(tokens[0]);
        } else {
            assert_eq!(done(&mut rng, tokens[0]).result, Ok(1));
        }
        assert_eq!(wakes.count(), 1);
        assert!(rng.has_room());
    }
}

#[test]
fn an_empty_buffer_is_rejected() {
    let (_device, mut rng, _ring) = start(2);
    assert_eq!(
        rng.submit(buffer(0)).map_err(|rejected| rejected.error),
        Err(Error::BufferSize)
    );
}

#[test]
fn a_detached_buffer_is_kept_until_the_device_returns_it() {
    let (_device, mut rng, mut ring) = start(2);
    let (token, chain) = submit(&mut rng, &mut ring, 64);
    let before = live::count();
    rng.detach(token);
    assert_eq!(live::count(), before, "the device may still write it");
    chain.write(&[1; 64]);
    ring.give_back(u32::from(chain.head), 64);
    assert_eq!(rng.complete(8), 1);
    assert_eq!(live::count(), before - 1);
    for _ in 0..8 {
        rng.submit(buffer(1)).expect("its place is free again");
    }
}

#[test]
fn a_finished_request_may_be_detached() {
    let (_device, mut rng, mut ring) = start(2);
    let (token, chain) = submit(&mut rng, &mut ring, 1);
    ring.give_back(u32::from(chain.head), 1);
    rng.complete(8);
    rng.detach(token);
    assert_eq!(done(&mut rng, token).result, Err(Error::UnknownToken));
}

#[test]
fn an_invalid_length_is_not_used() {
    let (_device, mut rng, mut ring) = start(2);
    let (token, chain) = submit(&mut rng, &mut ring, 16);
    ring.give_back(u32::from(chain.head), 17);
    rng.complete(8);
    let completion = done(&mut rng, token);
    assert_eq!(completion.result, Err(Error::LengthRefused));
    assert_eq!(rng.statistics().refused_lengths, 1);
}

#[test]
fn a_device_that_violates_the_protocol_is_reset_and_requests_fail() {
    let (device, mut rng, mut ring) = start(2);
    let (wakes, waker) = Wakes::new();
    let (token, _chain) = submit(&mut rng, &mut ring, 16);
    assert!(rng.poll(token, &waker).is_pending());
    ring.give_back(5, 16);
    rng.complete(8);
    assert_eq!(wakes.count(), 1);
    let failure = Failure::Queue {
        queue: 0,
        refusal: Refusal::Id(5),
    };
    assert_eq!(rng.failure(), Some(failure));
    assert_eq!(device.0.borrow().status, 0);
    let completion = done(&mut rng, token);
    assert_eq!(completion.result, Err(Error::DeviceReset(failure)));
    assert!(
        completion.buffer.is_some(),
        "the reset device no longer uses the buffer"
    );
    let rejected = rng.submit(buffer(1)).expect_err("failed");
    assert_eq!(rejected.error, Error::DeviceReset(failure));
}

#[test]
fn a_failed_device_works_after_a_restart() {
    let (device, mut rng, mut ring) = start(2);
    let (_token, _chain) = submit(&mut rng, &mut ring, 16);
    ring.give_back(5, 16);
    rng.complete(8);
    rng.reinitialize().expect("the device works");
    assert_eq!((rng.failure(), rng.statistics().resets), (None, 1));
    let mut ring = device.ring(0);
    let (token, chain) = submit(&mut rng, &mut ring, 16);
    assert!(poll(&mut rng, token).is_pending());
    ring.give_back(u32::from(chain.head), 16);
    rng.complete(8);
    assert_eq!(done(&mut rng, token).result, Ok(16));
}

#[test]
fn a_device_with_changed_features_stays_failed() {
    let (device, mut rng, _ring) = start(2);
    device.0.borrow_mut().offered &= !EVENT_IDX;
    assert_eq!(rng.reinitialize(), Err(SetupError::FeaturesChanged));
    assert_eq!(
        rng.failure(),
        Some(Failure::Setup(SetupError::FeaturesChanged))
    );
    device.0.borrow_mut().offered |= EVENT_IDX;
    assert_eq!(rng.reinitialize(), Ok(()));
}

#[test]
fn a_device_that_requests_a_reset_is_reset() {
    let (device, mut rng, mut ring) = start(2);
    let (token, _chain) = submit(&mut rng, &mut ring, 16);
    device.0.borrow_mut().status |= 64;
    device.0.borrow_mut().isr = 2;
    rng.acknowledge_interrupt();
    assert_eq!(rng.failure(), Some(Failure::NeedsReset));
    let failed = done(&mut rng, token).result;
    assert_eq!(failed, Err(Error::DeviceReset(Failure::NeedsReset)));
}

#[test]
fn memory_is_kept_while_a_device_does_not_finish_its_reset() {
    let (device, mut rng, mut ring) = start(2);
    let (token, chain) = submit(&mut rng, &mut ring, 64);
    device.0.borrow_mut().resets = false;
    ring.give_back(5, 64);
    rng.complete(8);
    let completion = done(&mut rng, token);
    assert!(matches!(completion.result, Err(Error::DeviceReset(_))));
    assert!(
        completion.buffer.is_none(),
        "the device may still write into it"
    );
    write(chain.writable[0].0, 1_u8);
    assert_eq!(rng.reinitialize(), Err(SetupError::ResetTimeout));
    device.0.borrow_mut().resets = true;
    assert_eq!(rng.reinitialize(), Ok(()));
    for _ in 0..8 {
        rng.submit(buffer(1)).expect("every place is free again");
    }
}

#[test]
fn a_dropped_driver_resets_its_device_first() {
    let (device, mut rng, mut ring) = start(2);
    let (_token, _chain) = submit(&mut rng, &mut ring, 64);
    drop(rng);
    assert_eq!(device.0.borrow().status, 0);
}

#[test]
fn a_dropped_driver_gives_up_memory_that_its_device_may_use() {
    let (device, mut rng, mut ring) = start(2);
    let (_token, chain) = submit(&mut rng, &mut ring, 64);
    device.0.borrow_mut().resets = false;
    let before = dma::leaked_bytes();
    drop(rng);
    assert!(dma::leaked_bytes() > before);
    chain.write(&[1; 64]);
    ring.give_back(u32::from(chain.head), 64);
}

#[test]
fn one_request_costs_one_kick_and_one_acknowledgement() {
    let (device, mut rng, mut ring) = start(2);
    let mut round = || {
        rng.submit(buffer(4)).expect("room");
        rng.publish();
        assert!(!rng.rearm());
        let chain = ring.pop().expect("published");
        ring.set_available_event(ring.next());
        assert!(ring.give_back(u32::from(chain.head), 4));
        device.0.borrow_mut().isr |= 1;
        rng.acknowledge_interrupt();
        rng.complete(8);
    };
    round();
    device.accesses();
    round();
    assert_eq!(device.accesses(), (0, 2));
}
