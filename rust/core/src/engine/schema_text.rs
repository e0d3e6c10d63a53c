//! A table's columns in words that stay the same when libraries change: those Arrow's C++ and Python print. Views are
//! the same text.

use std::fmt::Write as _;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use serde_json::{Value, json};

/// A JSON list of `{name, type, nullable}`, in order.
pub fn json(schema: &Schema) -> Value {
    let columns = schema
        .fields()
        .iter()
        .map(|field| json!({"name": field.name(), "type": text(field.data_type()), "nullable": field.is_nullable()}))
        .collect();
    Value::Array(columns)
}

fn text(kind: &DataType) -> String {
    match kind {
        DataType::Boolean => "bool".into(),
        DataType::Int32 => "int32".into(),
        DataType::Int64 => "int64".into(),
        DataType::Float64 => "double".into(),
        DataType::Utf8 | DataType::Utf8View => "string".into(),
        DataType::Binary => "binary".into(),
        DataType::FixedSizeBinary(width) => format!("fixed_size_binary[{width}]"),
        DataType::Date32 => "date32[day]".into(),
        DataType::Decimal128(precision, scale) => format!("decimal128({precision}, {scale})"),
        DataType::Timestamp(unit, zone) => {
            let zone = zone
                .as_deref()
                .map_or(String::new(), |zone| format!(", tz={zone}"));
            format!("timestamp[{}{zone}]", unit_text(*unit))
        }
        DataType::List(item) => format!("list<{}>", field_text(item)),
        DataType::Struct(fields) => {
            format!(
                "struct<{}>",
                fields
                    .iter()
                    .map(|field| field_text(field))
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        }
        DataType::Map(entries, _) => map_text(entries),
        other => other.to_string(),
    }
}

const fn unit_text(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

fn field_text(field: &Field) -> String {
    let not_null = if field.is_nullable() { "" } else { " not null" };
    format!("{}: {}{not_null}", field.name(), text(field.data_type()))
}

fn map_text(entries: &Field) -> String {
    let mut map = String::from("map<");
    if let DataType::Struct(fields) = entries.data_type() {
        let parts = fields
            .iter()
            .map(|field| text(field.data_type()))
            .collect::<Vec<_>>();
        let _ = write!(map, "{}", parts.join(", "));
    }
    map + ">"
}
