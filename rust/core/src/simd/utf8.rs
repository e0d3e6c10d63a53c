//! Whether bytes are UTF-8.
//!
//! By a crate instead of our own kernels: it is the algorithm one would write (three table lookups per byte, Keiser and
//! Lemire), is fuzzed against the standard library, is what arrow and parquet use, and picks AVX2, SSE 4.2 or NEON by
//! itself. `PENSTOCK_ISA` does not reach it.

/// Whether `bytes` are UTF-8. Does not say where they aren't: the standard library does.
#[inline]
#[must_use]
pub fn is_utf8(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_ok()
}
