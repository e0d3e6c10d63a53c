//! Any bytes as record batches: the reader against the slow one.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use penstock_fuzz::frame;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    if frame::read(bytes) {
        Corpus::Keep
    } else {
        Corpus::Reject
    }
});
