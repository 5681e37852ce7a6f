//! See [`vmos_fuzz::frames`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vmos_fuzz::frames(bytes));
