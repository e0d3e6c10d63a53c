//! What a column's values nearly always look like.

use arrow_schema::TimeUnit;

use super::kind::{ColumnKind, ScalarKind};
use crate::json::Kind;

/// The form of a value that is most likely, and what is staged of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A string, of which a view is staged.
    Text,
    /// A string: a date-time, of which the units since the epoch are staged.
    Time(TimeUnit),
    /// A number, which is staged as an int64.
    Integer,
    /// A number, which is staged as a float64.
    Float,
    /// `true` or `false`, staged as 1 or 0.
    Bool,
    /// A string, of which nothing is staged.
    String,
    /// A number, of which nothing is staged.
    Number,
    /// Of another kind or of any.
    Other,
}

impl Expected {
    /// What to expect of a column of `kind` (none: there is no column), of which one value was a `seen`.
    #[inline]
    pub fn of(kind: Option<&ColumnKind>, seen: Kind) -> Self {
        let scalar = match kind {
            Some(ColumnKind::Scalar(kind)) => Some(*kind),
            _ => None,
        };
        match (scalar, seen) {
            (Some(ScalarKind::String), Kind::String { .. } | Kind::Null) => Self::Text,
            (Some(ScalarKind::Timestamp(unit)), Kind::String { .. } | Kind::Null) => {
                Self::Time(unit)
            }
            (Some(ScalarKind::Int64), Kind::Number { .. } | Kind::Null) => Self::Integer,
            (Some(ScalarKind::Float64), Kind::Number { .. } | Kind::Null) => Self::Float,
            (Some(ScalarKind::Bool), Kind::Bool(_) | Kind::Null) => Self::Bool,
            (_, Kind::String { .. }) => Self::String,
            (_, Kind::Number { .. }) => Self::Number,
            _ => Self::Other,
        }
    }
}
