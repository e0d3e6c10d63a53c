//! Arrow record batches to Parquet data files in memory, whose finished bytes leave before the file ends.
//!
//! One [`DataFile`] is one file. How its columns are encoded is decided once, from the first rows
//! ([`settings`]), because a Parquet writer fixes it when the file begins.

mod cardinality;
mod data_file;
mod settings;
mod sink;

pub use data_file::{DataFile, Usage};
pub use settings::{EncodeConfig, Layout};
