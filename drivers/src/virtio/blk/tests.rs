//! Tests with a simulated disk that keeps its sectors in a vector.

use alloc::vec;
use alloc::vec::Vec;
use core::task::{Poll, Waker};

use super::super::fake::{Chain, DeviceRing, FakeDevice, MmioRegisters, versions};
use super::super::queue::Refusal;
use super::super::transport::MmioTransport;
use super::*;
use crate::dma::{Buffer, live};
use crate::watched::Watched as _;

mod chains;
mod refusals;
mod streams;
mod waiting;

const VERSION_1: u64 = 1 << 32;
const INDIRECT: u64 = 1 << 28;
/// The number of entries of most queues; Miri takes long for many.
const QUEUE: u32 = if cfg!(miri) { 32 } else { 256 };
/// The number of requests of a page that fit: as many as the driver allows, or under Miri five with three entries each,
/// after which only half of the queue is free, and seventeen with one.
const DEPTH: usize = if cfg!(miri) { 5 + 17 } else { 128 };
const DEFAULT: Features = Features::FLUSH.union(Features::BLK_SIZE);

type Driver = Blk<MmioTransport<MmioRegisters>>;

/// Returns a configuration of `capacity` sectors and the given block size. If the limits are
/// offered, it allows 1 segment of 4096 bytes, and 8 sectors in a discard.
fn config(capacity: u64, block_size: u32) -> Vec<u8> {
    let mut config = vec![0; 60];
    config[0..8].copy_from_slice(&capacity.to_le_bytes());
    config[8..12].copy_from_slice(&4096_u32.to_le_bytes());
    config[12..16].copy_from_slice(&2_u32.to_le_bytes());
    config[20..24].copy_from_slice(&block_size.to_le_bytes());
    config[36..40].copy_from_slice(&8_u32.to_le_bytes());
    config
}

struct Disk {
    device: FakeDevice,
    ring: DeviceRing,
    sectors: Vec<u8>,
    flushes: usize,
    discarded: Vec<(u64, u32)>,
}

fn start(
    features: Features,
    common: u64,
    queue: u32,
    config: &[u8],
    version: u32,
) -> (Driver, Disk) {
    let device = FakeDevice::new(
        version,
        2,
        VERSION_1 | common | features.bits(),
        &[queue],
        config,
    );
    let blk = Blk::new(device.transport()).expect("a fine disk");
    let ring = device.ring(0);
    let sectors = core::array::from_fn::<_, 16, _>(|sector| [sector as u8; 512]).concat();
    (
        blk,
        Disk {
            device,
            ring,
            sectors,
            flushes: 0,
            discarded: vec![],
        },
    )
}

fn disk(features: Features) -> (Driver, Disk) {
    start(features, INDIRECT, QUEUE, &config(16, 512), 2)
}

impl Disk {
    fn execute(&mut self, chain: &Chain) -> (u8, u32) {
        let request = chain.bytes();
        let kind = u32::from_le_bytes(request[0..4].try_into().expect("four bytes"));
        let sector = u64::from_le_bytes(request[8..16].try_into().expect("eight bytes"));
        let at = sector as usize * 512;
        match kind {
            0 => {
                let len = chain.room() as usize - 1;
                (0, chain.write(&self.sectors[at..at + len]))
            }
            1 => {
                let data = &request[16..];
                self.sectors[at..at + data.len()].copy_from_slice(data);
                (0, 0)
            }
            4 => {
                self.flushes += 1;
                (0, 0)
            }
            8 => (0, chain.write(b"serial-number-of-20!")),
            11 => {
                let sector = u64::from_le_bytes(request[16..24].try_into().expect("eight bytes"));
                let count = u32::from_le_bytes(request[24..28].try_into().expect("four bytes"));
                self.discarded.push((sector, count));
                (0, 0)
            }
            _ => (2, 0),
        }
    }

