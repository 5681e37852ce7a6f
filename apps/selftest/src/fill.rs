//! Tests the kernel's `memset`.

use core::hint::black_box;

/// The value of the memory around the filled part.
const UNTOUCHED: u8 = 0x5A;
/// The longest fill: more than twice the number of bytes that any implementation writes at once.
const LONGEST: usize = 300;
/// The number of offsets, covering every alignment.
const OFFSETS: usize = 17;

/// Fills memory of every alignment and length with zeros and with other bytes, and checks that no
/// other byte was written.
///
/// # Panics
///
/// If a byte is wrong.
pub(crate) fn check() {
    let mut memory = [0; OFFSETS + LONGEST + OFFSETS];
    for offset in 0..OFFSETS {
        for length in 0..=LONGEST {
            for byte in [0, 0xC3] {
                // A loop over volatile bytes is not compiled to a call of `memset`.
                for place in &mut memory {
                    // SAFETY: the place is in our array.
                    unsafe { core::ptr::write_volatile(place, UNTOUCHED) };
                }
                black_box(&mut memory)[offset..offset + length].fill(black_box(byte));
                if byte == 0 {
                    // With a known zero, the compiler may call another function.
                    black_box(&mut memory)[offset..offset + length].fill(0);
                }
                for (index, &found) in black_box(&memory).iter().enumerate() {
                    let inside = (offset..offset + length).contains(&index);
                    let expected = if inside { byte } else { UNTOUCHED };
                    assert_eq!(
                        found, expected,
                        "byte {index} after {length} bytes were filled from {offset} on"
                    );
                }
            }
        }
    }
}
