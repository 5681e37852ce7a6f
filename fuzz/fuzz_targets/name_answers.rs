//! See [`vmos_fuzz::name_answers`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vmos_fuzz::name_answers(bytes));
