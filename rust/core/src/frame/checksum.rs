//! CRC-32C, with the processor's instructions for it.
//!
//! By `crc-fast`, which folds with carry-less multiplication beside the CRC instruction: from the cache 55 GB/s with AVX-512,
//! where `crc32c`, with that instruction alone, has 27; it does the same with what SSE4.2 and arm64 have for it.

/// The checksum of `bytes`.
#[inline]
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}
