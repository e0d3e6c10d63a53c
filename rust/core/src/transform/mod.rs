//! The steps between decoding and writing: filter, select, redact.
//!
//! `compiler` makes a program of the configured steps and the declared columns, with all mistakes at once; `program`
//! carries it out on every batch. `expression` is the language of filters, `redact` what must not be in the table.
//! Nothing here can fail because of what a record says.

mod cast;
mod compiler;
mod config;
mod derived;
mod explain;
mod expression;
mod filter;
mod problem;
mod program;
mod redact;
mod scope;
mod select;

pub use config::StepConfig;
pub use explain::Explained;
pub use problem::Problem;
pub use program::{Program, Transformed};
