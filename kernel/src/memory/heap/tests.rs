//! Tests with a heap in the host's memory. All tests share one heap, so they run one after the
//! other.

use super::*;
use std::boxed::Box;
use std::sync::Mutex as Turn;
use std::vec::Vec;
use vmos_drivers::address::PhysicalAddress;

static TURN: Turn<()> = Turn::new(());
/// The size of the heap.
const POOL: usize = if cfg!(miri) { 1 << 17 } else { 1 << 20 };
/// How many values are left out after each one that is tried: Miri takes a thousand times as long.
const STEP: usize = if cfg!(miri) { 400 } else { 1 };

/// Gives a MiB to the heap, once.
fn heap() -> std::sync::MutexGuard<'static, ()> {
    static ONCE: std::sync::Once = std::sync::Once::new();
    let turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    ONCE.call_once(|| {
        let pool: &'static mut [u8] = Box::leak(std::vec![0_u8; POOL].into_boxed_slice());
        let base = PhysicalAddress(pool.as_mut_ptr() as u64);
        let size = pool.len() as u64;
        // SAFETY: the memory was leaked for this.
        let size = unsafe { add(Range { base, size }) };
        assert!(size > POOL - POOL / 64);
    });
    turn
}

/// A block that was allocated.
struct Block(NonNull<u8>, Layout);

impl Block {
    fn new(layout: Layout) -> Option<Self> {
        let block = NonNull::new(allocate(layout))?;
        assert_eq!(block.addr().get() % layout.align(), 0);
        // SAFETY: the block has so many bytes, and nobody else uses it.
        unsafe { block.write_bytes(0xAA, layout.size()) };
        Some(Self(block, layout))
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the block came from `allocate` with this layout.
        unsafe { deallocate(self.0, self.1) };
    }
}

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).expect("a valid layout")
}

#[test]
fn allocations_are_counted_and_can_be_freed() {
    let _turn = heap();
    let before = usage();
    let one = layout(1000, 64);
    let (first, second) = (Block::new(one), Block::new(one));
    let (first, second) = (first.expect("room"), second.expect("room"));
    assert!(first.0.addr().get().abs_diff(second.0.addr().get()) >= 1000);
    assert_eq!(usage().bytes, before.bytes + 2000);
    assert_eq!(usage().allocations, before.allocations + 2);
    assert!(Block::new(layout(2 << 20, 64)).is_none());
    assert_eq!(usage().failures, before.failures + 1);
    drop((first, second));
    assert_eq!(usage().bytes, before.bytes);
    assert!(usage().peak_bytes >= 2000);
}

/// Allocates blocks until not even the smallest one can be allocated.
fn fill() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut size = 1 << 19;
    while size > 0 {
        match Block::new(layout(size, 1)) {
            Some(block) => blocks.push(block),
            None => size /= 2,
        }
    }
    blocks
}

#[test]
fn a_freed_block_can_be_allocated_again_in_a_full_heap() {
    let _turn = heap();
    let aligns = [1, 8, 16, 32, 64, 512, 4096];
    let sizes = (1..200).chain((200..20_000).step_by(61)).step_by(STEP);
    let sizes = sizes.chain([2047, 2048, 2049, 4095, 4096, 4097, POOL / 16]);
    for size in sizes {
        for align in aligns {
            // Neighbours on both sides, whose sizes vary.
            let before = Block::new(layout(1 + size % 97, 1)).expect("room");
            let block = Block::new(layout(size, align)).expect("room");
            let after = Block::new(layout(1 + size % 89, 1)).expect("room");
            let full = fill();
            for _ in 0..2 {
                let mut again = Some(block.1);
                // SAFETY: it is allocated again below.
                unsafe { deallocate(block.0, block.1) };
                let one = again.take().and_then(Block::new);
                let one = one.unwrap_or_else(|| panic!("{size} aligned to {align}"));
                assert_eq!(one.0, block.0, "nothing else is left");
                core::mem::forget(one);
            }
            drop((before, block, after, full));
        }
    }
}

#[test]
fn blocks_in_use_keep_their_content() {
    let _turn = heap();
    let mut random = 1_u32;
    let mut blocks: Vec<(Block, u8)> = Vec::new();
    for _ in 0..20_000 / STEP {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if random & 0x300 == 0 && !blocks.is_empty() {
            let (block, filling) = blocks.swap_remove(random as usize / 1024 % blocks.len());
            // SAFETY: the block has so many bytes.
            let bytes = unsafe { core::slice::from_raw_parts(block.0.as_ptr(), block.1.size()) };
            assert!(bytes.iter().all(|&byte| byte == filling));
            continue;
        }
        let (size, align) = (random >> 10 & 0xFFF, random >> 22 & 7);
        if let Some(block) = Block::new(layout(size as usize, 1 << (align * 2).min(12))) {
            // SAFETY: the block has so many bytes, and nobody else uses it.
            unsafe { block.0.write_bytes(random as u8, block.1.size()) };
            blocks.push((block, random as u8));
        } else {
            blocks.truncate(blocks.len() / 2);
        }
    }
}