    fn answer(&mut self, chain: &Chain, status: u8, len: u32) {
        let (address, one) = *chain.writable.last().expect("a status");
        assert_eq!(one, 1, "the status is by itself");
        super::super::fake::write(address, status);
        self.ring.give_back(u32::from(chain.head), len + 1);
    }

    fn serve(&mut self) -> usize {
        let mut count = 0;
        while let Some(chain) = self.ring.pop() {
            let (status, len) = self.execute(&chain);
            self.answer(&chain, status, len);
            count += 1;
        }
        count
    }
}

fn buffer(len: usize) -> Buffer {
    Buffer::new(len).expect("memory is allocated")
}

fn one(len: usize) -> Payload {
    Payload::One(buffer(len))
}

fn finish(blk: &mut Driver, token: Token) -> Completion {
    blk.complete(usize::MAX);
    match blk.poll(token, Waker::noop()) {
        Poll::Ready(completion) => completion,
        Poll::Pending => panic!("the request is not done"),
    }
}

fn run(blk: &mut Driver, disk: &mut Disk, operation: Operation) -> Completion {
    let token = blk.submit(operation).expect("a fine request");
    blk.publish();
    disk.serve();
    finish(blk, token)
}

fn refused(blk: &mut Driver, operation: Operation) -> Error {
    blk.submit(operation).expect_err("nonsense").error
}

fn read(sector: u64, len: usize) -> Operation {
    Operation::Read {
        sector,
        payload: one(len),
    }
}

#[test]
fn written_data_is_read_back() {
    for &version in versions() {
        let (mut blk, mut disk) = start(DEFAULT, 0, QUEUE, &config(16, 512), version);
        let mut data = buffer(1024);
        data.fill(0xa5);
        let written = Operation::Write {
            sector: 3,
            payload: Payload::One(data),
        };
        assert_eq!(run(&mut blk, &mut disk, written).result, Ok(()));
        let completion = run(&mut blk, &mut disk, read(2, 2048));
        assert_eq!(completion.result, Ok(()));
        let Some(Payload::One(data)) = completion.payload else {
            panic!("no buffer is returned")
        };
        assert!(data[..512].iter().all(|byte| *byte == 2));
        assert!(data[512..1536].iter().all(|byte| *byte == 0xa5));
        assert!(data[1536..].iter().all(|byte| *byte == 5));
    }
}

#[test]
fn a_payload_in_pieces_is_filled_in_order() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let payload = Payload::Many([512, 1024, 512].map(buffer).into());
    let completion = run(&mut blk, &mut disk, Operation::Read { sector: 1, payload });
    let Some(Payload::Many(pieces)) = completion.payload else {
        panic!("no buffer is returned")
    };
    let first: Vec<_> = pieces
        .iter()
        .map(|piece| (piece[0], piece[piece.len() - 1]))
        .collect();
    assert_eq!(first, [(1, 1), (2, 3), (4, 4)]);
}

#[test]
fn many_requests_are_in_flight_with_any_kind_of_queue() {
    for (common, queue, depth) in [
        (INDIRECT, QUEUE, DEPTH),
        (0, QUEUE, QUEUE as usize / 3),
        (INDIRECT, 4, 4),
        (0, 4, 1),
    ] {
        let (mut blk, mut disk) = start(DEFAULT, common, queue, &config(16, 512), 2);
        let mut tokens = vec![];
        while blk.has_room() {
            tokens.push(
                blk.submit(read(tokens.len() as u64 % 16, 512))
                    .expect("room"),
            );
        }
        assert_eq!(
            tokens.len(),
            depth,
            "common features {common:#x}, queue of {queue}"
        );
        assert_eq!(refused(&mut blk, read(0, 512)), Error::Full);
        blk.publish();
        assert_eq!((disk.serve(), disk.device.kicks().len()), (depth, 1));
        assert_eq!(blk.complete(usize::MAX), depth);
        for (sector, token) in tokens.into_iter().enumerate() {
            let completion = finish(&mut blk, token);
            let payload = completion.payload.expect("the buffer is returned");
            assert_eq!(payload.buffers()[0][0], sector as u8 % 16);
        }
    }
}

