//! Tests of requests and configurations that the driver rejects.

use super::*;

#[test]
fn a_request_beyond_the_end_is_rejected() {
    let (mut blk, mut disk) = disk(DEFAULT);
    for (sector, len) in [(16, 512), (15, 1024), (u64::MAX, 512), (1 << 55, 512)] {
        let error = refused(&mut blk, read(sector, len));
        let sectors = len as u64 / 512;
        assert_eq!(
            error,
            Error::OutOfRange {
                sector,
                sectors,
                capacity: 16
            }
        );
    }
    assert_eq!(run(&mut blk, &mut disk, read(15, 512)).result, Ok(()));
}

/// The interrupt of the change may be lost, or lead nowhere.
#[test]
fn a_disk_that_grew_without_an_interrupt_is_used_up_to_its_new_end() {
    let (mut blk, mut disk) = disk(DEFAULT);
    assert_eq!(run(&mut blk, &mut disk, read(0, 512)).result, Ok(()));
    disk.sectors.resize(32 * 512, 7);
    disk.device.0.borrow_mut().config[0] = 32;
    assert_eq!(run(&mut blk, &mut disk, read(31, 512)).result, Ok(()));
    disk.device.0.borrow_mut().config[0] = 33;
    let error = Error::OutOfRange {
        sector: 33,
        sectors: 1,
        capacity: 33,
    };
    assert_eq!(refused(&mut blk, read(33, 512)), error);
}

/// It is not known that the request is beyond the end, so the task must not learn that it is.
#[test]
fn a_disk_whose_end_cannot_be_read_again_has_failed() {
    let (mut blk, disk) = disk(DEFAULT);
    disk.device.0.borrow_mut().tears = u32::MAX;
    let error = Error::DeviceReset(Failure::Configuration);
    assert_eq!(refused(&mut blk, read(31, 512)), error);
    assert_eq!(refused(&mut blk, read(0, 512)), error);
}

/// The end of the disk in bytes must be a number of 64 bits.
#[test]
fn a_disk_of_any_capacity_is_usable() {
    let (mut blk, mut disk) = start(DEFAULT, INDIRECT, QUEUE, &config(u64::MAX, 512), 2);
    let last = u64::MAX / SECTOR;
    assert_eq!(blk.capacity(), last);
    for sector in [last, u64::MAX - 1, u64::MAX] {
        let error = refused(&mut blk, read(sector, 512));
        assert!(matches!(error, Error::OutOfRange { .. }), "{error}");
    }
    assert_eq!(run(&mut blk, &mut disk, read(0, 512)).result, Ok(()));
}

#[test]
fn requests_cover_whole_blocks() {
    let (mut blk, _disk) = start(DEFAULT, INDIRECT, QUEUE, &config(16, 4096), 2);
    assert_eq!(blk.logical_block_size(), 4096);
    let misaligned = Error::Misaligned { block_size: 4096 };
    assert_eq!(refused(&mut blk, read(0, 512)), misaligned);
    assert_eq!(refused(&mut blk, read(1, 4096)), misaligned);
    assert_eq!(refused(&mut blk, read(0, 0)), Error::Empty);
    assert!(blk.submit(read(8, 4096)).is_ok());
    let (mut blk, _disk) = disk(DEFAULT);
    assert_eq!(
        refused(&mut blk, read(0, 100)),
        Error::Misaligned { block_size: 512 }
    );
}

#[test]
fn the_size_and_number_of_segments_are_limited() {
    let features = DEFAULT | Features::SIZE_MAX | Features::SEG_MAX;
    let (mut blk, mut disk) = start(features, INDIRECT, QUEUE, &config(64, 512), 2);
    disk.sectors.resize(64 * 512, 9);
    assert_eq!(run(&mut blk, &mut disk, read(0, 8192)).result, Ok(()));
    let error = Error::TooManySegments { most: 2 };
    assert_eq!(refused(&mut blk, read(0, 8704)), error);
    blk.submit(read(0, 6144)).expect("two segments");
    blk.publish();
    let lens: Vec<_> = disk
        .ring
        .pop()
        .expect("published")
        .writable
        .iter()
        .map(|s| s.1)
        .collect();
    assert_eq!(lens, [4096, 2048, 1]);
}

#[test]
fn the_longest_request_is_the_one_that_the_error_names() {
    for block_size in [512, 4096] {
        let capacity = 1 << 30;
        let (mut blk, _disk) = start(DEFAULT, 0, QUEUE, &config(capacity, block_size), 2);
        let Err(Error::TooLong { most }) = blk.check_range(0, 1 << 32) else {
            panic!("4 GiB are too long");
        };
        assert_eq!(blk.check_range(0, most), Ok(()));
    }
}

#[test]
fn a_write_to_a_read_only_disk_is_rejected() {
    let (mut blk, mut disk) = disk(DEFAULT | Features::RO | Features::DISCARD);
    assert!(blk.read_only());
    let write = Operation::Write {
        sector: 0,
        payload: one(512),
    };
    assert_eq!(refused(&mut blk, write), Error::ReadOnly);
    let discard = Operation::Discard {
        sector: 0,
        sectors: 1,
    };
    assert_eq!(refused(&mut blk, discard), Error::ReadOnly);
    assert_eq!(run(&mut blk, &mut disk, read(0, 512)).result, Ok(()));
}

#[test]
fn an_invalid_configuration_is_rejected_with_its_field() {
    for block_size in [0, 256, 513, u32::MAX] {
        let nonsense = config(16, block_size);
        let device = FakeDevice::new(2, 2, VERSION_1 | DEFAULT.bits(), &[256], &nonsense);
        let error = SetupError::ConfigInvalid {
            field: "blk_size",
            value: block_size,
        };
        assert_eq!(Blk::new(device.transport()).err(), Some(error));
    }
}
