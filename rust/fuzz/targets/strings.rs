//! Any bytes as the inside of a JSON string.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| penstock_fuzz::strings::check(bytes));
