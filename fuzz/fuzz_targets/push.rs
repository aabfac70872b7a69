//! See `meshhook_fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| meshhook_fuzz::push(data));
