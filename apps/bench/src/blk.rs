//! How many requests a disk answers.
//!
//! A run keeps so many requests outstanding: each is in the hands of a task that, as soon as it is
//! answered, submits the next.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use vmos::block::{Disk, DiskError, SECTOR_SIZE};
use vmos::time::{Duration, Instant};
use vmos::{Buffer, Error, Kernel, Result, Spawner, println};

/// How long a run lasts at least.
const DURATION: Duration = Duration::from_secs(1);
/// The most requests outstanding in a run.
const MOST_OUTSTANDING: usize = 32;
/// What is written.
const FILL: u8 = 0xa5;
/// How many requests a task submits between two looks at the clock.
const REQUESTS_PER_LOOK: u32 = 8;

/// What a run does.
#[derive(Clone, Copy)]
struct Plan {
    name: &'static str,
    is_write: bool,
    is_random: bool,
    /// Bytes in a request.
    block: usize,
    /// Requests outstanding.
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

/// Makes every run on the first disk, and prints what came of each.
pub(crate) async fn measure(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let disk = kernel.disk(0)?;
    for plan in PLANS {
        let mut buffers = Vec::new();
        for _ in 0..plan.depth {
            let mut buffer = kernel.buffer(plan.block)?;
            buffer.fill(FILL);
            buffers.push(buffer);
        }
        let run = Rc::new(Run::new(plan, disk));
        if run.blocks == 0 {
            return Err(Error::new(
                "the disk is smaller than one block of the benchmark: give a larger one",
            ));
        }
        for buffer in buffers {
            spawner.spawn(keep_one_outstanding(disk, Rc::clone(&run), buffer)?);
        }
        run.over.wait().await;
        if let Some(error) = run.error.take() {
            return Err(error.into());
        }
        let Plan {
            name, block, depth, ..
        } = plan;
        println!(
            r#"{{"bench":"blk","op":"{name}","bs":{block},"qd":{depth},"ops":{},"ns":{}}}"#,
            run.answered.get(),
            run.end.get().duration_since(run.start).as_nanos(),
        );
    }
    Ok(())
}

/// What the tasks of a run share.
struct Run {
    plan: Plan,
    start: Instant,
    /// When a task last ended.
    end: Cell<Instant>,
    /// Blocks on the disk.
    blocks: u64,
    /// Where in the sequence of blocks the run is.
    sequence: Cell<u64>,
    answered: Cell<u64>,
    /// The tasks at work.
    tasks: Cell<usize>,
    error: RefCell<Option<DiskError>>,
    /// Given by the last task.
    over: Signal<NoopRawMutex, ()>,
}

impl Run {
    /// The same blocks are asked for in each run of a kind, on every machine.
    const SEED: u64 = 88_172_645_463_325_252;

    fn new(plan: Plan, disk: Disk) -> Self {
        let start = Instant::now();
        Self {
            plan,
            start,
            end: Cell::new(start),
            blocks: disk.sectors() * SECTOR_SIZE as u64 / plan.block as u64,
            sequence: Cell::new(if plan.is_random { Self::SEED } else { 0 }),
            answered: Cell::new(0),
            tasks: Cell::new(plan.depth),
            error: RefCell::new(None),
            over: Signal::new(),
        }
    }

    /// The sector with which the next request begins.
    fn next_sector(&self) -> u64 {
        let mut x = self.sequence.get();
        let block = if self.plan.is_random {
            // xorshift64
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            self.sequence.set(x);
            x % self.blocks
        } else {
            self.sequence.set((x + 1) % self.blocks);
            x
        };
        block * (self.plan.block / SECTOR_SIZE) as u64
    }

    fn goes_on(&self) -> bool {
        self.error.borrow().is_none() && self.start.elapsed() < DURATION
    }
}

#[vmos::task(pool_size = MOST_OUTSTANDING)]
async fn keep_one_outstanding(disk: Disk, run: Rc<Run>, mut buffer: Buffer) {
    'run: while run.goes_on() {
        for _ in 0..REQUESTS_PER_LOOK {
            let sector = run.next_sector();
            let done = if run.plan.is_write {
                disk.write(sector, buffer).await
            } else {
                disk.read(sector, buffer).await
            };
            match done {
                Ok(back) => buffer = back,
                Err(failed) => {
                    run.error.replace(Some(failed.error()));
                    break 'run;
                }
            }
            run.answered.set(run.answered.get() + 1);
        }
    }
    run.end.set(Instant::now());
    run.tasks.set(run.tasks.get() - 1);
    if run.tasks.get() == 0 {
        run.over.signal(());
    }
}
