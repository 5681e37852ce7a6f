//! Measures the request rate of a disk, with the same runs as `apps/bench`, bypassing the page
//! cache.

use std::fs::{File, OpenOptions};
use std::io::{Result, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::time::{Duration, Instant};

use crate::setup::{about, wait_for};

mod requests;

use requests::Requests;

/// The device file of the first disk.
const DISK: &str = "/dev/vda";
/// The shortest duration of a run, in nanoseconds.
const DURATION: Duration = Duration::from_secs(1);
/// The byte that disk writes consist of.
const FILL: u8 = 0xa5;
/// The size of a request, in bytes.
const BLOCK: usize = 4096;

/// A buffer for a request, aligned for direct I/O.
#[derive(Clone)]
#[repr(align(4096))]
struct Block([u8; BLOCK]);

/// Runs all measurements and prints their results.
pub(crate) fn measure() -> Result<()> {
    wait_for(DISK)?;
    let disk = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_DIRECT)
        .open(DISK);
    let mut disk = disk.map_err(|error| about(&format!("cannot open {DISK}"), &error))?;
    let blocks = disk.seek(SeekFrom::End(0))? / BLOCK as u64;
    for (name, is_write) in [("randread", false), ("randwrite", true)] {
        for depth in [1, 32] {
            let start = Instant::now();
            let positions = Positions::new(blocks.max(1));
            let answered = match depth {
                1 => one_at_a_time(&disk, is_write, positions)?,
                _ => several(&disk, is_write, positions, depth)?,
            };
            println!(
                r#"{{"bench":"blk","op":"{name}","bs":{BLOCK},"qd":{depth},"ops":{answered},"ns":{}}}"#,
                start.elapsed().as_nanos(),
            );
        }
    }
    Ok(())
}

/// Generates the positions of a run's requests, the same as in `apps/bench`.
struct Positions {
    blocks: u64,
    sequence: u64,
}

impl Positions {
    fn new(blocks: u64) -> Self {
        Self {
            blocks,
            sequence: 88_172_645_463_325_252,
        }
    }

    /// Returns the byte offset of the next request.
    fn next(&mut self) -> u64 {
        // xorshift64
        let mut x = self.sequence;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.sequence = x;
        x % self.blocks * BLOCK as u64
    }
}

/// The number of requests between two reads of the clock.
const REQUESTS_PER_LOOK: u64 = 32;

/// Reads or writes with blocking calls, the cheapest for one request at a time; returns the number
/// of requests.
fn one_at_a_time(disk: &File, is_write: bool, mut positions: Positions) -> Result<u64> {
    let mut block = Block([FILL; BLOCK]);
    let start = Instant::now();
    let mut answered = 0;
    while answered % REQUESTS_PER_LOOK != 0 || start.elapsed() < DURATION {
        let position = positions.next();
        if is_write {
            disk.write_all_at(&block.0, position)?;
        } else {
            disk.read_exact_at(&mut block.0, position)?;
        }
        answered += 1;
    }
    Ok(answered)
}

/// Keeps `depth` requests in flight; returns the number that completed.
fn several(disk: &File, is_write: bool, mut positions: Positions, depth: usize) -> Result<u64> {
    let mut requests = Requests::new(disk, is_write, depth)?;
    let start = Instant::now();
    for slot in 0..depth {
        requests.add(slot, positions.next());
    }
    let mut answered = 0;
    loop {
        requests.submit()?;
        let slots = requests.done()?;
        if slots.is_empty() {
            return Ok(answered);
        }
        let goes_on = start.elapsed() < DURATION;
        for slot in slots {
            answered += 1;
            if goes_on {
                requests.add(slot, positions.next());
            }
        }
    }
}
