//! What compresses pages, lent to the file that is encoding: open files are many, and few of them encode at once.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use parquet::errors::ParquetError;

use super::chunk::Compressor;
use super::settings::EncodeConfig;

/// Compressors of one level, used again and again; as many as files were encoded at once. Shared by threads.
pub struct Compressors {
    config: EncodeConfig,
    idle: Mutex<Vec<Compressor>>,
}

impl Compressors {
    /// For files with these settings.
    #[must_use]
    pub fn new(config: EncodeConfig) -> Self {
        Self {
            config,
            idle: Mutex::default(),
        }
    }

    /// Lends one for as long as `work` takes.
    pub(super) fn lend<T>(
        &self,
        work: impl FnOnce(&mut Compressor) -> Result<T, ParquetError>,
    ) -> Result<T, ParquetError> {
        let idle = self.idle().pop();
        let mut compressor = match idle {
            Some(compressor) => compressor,
            None => Compressor::new(self.config.level()?)?,
        };
        let done = work(&mut compressor);
        self.idle().push(compressor);
        done
    }

    /// Bytes of memory of those that are not lent.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        let mut idle = self.idle();
        idle.iter_mut().map(Compressor::memory_size).sum()
    }

    /// A push or pop is all that happens under the lock.
    fn idle(&self) -> MutexGuard<'_, Vec<Compressor>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Compressors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Compressors");
        debug.field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::chunk::Chunk;
    use super::super::page_header::Contents;
    use super::*;

    fn compress(compressor: &mut Compressor) -> Result<(), ParquetError> {
        let contents = Contents::Dictionary { values: 1 };
        Chunk::default().add(contents, &vec![7; 100_000], compressor)
    }

    #[test]
    fn one_is_kept_for_those_who_come_one_after_the_other() {
        let compressors = Compressors::new(EncodeConfig::default());
        assert_eq!(compressors.kept_bytes(), 0);
        compressors.lend(compress).unwrap();
        let kept = compressors.kept_bytes();
        assert!(kept > 100_000);
        compressors.lend(compress).unwrap();
        assert_eq!(compressors.kept_bytes(), kept);
    }

    #[test]
    fn those_who_come_at_once_have_one_each() {
        let compressors = Compressors::new(EncodeConfig::default());
        compressors.lend(compress).unwrap();
        let one = compressors.kept_bytes();
        let both = |compressor: &mut Compressor| {
            compressors.lend(compress)?;
            compress(compressor)
        };
        compressors.lend(both).unwrap();
        assert_eq!(compressors.kept_bytes(), 2 * one);
    }

    #[test]
    fn one_that_failed_is_of_use() {
        let compressors = Compressors::new(EncodeConfig::default());
        let failed = compressors.lend(|_| Err::<(), _>(ParquetError::General("full".into())));
        assert!(failed.is_err());
        compressors.lend(compress).unwrap();
    }
}
