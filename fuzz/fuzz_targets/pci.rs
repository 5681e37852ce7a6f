//! See [`vmos_fuzz::pci`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vmos_fuzz::pci(bytes));
