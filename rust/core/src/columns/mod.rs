//! Declared columns: which types there are, which JSON values fit them, and the Arrow arrays they become.

mod binary;
mod builder;
mod cells;
mod coerce;
mod column;
mod common_time;
mod expected;
mod findings;
mod fixed_width;
mod kind;
mod kind_arrow;
mod kind_text;
mod nested;
mod nested_builder;
mod nested_layout;
mod nested_read;
mod nested_scan;
mod nested_stage;
mod nested_tree;
mod nested_types;
mod patch;
mod path;
mod scalar;
mod slab;
mod stage;
mod strings;
mod text_column;
mod time;
mod validity;
mod views;

pub use builder::{TooMuchText, append_text, timestamp_units, timestamps};
pub use cells::{Cells, Oddity};
pub use column::{Column, Surroundings, present};
pub use common_time::common_timestamp;
pub(crate) use expected::Expected;
pub use findings::{Findings, Undeclared};
pub use kind::{BinaryText, ColumnKind, ScalarKind, StructField};
pub use kind_arrow::ForeignField;
pub use kind_text::{DEEPEST_KIND, KindError};
pub(crate) use nested_stage::NestedStage;
pub use patch::Patch;
pub use path::extend_path;
pub use scalar::Misfit;
pub(crate) use slab::{Bytes, Place, Plain, Slabs, Texts};
pub(crate) use stage::{BLOCK_RECORDS, Stage};
pub(crate) use text_column::append_text as append_plain_text;
pub use time::{
    check_timestamp, parse_date, parse_instant, parse_timestamp, units_per_second, write_date,
    write_timestamp,
};
pub(crate) use views::{Views, view, view_of};
