//! Penstock's core: everything that computes. Synchronous, CPU only; no Python, no network, no logging, no globals.
//!
//! Before the first one, `infer` finds columns for records whose pipeline declares none. The path of a poll: `decode` turns record values into columns and rejections, `encode` appends the rows to open
//! Parquet files, `engine` owns those files and ties both together. What happened comes back as a report.

pub mod columns;
pub mod decode;
pub mod encode;
pub mod engine;
pub mod error;
pub mod frame;
pub mod infer;
pub mod json;
pub mod report;
pub mod simd;
pub mod transform;

pub use engine::Engine;
pub use error::EngineError;
pub use report::Report;
