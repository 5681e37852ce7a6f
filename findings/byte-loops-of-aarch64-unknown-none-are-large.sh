#!/usr/bin/env bash
# With opt-level 2 or 3, rustc 1.95.0 compiles a short loop over 64 bytes to 1,228 bytes of code for
# aarch64-unknown-none, and to 56 bytes if the bytes are aligned to 16.
#
# The target forbids unaligned accesses, because memory is Device memory until the MMU is on. LLVM vectorises
# the loop nevertheless: it loads each of the 64 bytes alone, inserts it in a vector register, computes four
# vectors and stores them byte by byte. opt-level "s", "z" and 1 do not do it. This multiplies the size of
# drivers and protocols that change bytes in place.
#
# Way out: a buffer type with `#[repr(align(16))]`, or opt-level "s".
#
# Seen, as bytes of the section .text:
#   opt-level 3, aligned to 1: 1228
#   opt-level s, aligned to 1: 40
#   opt-level 3, aligned to 16: 56
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
rustup toolchain install 1.95.0 --profile minimal --target aarch64-unknown-none >/dev/null 2>&1

cat >loop.rs <<'END'
#![no_std]
#![crate_type = "lib"]

#[repr(C, align(ALIGNMENT))]
pub struct Block([u8; 64]);

#[no_mangle]
pub fn change(block: &mut Block, add: u8) {
    for byte in &mut block.0 {
        *byte = byte.wrapping_mul(3).wrapping_add(add);
    }
}
END

# Prints the size of the function's code.
measure() {
    sed "s/ALIGNMENT/$2/" loop.rs >"loop-$2.rs"
    rustc +1.95.0 --target aarch64-unknown-none -C opt-level="$1" --emit obj -o loop.o "loop-$2.rs"
    python3 - <<'END'
import struct

# The section headers of an ELF64 file: the code is in the sections that are executable.
data = open("loop.o", "rb").read()
offset, = struct.unpack_from("<Q", data, 40)
entry, count = struct.unpack_from("<HH", data, 58)
headers = [struct.unpack_from("<IIQQQQ", data, offset + entry * n) for n in range(count)]
print(sum(size for _, _, flags, _, _, size in headers if flags & 4))
END
}

for case in '3 1' 's 1' '3 16'; do
    set -- $case
    echo "opt-level $1, aligned to $2: $(measure "$1" "$2")"
done >found
cat found
diff found - <<'END'
opt-level 3, aligned to 1: 1228
opt-level s, aligned to 1: 40
opt-level 3, aligned to 16: 56
END
