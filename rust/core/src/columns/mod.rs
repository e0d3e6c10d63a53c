//! Declared columns: which types there are, which JSON values fit them, and the Arrow arrays they become.

mod binary;
mod column;
mod kind;
mod time;

pub use column::{Column, Misfit, TooMuchText, append_text, timestamp_units, timestamps};
pub use kind::{BinaryText, ColumnKind, KindError, type_name};
pub use time::{
    check_timestamp, parse_date, parse_instant, parse_timestamp, units_per_second, write_date,
    write_timestamp,
};