/// Returns how many bytes of the heap one allocation of `layout` takes, if there are many.
fn cost(layout: Layout) -> usize {
    let (mut blocks, mut size) = (Vec::new(), 0);
    while let Some(block) = Block::new(layout) {
        size += 1;
        blocks.push(block);
    }
    POOL / size
}

#[test]
fn an_allocation_costs_a_sixteenth_more_than_its_size_at_most() {
    let _turn = heap();
    let sizes = (1..300)
        .step_by(13)
        .chain((300..20_000).step_by(997))
        .step_by(STEP);
    let sizes = sizes.chain([2047, 2048, 2049, 4095, 4096, 4097, 8192, POOL / 16]);
    for size in sizes.filter(|size| !cfg!(miri) || *size > 2000) {
        for align in [1, 8, 16, 32, 64, 512, 2048, 4096] {
            let cost = cost(layout(size, align));
            // Sizes that are no multiple of the alignment leave gaps that only smaller blocks fit.
            let least = size.next_multiple_of(align.max(GRANULE));
            // The last block of the heap and its own tables: 2 of 100.
            let most = least + least / 16 + GRANULE + least / 50 + least * least / POOL;
            assert!(
                cost <= most,
                "{size} aligned to {align} costs {cost}, not {most}"
            );
        }
    }
}

#[test]
fn what_lies_between_aligned_blocks_can_be_allocated() {
    let _turn = heap();
    let mut pages = Vec::new();
    // Every page block is followed by one that makes the next page block unaligned.
    while let (Some(page), Some(other)) =
        (Block::new(layout(4096, 4096)), Block::new(layout(32, 1)))
    {
        pages.push((page, other));
    }
    let small = fill();
    let bytes: usize = small.iter().map(|block| block.1.size()).sum();
    let used = pages.len() * (4096 + 32) + bytes;
    assert!(used > POOL - POOL / 20, "{used} bytes of {POOL}");
}

#[test]
fn all_memory_is_one_block_again_once_everything_is_freed() {
    let _turn = heap();
    let whole = layout(POOL - POOL / 16, 1);
    drop(Block::new(whole).expect("one block"));
    let mut random = 7_u32;
    for _ in 0..1 + 20 / STEP {
        let mut blocks = Vec::new();
        loop {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (size, align) = (random >> 8 & 0x3FFF, 1 << (random >> 24 & 15).min(12));
            match Block::new(layout(size as usize + 1, align)) {
                Some(block) => blocks.insert(random as usize % (blocks.len() + 1), block),
                None => break,
            }
        }
        drop(blocks);
        drop(Block::new(whole).expect("one block"));
    }
}

#[test]
fn what_is_left_around_an_aligned_block_stays_free() {
    let _turn = heap();
    let whole = layout(POOL - POOL / 16, 1);
    for align in [64, 512, 4096] {
        for offset in (0..4 * GRANULE).step_by(GRANULE) {
            // A free block that starts at no multiple of the alignment, in a heap that is full.
            let before = Block::new(layout(GRANULE + offset, 1)).expect("room");
            let hole = Block::new(layout(3 * align, 1)).expect("room");
            let (size, first) = (3 * align, hole.0);
            let after = Block::new(layout(1, 1)).expect("room");
            let full = fill();
            drop(hole);
            let inside = Block::new(layout(align, align)).expect("the hole has room");
            assert!(inside.0 >= first && inside.0.addr().get() < first.addr().get() + size);
            let rest = fill();
            let bytes: usize = rest.iter().map(|block| block.1.size()).sum();
            assert_eq!(bytes + align, size, "offset {offset}, alignment {align}");
            drop((before, inside, after, full, rest));
            drop(Block::new(whole).expect("one block"));
        }
    }
}

#[test]
fn rounding_costs_a_sixteenth_at_most() {
    for size in (1..100_000)
        .step_by(STEP)
        .chain([1 << 25, (1 << 27) - 1, usize::MAX / 64])
    {
        let rounded = free::rounded(size);
        assert!(rounded >= size && rounded - size <= size / 16, "{size}");
        assert_eq!(rounded, free::rounded(rounded));
    }
}
