//! See [`vmos_fuzz::dhcp_answers`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vmos_fuzz::dhcp_answers(bytes));
