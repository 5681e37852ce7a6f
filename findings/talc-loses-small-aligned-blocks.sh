#!/usr/bin/env bash
# talc 5.1.1 may not find a freed block again that is smaller than its alignment, if the rest of the heap
# is in use.
#
# The free block is where it was, and large enough at that address, but talc looks for blocks that have room
# to align the layout. Besides, 4,096 bytes aligned to 4,096 take 8,192 if many are allocated: the tag of one
# word behind each block keeps two of them from being neighbours. (The gap between them can be used for
# smaller blocks.)
#
# Way out: round the size up to the alignment, and keep pages in a pool of their own; or an allocator without
# tags.
#
# Seen with Rust 1.95 on Linux, with a heap of 1 MiB:
#   100 aligned to 8: allocated again: true
#   100 aligned to 512: allocated again: false
#   4096 aligned to 4096: allocated again: true
#   blocks of 4096 aligned to 8: 253
#   blocks of 4096 aligned to 4096: 127
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat >Cargo.toml <<'END'
[package]
name = "again"
version = "0.1.0"
edition = "2021"

[dependencies]
talc = { version = "=5.1.1", default-features = false }
END
cat >src/main.rs <<'END'
use std::alloc::Layout;
use std::ptr::NonNull;

use talc::base::binning::DefaultBinning;
use talc::base::Talc;
use talc::source::Manual;

type Heap = Talc<Manual, DefaultBinning>;

const SIZE: usize = 1 << 20;

fn heap() -> Heap {
    let layout = Layout::from_size_align(SIZE, 4096).expect("a layout");
    let mut heap = Heap::new(Manual);
    // SAFETY: the memory is leaked for the heap.
    unsafe { heap.claim(std::alloc::alloc(layout), SIZE) }.expect("a heap");
    heap
}

fn allocate(heap: &mut Heap, layout: Layout) -> Option<NonNull<u8>> {
    // SAFETY: no layout here has the size 0.
    unsafe { heap.allocate(layout) }
}

fn main() {
    for (size, align) in [(100, 8), (100, 512), (4096, 4096)] {
        let layout = Layout::from_size_align(size, align).expect("a layout");
        let mut heap = heap();
        let small = Layout::from_size_align(40, 1).expect("a layout");
        allocate(&mut heap, small).expect("room");
        let block = allocate(&mut heap, layout).expect("room");
        allocate(&mut heap, small).expect("room");
        // Everything else is used.
        let mut rest = SIZE / 2;
        while rest > 0 {
            if allocate(&mut heap, Layout::from_size_align(rest, 1).expect("a layout")).is_none() {
                rest /= 2;
            }
        }
        // SAFETY: the block came from this heap with this layout.
        unsafe { heap.deallocate(block.as_ptr(), layout) };
        let again = allocate(&mut heap, layout).is_some();
        println!("{size} aligned to {align}: allocated again: {again}");
    }
    for align in [8, 4096] {
        let layout = Layout::from_size_align(4096, align).expect("a layout");
        let mut heap = heap();
        let count = std::iter::from_fn(|| allocate(&mut heap, layout)).count();
        println!("blocks of 4096 aligned to {align}: {count}");
    }
}
END
cargo run --quiet --release >found
cat found
diff found - <<'END'
100 aligned to 8: allocated again: true
100 aligned to 512: allocated again: false
4096 aligned to 4096: allocated again: true
blocks of 4096 aligned to 8: 253
blocks of 4096 aligned to 4096: 127
END
