//! See [`vmos_fuzz::board`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vmos_fuzz::board(bytes));