#[test]
fn a_queue_of_two_works_with_tables_and_is_rejected_without() {
    let (mut blk, mut disk) = start(DEFAULT, INDIRECT, 2, &config(16, 512), 2);
    assert_eq!(run(&mut blk, &mut disk, read(0, 512)).result, Ok(()));
    let small = FakeDevice::new(2, 2, VERSION_1, &[2], &config(16, 512));
    let error = SetupError::QueueTooSmall { queue: 0, size: 2 };
    assert_eq!(Blk::new(small.transport()).err(), Some(error));
}

#[test]
fn errors_are_distinguished_and_the_next_request_works() {
    let statuses = [
        (1, Error::Io),
        (2, Error::Unsupported),
        (3, Error::Status(3)),
    ];
    for (status, error) in statuses {
        let (mut blk, mut disk) = disk(DEFAULT);
        let token = blk.submit(read(0, 512)).expect("a fine request");
        blk.publish();
        let chain = disk.ring.pop().expect("published");
        disk.answer(&chain, status, 512);
        let completion = finish(&mut blk, token);
        assert_eq!(completion.result, Err(error));
        assert!(completion.payload.is_some());
        assert_eq!(run(&mut blk, &mut disk, read(0, 512)).result, Ok(()));
    }
}

#[test]
fn a_request_without_a_status_resets_the_disk_before_its_memory_is_freed() {
    for of_stream in [false, true] {
        let (mut blk, mut disk) = disk(DEFAULT);
        disk.device.0.borrow_mut().resets = false;
        let stream = blk.open().expect("a stream");
        let token = if of_stream {
            streams::submit(&mut blk, stream, 7, 0);
            None
        } else {
            Some(blk.submit(read(0, 512)).expect("a fine request"))
        };
        blk.publish();
        let chain = disk.ring.pop().expect("published");
        disk.ring.give_back(u32::from(chain.head), 513);
        blk.complete(usize::MAX);
        let (result, has_memory) = match token {
            Some(token) => {
                let Completion { result, payload } = finish(&mut blk, token);
                (result, payload.is_some())
            }
            None => {
                let done = blk.next(stream, None).expect("it failed");
                let failed = done.result.expect_err("it has no result");
                (Err(failed.error()), failed.into_buffer().is_some())
            }
        };
        let failure = Failure::Queue {
            queue: 0,
            refusal: Refusal::Unfinished(chain.head),
        };
        assert_eq!(result, Err(Error::DeviceReset(failure)));
        assert!(!has_memory, "the disk may still write into it");
    }
}

#[test]
fn the_header_of_a_finished_request_contains_no_operation() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let token = blk.submit(read(0, 512)).expect("a fine request");
    blk.publish();
    let chain = disk.ring.pop().expect("published");
    let (status, len) = disk.execute(&chain);
    assert_eq!(status, 0);
    disk.answer(&chain, status, len);
    assert_eq!(finish(&mut blk, token).result, Ok(()));
    let request = chain.bytes();
    assert_eq!(&request[..4], [0xff; 4]);
}

#[test]
fn a_short_read_with_a_good_status_is_an_error() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let token = blk.submit(read(0, 512)).expect("a fine request");
    blk.publish();
    let chain = disk.ring.pop().expect("published");
    disk.answer(&chain, 0, 100);
    assert_eq!(finish(&mut blk, token).result, Err(Error::ShortRead));
}

#[test]
fn the_status_shares_no_cache_line_with_what_the_disk_reads() {
    let (mut blk, mut disk) = disk(DEFAULT);
    blk.submit(read(0, 512)).expect("a fine request");
    blk.publish();
    let chain = disk.ring.pop().expect("published");
    let status = chain.writable.last().expect("a status").0;
    assert_eq!(status % 64, 0);
    assert_ne!(chain.readable[0].0 / 64, status / 64);
}

