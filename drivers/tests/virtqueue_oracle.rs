//! Tests the queue against an independent implementation of the device side: that of rust-vmm,
//! which several virtual machine monitors use.
#![cfg(all(not(miri), target_os = "linux", target_pointer_width = "64"))]

use std::num::Wrapping;

use virtio_queue::{Queue as DeviceQueue, QueueT};
use vm_memory::mmap::{MmapRegion, MmapRegionBuilder};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap, GuestRegionMmap};
use vmos_drivers::dma::Buffer;
use vmos_drivers::virtio::features::Features;
use vmos_drivers::virtio::queue::{Queue, QueueAddresses, Segment};

/// Returns the memory of this process as guest memory, mapped one to one: the driver uses addresses
/// of this process.
fn memory() -> GuestMemoryMmap {
    const FIRST: usize = 0x1000;
    const SIZE: usize = (1 << 47) - 0x2000;
    let builder = MmapRegionBuilder::new(SIZE)
        .with_mmap_prot(3)
        .with_mmap_flags(0x22);
    // SAFETY: this maps nothing; the test only accesses live buffers.
    let builder = unsafe { builder.with_raw_mmap_pointer(FIRST as *mut u8) };
    let region: MmapRegion = builder.build().expect("a region that is mapped already");
    let region = GuestRegionMmap::new(region, GuestAddress(FIRST as u64)).expect("it fits");
    GuestMemoryMmap::from_regions(vec![region]).expect("one region")
}

fn device(queue: &Queue, event_index: bool) -> DeviceQueue {
    let QueueAddresses {
        descriptors,
        available,
        used,
    } = queue.addresses();
    let halves = |address: u64| (Some(address as u32), Some((address >> 32) as u32));
    let mut device = DeviceQueue::new(1024).expect("a fine size");
    device.set_size(queue.size());
    let (low, high) = halves(descriptors.0);
    device.set_desc_table_address(low, high);
    let (low, high) = halves(available.0);
    device.set_avail_ring_address(low, high);
    let (low, high) = halves(used.0);
    device.set_used_ring_address(low, high);
    device.set_event_idx(event_index);
    device.set_ready(true);
    device
}

/// A pseudo-random number generator with the same sequence in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Echoes numbers through a queue of `size`, in varying batches and orders, until `total` chains
/// have passed. Driver and device sleep whenever they may, and neither may sleep forever.
fn echo(size: u16, features: Features, pieces: usize, total: u64) -> Queue {
    let memory = memory();
    let event_index = features.contains(Features::EVENT_IDX);
    let mut queue = Queue::new(size, features, 8).expect("memory");
    let mut device = device(&queue, event_index);
    assert!(device.is_valid(&memory));
    let mut buffers: Vec<_> = (0..size)
        .map(|_| Buffer::new(64).expect("memory"))
        .collect();
    let mut idle: Vec<u16> = (0..size).collect();
    let mut numbers = Numbers(88_172_645_463_325_252);
    let (mut sent, mut received, mut awake) = (0_u64, 0_u64, false);
    let mut expected = vec![0_u64; usize::from(size)];
    while received < total {
        // The driver submits a batch.
        let before = sent;
        for _ in 0..=numbers.below(u64::from(size)) {
            if !queue.has_room(pieces + 1) {
                break;
            }
            let Some(owner) = idle.pop() else { break };
            let buffer = &mut buffers[usize::from(owner)];
            buffer[..8].copy_from_slice(&sent.to_le_bytes());
            let mut segments = vec![Segment::readable(buffer.address(), 8)];
            let mut place = buffer.address();
            for piece in 0..pieces {
                place.0 += 8;
                let len = if piece + 1 == pieces { 8 } else { 1 };
                segments.push(Segment::writable(place, len));
            }
            queue
                .lend(&segments, owner)
                .expect("there is room in the queue");
            expected[usize::from(owner)] = sent;
            sent += 1;
        }
        awake |= queue.publish();
        // If the device is awake, it completes some of the chains, in any order.
        let mut interrupted = false;
        while awake {
            device.disable_notification(&memory).expect("a fine ring");
            let mut chains: Vec<_> =
                std::iter::from_fn(|| device.pop_descriptor_chain(&memory)).collect();
            while !chains.is_empty() {
                let chain = chains.swap_remove(numbers.below(chains.len() as u64) as usize);
                let head = chain.head_index();
                let from = chain.clone().readable().next().expect("a number");
                let number: u64 = memory.read_obj(from.addr()).expect("live memory");
                let places: Vec<_> = chain.writable().collect();
                assert_eq!(places.len(), pieces);
                let last = places.last().expect("a place");
                memory.write_obj(number, last.addr()).expect("live memory");
                device
                    .add_used(&memory, head, 8 + pieces as u32 - 1)
                    .expect("a fine ring");
            }
            interrupted |= device.needs_notification(&memory).expect("a fine ring");
            awake = device.enable_notification(&memory).expect("a fine ring");
        }
        // The driver runs if it was interrupted, or found a completion when it armed the interrupt.
        if !interrupted && !queue.arm(0) {
            assert!(sent > before, "driver and device both sleep forever");
            continue;
        }
        while let Some(used) = queue.take() {
            assert!(!used.overlong);
            let buffer = &buffers[usize::from(used.owner)];
            let at = 8 * pieces;
            let number = u64::from_le_bytes(buffer[at..at + 8].try_into().expect("eight bytes"));
            assert_eq!(number, expected[usize::from(used.owner)]);
            queue.free(used.head);
            idle.push(used.owner);
            received += 1;
        }
        queue.arm(0);
    }
    assert_eq!(queue.broken(), None);
    let seen = device.used_idx(&memory, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(
        seen.expect("a fine ring"),
        Wrapping(queue.statistics().completed as u16)
    );
    queue
}

#[test]
fn every_chain_arrives_and_comes_back_past_the_wrap_of_the_indices() {
    for features in [
        Features::empty(),
        Features::EVENT_IDX,
        Features::INDIRECT_DESC,
        Features::all(),
    ] {
        for size in [4, 16, 256] {
            let queue = echo(size, features, 1, 70_000);
            assert!(queue.statistics().high_water > size / 4);
        }
    }
}

#[test]
fn long_chains_arrive_in_one_piece() {
    for features in [Features::empty(), Features::all()] {
        echo(16, features, 7, 5_000);
    }
}

#[test]
fn the_smallest_queue_works() {
    for features in [Features::empty(), Features::EVENT_IDX, Features::all()] {
        echo(2, features, 1, 70_000);
    }
}
