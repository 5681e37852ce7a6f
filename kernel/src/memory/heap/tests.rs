//! Tests with a heap in the host's memory. All tests share one heap, so they run one after the
//! other.

use super::*;
use std::boxed::Box;
use std::sync::Mutex as Turn;
use std::vec::Vec;
use vmos_drivers::address::PhysicalAddress;

static TURN: Turn<()> = Turn::new(());

/// Gives a MiB to the heap, once.
fn heap() -> std::sync::MutexGuard<'static, ()> {
    static ONCE: std::sync::Once = std::sync::Once::new();
    let turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    ONCE.call_once(|| {
        let pool: &'static mut [u8] = Box::leak(std::vec![0_u8; 1 << 20].into_boxed_slice());
        let base = PhysicalAddress(pool.as_mut_ptr() as u64);
        let size = pool.len() as u64;
        // SAFETY: the memory was leaked for this.
        let size = unsafe { add(Range { base, size }) };
        assert!(size > (1 << 20) - 4096);
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
    let sizes = (1..200).chain((200..20_000).step_by(61));
    let sizes = sizes.chain([2047, 2048, 2049, 4095, 4096, 4097, 65_536]);
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
    for _ in 0..20_000 {
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

#[test]
fn rounding_costs_a_sixteenth_at_most() {
    for size in (0..100_000).chain([1 << 30, usize::MAX / 4]) {
        let rounded = layout::rounded(layout(size, 1)).expect("a layout").size();
        let least = (size + layout::ALIGNMENT).next_multiple_of(rlsf::GRANULARITY);
        let block = rounded + layout::ALIGNMENT;
        assert!(
            block >= least && block - least <= least / SECOND_LEVEL,
            "{size}"
        );
    }
    let too_large = layout(isize::MAX as usize - 64, 1);
    assert!(layout::rounded(too_large).is_none_or(|rounded| rounded.size() >= too_large.size()));
}
