#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tokctl::properties::by_address(data));
