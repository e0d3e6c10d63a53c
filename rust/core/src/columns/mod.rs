//! Declared columns: which types there are, which JSON values fit them, and the Arrow arrays they become.

mod binary;
mod column;
mod kind;
mod time;

pub use column::{Column, Misfit, TooMuchText, append_text};
pub use kind::{BinaryText, ColumnKind, KindError};
