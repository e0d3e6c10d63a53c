//! Memory that will be read soon.

#![allow(unsafe_code, reason = "an instruction that the language does not have")]

/// Bytes of a line of the cache on most machines; on others some are asked for twice, or every second one.
const LINE: usize = 64;

/// Have `bytes` brought near by the time that they are read. Says and changes nothing.
#[inline(always)]
pub fn prefetch(bytes: &[u8]) {
    for line in bytes.chunks(LINE) {
        if let Some(first) = line.first() {
            prefetch_line(first);
        }
    }
}

/// The same of the one line in which `value` begins.
#[inline(always)]
pub fn prefetch_line<T>(value: &T) {
    let line = std::ptr::from_ref(value);
    // SAFETY: SSE is part of the target; a prefetch reads nothing that a program sees, and can't fail.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(line.cast());
    }
    // SAFETY: the same; it has no operand but the address.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!(
            "prfm pldl2keep, [{line}]",
            line = in(reg) line,
            options(nostack, preserves_flags, readonly)
        );
    }
}
