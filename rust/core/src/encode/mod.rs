//! Arrow record batches to Parquet data files in memory, whose finished bytes leave before the file ends.
//!
//! One [`DataFile`] is one file. How its columns are encoded is decided once, from the first rows
//! ([`settings`]), because a Parquet writer fixes it when the file begins.

mod bounds;
mod cardinality;
mod chunk;
mod column;
mod columns;
mod data_file;
mod dictionary;
mod packing;
mod page_header;
mod rows;
mod settings;
mod sink;
mod slots;
mod text_page;
mod valid;
mod values;
mod view;

pub use data_file::{DataFile, Usage};
pub use settings::{EncodeConfig, Layout};
pub use sink::FileChunk;
