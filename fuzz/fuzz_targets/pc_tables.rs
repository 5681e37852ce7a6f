//! See [`vmos_fuzz::pc_tables`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vmos_fuzz::pc_tables(bytes));
