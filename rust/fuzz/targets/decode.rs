//! Any bytes as record values, under any configuration: the decoder against the reference.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use penstock_fuzz::check;
use penstock_fuzz::input::Input;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Some(input) = Input::new(bytes) else {
        return Corpus::Reject;
    };
    check::decode(&input);
    Corpus::Keep
});
