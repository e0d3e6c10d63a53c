//! Record batches, whole and damaged, honest and lying: what comes out of them, held against a slow reader.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod batches;
mod codecs;
mod damage;
mod fetches;
mod random;
mod reading;
mod slow;
mod transactions;
