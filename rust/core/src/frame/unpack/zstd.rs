//! Zstandard frames.

use zstd::zstd_safe::{self, DCtx};

use super::Trouble;

/// `ZSTD_error_dstSize_tooSmall`.
const OUTPUT_TOO_SMALL: usize = 70;

/// A context for one batch after the other.
#[derive(Default)]
pub struct Zstd(Option<DCtx<'static>>);

/// What the first frame says will come out.
pub fn claimed(input: &[u8]) -> Option<u64> {
    zstd_safe::get_frame_content_size(input).ok().flatten()
}

impl Zstd {
    pub fn decompress(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize, Trouble> {
        let context = match &mut self.0 {
            Some(context) => context,
            none => {
                let context = DCtx::try_create().ok_or(Trouble::Corrupt("out of memory"))?;
                none.insert(context)
            }
        };
        // In one call, so that it writes to the output without a window of its own in between.
        context.decompress(output, input).map_err(|code| {
            if code.wrapping_neg() == OUTPUT_TOO_SMALL {
                Trouble::Full
            } else {
                Trouble::Corrupt(zstd_safe::get_error_name(code))
            }
        })
    }
}
