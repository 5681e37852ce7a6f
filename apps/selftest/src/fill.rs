//! Checks the routine that fills memory.

use core::hint::black_box;

/// What is around the part that is filled.
const UNTOUCHED: u8 = 0x5A;
/// Longer than any step of a routine, twice.
const LONGEST: usize = 300;
/// Every alignment that matters.
const OFFSETS: usize = 17;

/// Fills memory of every alignment and length with zeros and with other bytes, and looks that this
/// much and no more was written.
///
/// # Panics
///
/// Where that is not so.
pub(crate) fn check() {
    let mut memory = [0; OFFSETS + LONGEST + OFFSETS];
    for offset in 0..OFFSETS {
        for length in 0..=LONGEST {
            for byte in [0, 0xC3] {
                // A loop over volatile bytes is not made into a call of the routine.
                for place in &mut memory {
                    // SAFETY: it is a place in an array of ours.
                    unsafe { core::ptr::write_volatile(place, UNTOUCHED) };
                }
                black_box(&mut memory)[offset..offset + length].fill(black_box(byte));
                if byte == 0 {
                    // A known zero may be another routine's.
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
