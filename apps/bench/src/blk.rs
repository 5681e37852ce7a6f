//! Measures the request rate of a disk.
//!
//! A run keeps a number of requests in flight: whenever one completes, the next is submitted with
//! its buffer. The time is that from before the first submission to after the last completion.

use alloc::boxed::Box;
use alloc::vec::Vec;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use vmos::block::{Disk, Failed, Requests, SECTOR_SIZE};
use vmos::time::{Duration, Instant};
use vmos::{Buffer, Error, Kernel, Result, Spawner, println};

/// The shortest duration of a run.
const DURATION: Duration = Duration::from_secs(1);
/// The value of every byte that the benchmark writes to the disk.
const FILL: u8 = 0xa5;
/// The number of completed requests between two reads of the clock.
const REQUESTS_PER_LOOK: u64 = 32;

/// The settings of one measurement run.
#[derive(Clone, Copy)]
struct Plan {
    name: &'static str,
    is_write: bool,
    is_random: bool,
    /// The size of a request, in bytes.
    block: usize,
    /// The number of requests in flight.
    depth: usize,
}

const PLANS: [Plan; 6] = [
    Plan::random("randread", false, 1),
    Plan::random("randread", false, 32),
    Plan::random("randwrite", true, 1),
    Plan::random("randwrite", true, 32),
    Plan::sequential("seqread", false),
    Plan::sequential("seqwrite", true),
];

impl Plan {
    const fn random(name: &'static str, is_write: bool, depth: usize) -> Self {
        Self {
            name,
            is_write,
            is_random: true,
            block: 4096,
            depth,
        }
    }

    const fn sequential(name: &'static str, is_write: bool) -> Self {
        Self {
            name,
            is_write,
            is_random: false,
            block: 65536,
            depth: 8,
        }
    }
}

/// The outcome of the measurements.
type Outcome = Signal<NoopRawMutex, Result<()>>;

/// Runs all measurements on the first disk, and prints their results.
pub(crate) async fn measure(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let outcome = &*Box::leak(Box::new(Outcome::new()));
    spawner.spawn(measure_all(kernel, outcome)?);
    outcome.wait().await
}

/// The task of the measurements. They are not part of the app's main task, so that a request is not
/// measured together with what else that task could be waiting for.
#[vmos::task]
async fn measure_all(kernel: Kernel, outcome: &'static Outcome) {
    outcome.signal(run_plans(kernel).await);
}

async fn run_plans(kernel: Kernel) -> Result<()> {
    let disk = kernel.disk(0)?;
    for plan in PLANS {
        let mut buffers = Vec::new();
        for _ in 0..plan.depth {
            let mut buffer = kernel.buffer(plan.block)?;
            buffer.fill(FILL);
            buffers.push(buffer);
        }
        let mut sectors = Sectors::new(plan, disk)?;
        let mut requests = disk.requests(plan.depth)?;
        let start = Instant::now();
        for buffer in buffers {
            submit(&mut requests, plan, sectors.next(), buffer)?;
        }
        let mut answered = 0_u64;
        let mut goes_on = true;
        while let Some(done) = requests.done().await {
            let buffer = done.result?;
            answered += 1;
            if answered.is_multiple_of(REQUESTS_PER_LOOK) {
                goes_on = start.elapsed() < DURATION;
            }
            if goes_on {
                submit(&mut requests, plan, sectors.next(), buffer)?;
            }
        }
        let duration = start.elapsed();
        let Plan {
            name, block, depth, ..
        } = plan;
        println!(
            r#"{{"bench":"blk","op":"{name}","bs":{block},"qd":{depth},"ops":{answered},"ns":{}}}"#,
            duration.as_nanos(),
        );
    }
    Ok(())
}

/// Generates the block positions of a run's requests.
struct Sectors {
    is_random: bool,
    /// The number of blocks on the disk, at least one.
    blocks: u64,
    /// The number of the next block, or the state of the pseudo-random sequence.
    sequence: u64,
    /// The number of sectors in a block.
    block: u64,
}

impl Sectors {
    /// A fixed seed, so that each run of a kind uses the same blocks on every machine.
    const SEED: u64 = 88_172_645_463_325_252;

    fn new(plan: Plan, disk: Disk) -> Result<Self> {
        let block = (plan.block / SECTOR_SIZE) as u64;
        let blocks = disk.sectors() / block;
        if blocks == 0 {
            return Err(Error::new(
                "the disk is smaller than one block of the benchmark: use a larger one",
            ));
        }
        Ok(Self {
            is_random: plan.is_random,
            blocks,
            sequence: if plan.is_random { Self::SEED } else { 0 },
            block,
        })
    }

    /// Returns the sector of the next request.
    #[inline]
    fn next(&mut self) -> u64 {
        let mut x = self.sequence;
        let block = if self.is_random {
            // xorshift64
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            self.sequence = x;
            portion(x, self.blocks)
        } else {
            self.sequence = if x + 1 == self.blocks { 0 } else { x + 1 };
            x
        };
        block * self.block
    }
}

/// Returns the part of `whole` that `x` is of 2^64, rounded down: with equally distributed `x`, each
/// number below `whole` is equally likely. A division would take hundreds of instructions on a 32-bit
/// processor.
#[inline]
const fn portion(x: u64, whole: u64) -> u64 {
    ((x as u128 * whole as u128) >> 64) as u64
}

fn submit(
    requests: &mut Requests,
    plan: Plan,
    sector: u64,
    buffer: Buffer,
) -> core::result::Result<(), Failed<Buffer>> {
    if plan.is_write {
        requests.write(0, sector, buffer)
    } else {
        requests.read(0, sector, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::portion;

    #[test]
    fn a_portion_is_below_the_whole_and_proportional() {
        for whole in [1, 2, 3, 32_769, u64::MAX] {
            assert_eq!(portion(0, whole), 0);
            assert_eq!(portion(u64::MAX, whole), whole - 1);
            assert_eq!(portion(1 << 63, whole), whole / 2);
        }
        let mut counts = [0_u32; 8];
        let step = u64::MAX / 8_000;
        (0..8_000).for_each(|count| counts[portion(count * step, 8) as usize] += 1);
        assert!(counts.iter().all(|count| (999..=1_001).contains(count)));
    }
}
