//! Disk requests that are prepared once and submitted repeatedly.

use core::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};

use crate::machine::Machine;
use crate::ring::{NEXT, Ring, WRITE, address_of};
use crate::slot::Slot;

/// The largest number of requests in flight.
const MOST: usize = 32;
/// The size of a request, in bytes.
const BLOCK: usize = 4096;
/// The size of a request, in sectors.
const SECTORS: u64 = BLOCK as u64 / 512;
/// The duration of a run, in nanoseconds.
const DURATION: u64 = 1_000_000_000;
/// The number of completed requests between two reads of the clock.
const REQUESTS_PER_LOOK: u64 = 16;
/// The number of descriptors of a request: header, data, status.
const PARTS: usize = 3;

static QUEUE: Ring = Ring::new();

/// The header of a request: the operation and the first sector.
#[repr(C, align(16))]
struct Header([AtomicU32; 4]);

#[repr(C, align(4096))]
struct Data([AtomicU32; BLOCK / 4]);

static HEADERS: [Header; MOST] = [const { Header([const { AtomicU32::new(0) }; 4]) }; MOST];
static DATA: [Data; MOST] = [const { Data([const { AtomicU32::new(0) }; BLOCK / 4]) }; MOST];
static STATUS: [AtomicU8; MOST] = [const { AtomicU8::new(0) }; MOST];

/// Runs all measurements and prints their results.
pub(crate) fn measure(machine: &mut Machine, slot: &Slot) {
    slot.set_queue(0, &QUEUE);
    slot.begin();
    let [low, high] = [0, 4].map(|offset| u64::from(slot.configuration32(offset)));
    let blocks = (low | high << 32) / SECTORS;
    machine.print("READY\n");
    let mut position = 0;
    for (name, is_write) in [("randread", false), ("randwrite", true)] {
        for depth in [1, MOST] {
            let run = run(machine, slot, is_write, depth, blocks, &mut position);
            machine.print("{\"bench\":\"blk\",\"op\":\"");
            machine.print(name);
            machine.print("\",\"bs\":4096,\"qd\":");
            machine.print_number(depth as u64);
            machine.print(",\"ops\":");
            machine.print_number(run.0);
            machine.print(",\"ns\":");
            machine.print_number(run.1);
            machine.print("}\n");
        }
    }
    machine.print("BENCH_DONE\n");
}

/// Keeps `depth` requests in flight; returns the number of completed requests and the time in
/// nanoseconds. The queue's current position is `position`.
fn run(
    machine: &mut Machine,
    slot: &Slot,
    is_write: bool,
    depth: usize,
    blocks: u64,
    position: &mut u16,
) -> (u64, u64) {
    let mut random = 88_172_645_463_325_252_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % blocks * SECTORS
    };
    let [mut offered, mut answered] = [*position; 2];
    for number in 0..depth {
        let first = PARTS * number;
        let direction = if is_write { 0 } else { WRITE };
        let [kind, _, _, _] = &HEADERS[number].0;
        kind.store(u32::from(is_write), Relaxed);
        set_sector(number, next());
        let [header, data] = [first + 1, first + 2].map(|next| next as u16);
        QUEUE.describe(first, address_of(&HEADERS[number]), 16, NEXT, header);
        QUEUE.describe(
            first + 1,
            address_of(&DATA[number]),
            BLOCK as u32,
            NEXT | direction,
            data,
        );
        QUEUE.describe(first + 2, address_of(&STATUS[number]), 1, WRITE, 0);
        QUEUE.offer(offered, first as u16);
        offered = offered.wrapping_add(1);
    }
    let start = machine.now();
    if QUEUE.publish(offered) {
        slot.notify(0);
    }
    let mut requests = 0;
    let mut next_look = 0;
    let mut goes_on = true;
    while answered != offered {
        let to = QUEUE.used_to();
        if to == answered {
            machine.wait_for(slot);
            continue;
        }
        requests += u64::from(to.wrapping_sub(answered));
        if goes_on && requests >= next_look {
            next_look = requests + REQUESTS_PER_LOOK;
            goes_on = machine.now() - start < DURATION;
        }
        while answered != to {
            let (descriptor, _) = QUEUE.used_at(answered);
            answered = answered.wrapping_add(1);
            if goes_on {
                set_sector(usize::from(descriptor) / PARTS % MOST, next());
                QUEUE.offer(offered, descriptor);
                offered = offered.wrapping_add(1);
            }
        }
        if goes_on && QUEUE.publish(offered) {
            slot.notify(0);
        }
    }
    *position = offered;
    (requests, machine.now() - start)
}

#[inline]
fn set_sector(request: usize, sector: u64) {
    let [_, _, low, high] = &HEADERS[request].0;
    low.store(sector as u32, Relaxed);
    high.store((sector >> 32) as u32, Relaxed);
}