#[test]
fn a_disk_with_a_cache_is_flushed() {
    let (mut blk, mut disk) = disk(DEFAULT);
    assert_eq!(run(&mut blk, &mut disk, Operation::Flush).result, Ok(()));
    assert_eq!(disk.flushes, 1);
    let (mut blk, mut disk) = self::disk(Features::BLK_SIZE);
    assert_eq!(run(&mut blk, &mut disk, Operation::Flush).result, Ok(()));
    assert_eq!(disk.flushes, 0);
}

#[test]
fn a_discard_contains_its_sectors() {
    let (mut blk, mut disk) = disk(DEFAULT | Features::DISCARD);
    let discard = Operation::Discard {
        sector: 4,
        sectors: 8,
    };
    assert_eq!(run(&mut blk, &mut disk, discard).result, Ok(()));
    assert_eq!(disk.discarded, [(4, 8)]);
    let long = Operation::Discard {
        sector: 0,
        sectors: 9,
    };
    assert_eq!(refused(&mut blk, long), Error::TooLong { most: 8 * 512 });
    let beyond = Operation::Discard {
        sector: 12,
        sectors: 8,
    };
    let error = Error::OutOfRange {
        sector: 12,
        sectors: 8,
        capacity: 16,
    };
    assert_eq!(refused(&mut blk, beyond), error);
    let (mut blk, _disk) = self::disk(DEFAULT);
    let unknown = Operation::Discard {
        sector: 0,
        sectors: 1,
    };
    assert_eq!(refused(&mut blk, unknown), Error::Unsupported);
}

#[test]
fn a_serial_number_has_20_bytes() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let completion = run(&mut blk, &mut disk, Operation::Serial { payload: one(20) });
    let payload = completion.payload.expect("the buffer is returned");
    assert_eq!(&payload.buffers()[0][..], b"serial-number-of-20!");
    assert_eq!(
        refused(&mut blk, Operation::Serial { payload: one(21) }),
        Error::TooLong { most: 20 }
    );
}

#[test]
fn a_resized_disk_is_noticed_and_keeps_its_new_end() {
    let (mut blk, disk) = disk(DEFAULT);
    disk.device.0.borrow_mut().config[0] = 8;
    disk.device.0.borrow_mut().isr = 2;
    blk.acknowledge_interrupt();
    assert_eq!(blk.capacity(), 8);
    let error = Error::OutOfRange {
        sector: 8,
        sectors: 1,
        capacity: 8,
    };
    assert_eq!(refused(&mut blk, read(8, 512)), error);
}

#[test]
fn requests_of_a_failed_disk_fail_and_it_works_after_a_restart() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let token = blk.submit(read(0, 512)).expect("a fine request");
    blk.publish();
    disk.ring.give_back(200, 0);
    let completion = finish(&mut blk, token);
    assert!(matches!(completion.result, Err(Error::DeviceReset(_))));
    assert!(completion.payload.is_some());
    assert_eq!(blk.reinitialize(), Ok(()));
    disk.ring = disk.device.ring(0);
    assert_eq!(run(&mut blk, &mut disk, read(0, 512)).result, Ok(()));
}

#[test]
fn a_detached_request_does_not_disturb_the_others() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let first = blk.submit(read(1, 512)).expect("a fine request");
    let second = blk.submit(read(2, 512)).expect("a fine request");
    blk.publish();
    let before = live::count();
    blk.detach(first);
    assert_eq!(live::count(), before, "the disk may still write it");
    disk.serve();
    let payload = finish(&mut blk, second)
        .payload
        .expect("the buffer is returned");
    assert_eq!(payload.buffers()[0][0], 2);
    assert_eq!(finish(&mut blk, first).result, Err(Error::UnknownToken));
}
