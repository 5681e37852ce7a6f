//! Reads and writes the whole first disk in every supported way.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::Cell;

use vmos::block::{Disk, Requests, SECTOR_SIZE};
use vmos::{Buffer, Error, Kernel, Result, Spawner, println};

/// The size of a block, in bytes.
const BLOCK: usize = 8 * SECTOR_SIZE;
/// The number of tasks that read at the same time; larger than the queue of a disk.
const TASKS: usize = 160;
/// The number of blocks that each task reads.
const BLOCKS_PER_TASK: u64 = 8;

/// Writes its number into every block through a handle for many requests, drops such a handle while
/// its requests are in flight, and reads everything with many tasks, with another such handle, and
/// with several buffers per request.
pub(crate) async fn check(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let disk = kernel.disk(0)?;
    let blocks = disk.sectors() / 8;
    write(kernel, disk, blocks).await?;
    forget(kernel, disk, blocks)?;
    let tasks: &'static Tasks = Box::leak(Box::default());
    for number in 0..TASKS as u64 {
        spawner.spawn(read_by_itself(kernel, disk, blocks, number, tasks)?);
    }
    read(kernel, disk, blocks).await?;
    while tasks.over.get() < TASKS {
        vmos::time::Timer::after_millis(1).await;
    }
    if tasks.right.get() < TASKS {
        return Err(Error::new(
            "a task read data that differs from what was written",
        ));
    }
    read_vectored(kernel, disk, blocks).await?;
    println!("disk: {blocks} blocks match what was written");
    Ok(())
}

fn fill(buffer: &mut Buffer, number: u64) {
    for word in buffer.chunks_exact_mut(8) {
        word.copy_from_slice(&number.to_le_bytes());
    }
}

fn check_block(buffer: &[u8], number: u64) -> Result<()> {
    let mut words = buffer.chunks_exact(8);
    if words.all(|word| word == number.to_le_bytes()) {
        Ok(())
    } else {
        Err(Error::new("a block differs from what was written"))
    }
}

/// Submits as many requests as fit, starting with block `next`. Returns the next block.
fn submit(
    kernel: Kernel,
    requests: &mut Requests,
    mut next: u64,
    blocks: u64,
    writes: bool,
) -> Result<u64> {
    while next < blocks && requests.has_room() {
        let mut buffer = kernel.buffer(BLOCK)?;
        if writes {
            fill(&mut buffer, next);
            requests.write(next as usize, next * 8, buffer)?;
        } else {
            requests.read(next as usize, next * 8, buffer)?;
        }
        next += 1;
    }
    Ok(next)
}

async fn write(kernel: Kernel, disk: Disk, blocks: u64) -> Result<()> {
    let mut requests = disk.requests(24)?;
    let mut next = submit(kernel, &mut requests, 0, blocks, true)?;
    while let Some(done) = requests.done().await {
        done.result?;
        next = submit(kernel, &mut requests, next, blocks, true)?;
    }
    disk.flush().await?;
    if next == blocks {
        Ok(())
    } else {
        Err(Error::new("the disk accepts no more requests"))
    }
}

/// Drops a handle whose requests are in flight. Their buffers must stay allocated until the disk is
/// done.
fn forget(kernel: Kernel, disk: Disk, blocks: u64) -> Result<()> {
    let mut requests = disk.requests(16)?;
    submit(kernel, &mut requests, 0, blocks, false)?;
    Ok(())
}

async fn read(kernel: Kernel, disk: Disk, blocks: u64) -> Result<()> {
    let mut requests = disk.requests(24)?;
    let mut next = 0;
    let mut seen = 0;
    while seen < blocks {
        next = submit(kernel, &mut requests, next, blocks, false)?;
        match requests.done().await {
            Some(done) => {
                check_block(&done.result?, done.tag as u64)?;
                seen += 1;
            }
            // The tasks use all entries of the queue.
            None => requests.room().await,
        }
    }
    Ok(())
}

/// Counts the reading tasks that have ended, and those that read the right data.
#[derive(Default)]
struct Tasks {
    over: Cell<usize>,
    right: Cell<usize>,
}

#[vmos::task(pool_size = TASKS)]
async fn read_by_itself(
    kernel: Kernel,
    disk: Disk,
    blocks: u64,
    number: u64,
    tasks: &'static Tasks,
) {
    let right = read_some(kernel, disk, blocks, number).await.is_ok();
    tasks.right.set(tasks.right.get() + usize::from(right));
    tasks.over.set(tasks.over.get() + 1);
}

async fn read_some(kernel: Kernel, disk: Disk, blocks: u64, number: u64) -> Result<()> {
    let mut buffer = kernel.buffer(BLOCK)?;
    for block in 0..BLOCKS_PER_TASK {
        let block = (number * BLOCKS_PER_TASK + block) % blocks;
        buffer = disk.read(block * 8, buffer).await?;
        check_block(&buffer, block)?;
    }
    Ok(())
}

async fn read_vectored(kernel: Kernel, disk: Disk, blocks: u64) -> Result<()> {
    let mut buffers = Vec::new();
    for _ in 0..blocks.min(16) {
        buffers.push(kernel.buffer(BLOCK)?);
    }
    let buffers = disk.read_vectored(0, buffers).await?;
    for (number, buffer) in (0..).zip(&buffers) {
        check_block(buffer, number)?;
    }
    Ok(())
}
