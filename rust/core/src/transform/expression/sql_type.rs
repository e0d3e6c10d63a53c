//! The types that SQL names, as columns' types.

use arrow_schema::TimeUnit;
use sqlparser::ast::{DataType, ExactNumberInfo};

use crate::columns::{ColumnKind, ScalarKind};

/// What a cast can be to; `None` for everything else.
pub fn kind_of(data_type: &DataType) -> Option<ScalarKind> {
    match data_type {
        DataType::BigInt(None)
        | DataType::Int64
        | DataType::Int(None)
        | DataType::Integer(None)
        | DataType::Int8(None) => Some(ScalarKind::Int64),
        DataType::Double(_) | DataType::DoublePrecision | DataType::Float64 | DataType::Float8 => {
            Some(ScalarKind::Float64)
        }
        DataType::Varchar(None) | DataType::Text | DataType::String(None) => {
            Some(ScalarKind::String)
        }
        DataType::Boolean | DataType::Bool => Some(ScalarKind::Bool),
        DataType::Date => Some(ScalarKind::Date),
        DataType::Timestamp(None, _) => Some(ScalarKind::Timestamp(TimeUnit::Microsecond)),
        DataType::Decimal(ExactNumberInfo::PrecisionAndScale(precision, scale))
        | DataType::Numeric(ExactNumberInfo::PrecisionAndScale(precision, scale)) => {
            match format!("decimal({precision}, {scale})").parse().ok()? {
                ColumnKind::Scalar(kind) => Some(kind),
                _ => None,
            }
        }
        _ => None,
    }
}
