//! What the core does with any bytes, held against a slow and plain reading of the same rules.
//!
//! A target is a function of bytes that panics when the two differ. `input` makes record values and a configuration of
//! the bytes, `reference` says what must become of each value, `check` decodes them and compares.

pub mod cell;
pub mod check;
pub mod configuration;
pub mod filter;
pub mod frame;
pub mod input;
pub mod reference;
pub mod strings;
