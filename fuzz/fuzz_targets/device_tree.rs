//! See [`vmos_fuzz::device_tree`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vmos_fuzz::device_tree(bytes));
