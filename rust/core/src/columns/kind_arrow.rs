//! Types of Arrow schemas as column types.

use std::collections::HashSet;

use arrow_schema::{DECIMAL128_MAX_PRECISION, DataType, Field};
use thiserror::Error;

use super::kind::{BinaryText, ColumnKind, ScalarKind, StructField};
use super::kind_text::DEEPEST_KIND;

/// Name of the extension type for JSON text.
const JSON_EXTENSION: &str = "arrow.json";
const EXTENSION_NAME: &str = "ARROW:extension:name";

/// A field of an Arrow schema that no column type stands for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("field {field:?}: {problem}")]
pub struct ForeignField {
    /// Where it is: the names from the schema on, joined by dots.
    pub field: String,
    /// What is wrong with it, and what to write.
    pub problem: String,
}

impl ColumnKind {
    /// The type that `field` has as a column. What the column holds may differ in how it is laid out, never in what it
    /// says: all kinds of text are `string`, of binary `binary[base64]`, of lists `list`. Whether a field inside a
    /// nested type may be null does not matter.
    ///
    /// # Errors
    /// If there is no such column type.
    pub fn of_field(field: &Field) -> Result<Self, ForeignField> {
        kind(field, field.name(), 0)
    }
}

fn kind(field: &Field, path: &str, depth: usize) -> Result<ColumnKind, ForeignField> {
    let foreign = |problem: String| ForeignField {
        field: path.to_owned(),
        problem,
    };
    let inner = |field: &Field, name: &str| kind(field, &format!("{path}.{name}"), depth + 1);
    if depth > DEEPEST_KIND {
        return Err(foreign(format!(
            "more than {DEEPEST_KIND} lists, structs and maps are in each other"
        )));
    }
    Ok(match field.data_type() {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => ColumnKind::List(Box::new(inner(item, item.name())?)),
        DataType::Struct(fields) => {
            let mut names = HashSet::new();
            for name in fields.iter().map(|field| field.name()) {
                if name.is_empty() || !names.insert(name) {
                    return Err(foreign("fields of a struct need names of their own".into()));
                }
            }
            if fields.is_empty() {
                return Err(foreign("a struct needs at least one field".into()));
            }
            let fields = fields.iter().map(|field| {
                let name = field.name().clone();
                let kind = inner(field, &name)?;
                Ok(StructField { name, kind })
            });
            ColumnKind::Struct(fields.collect::<Result<_, _>>()?)
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 && is_text(fields[0].data_type()) => {
                ColumnKind::Map(Box::new(inner(&fields[1], fields[1].name())?))
            }
            _ => return Err(foreign("the keys of a map must be strings".into())),
        },
        other => ColumnKind::Scalar(scalar(field, other).map_err(foreign)?),
    })
}

fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

/// An error is what is wrong, with what to write instead where there is something.
fn scalar(field: &Field, data_type: &DataType) -> Result<ScalarKind, String> {
    let instead = |other: &str| Err(format!("there is no column type for {data_type}; {other}"));
    match data_type {
        DataType::Boolean => Ok(ScalarKind::Bool),
        DataType::Int64 => Ok(ScalarKind::Int64),
        DataType::Float64 => Ok(ScalarKind::Float64),
        text if is_text(text) => {
            let extension = field.metadata().get(EXTENSION_NAME);
            let json = extension.is_some_and(|name| name == JSON_EXTENSION);
            Ok(if json {
                ScalarKind::Json
            } else {
                ScalarKind::String
            })
        }
        DataType::Date32 => Ok(ScalarKind::Date),
        &DataType::Decimal128(precision, scale) => {
            let possible = (1..=DECIMAL128_MAX_PRECISION).contains(&precision);
            match u8::try_from(scale) {
                Ok(scale) if possible && scale <= precision => {
                    Ok(ScalarKind::Decimal { precision, scale })
                }
                _ => instead("use a scale from 0 to the precision"),
            }
        }
        DataType::Timestamp(unit, Some(zone)) if is_utc(zone) => Ok(ScalarKind::Timestamp(*unit)),
        DataType::Timestamp(_, _) => instead("use the time zone UTC"),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            Ok(ScalarKind::Binary(BinaryText::Base64))
        }
        integer if integer.is_integer() => instead("use int64"),
        float if float.is_floating() => instead("use float64"),
        decimal if decimal.is_decimal() => instead("use decimal128"),
        DataType::Date64 => instead("use date32"),
        DataType::FixedSizeBinary(_) => instead("use binary for base64, string for other text"),
        DataType::FixedSizeList(_, _) => instead("use list"),
        DataType::Dictionary(_, _) | DataType::RunEndEncoded(_, _) => {
            instead("use the type of its values")
        }
        _ => instead("use string, or declare the column as json"),
    }
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "Etc/UTC" | "+00:00" | "Z")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::{DataType, Field, Fields, TimeUnit};

    use super::{ColumnKind, EXTENSION_NAME, JSON_EXTENSION};

    fn kind(data_type: DataType) -> Result<String, String> {
        ColumnKind::of_field(&Field::new("a", data_type, true))
            .map(|kind| kind.to_string())
            .map_err(|error| error.to_string())
    }

    /// Every column type is found again in the Arrow type it has.
    #[test]
    fn column_types_come_back() {
        for text in [
            "bool",
            "int64",
            "float64",
            "string",
            "date",
            "decimal(38, 9)",
            "timestamp[s, UTC]",
            "timestamp[ns, UTC]",
            "binary[base64]",
            "list<list<int64>>",
            r#"struct<a: int64, "b c": map<string, list<date>>>"#,
        ] {
            let data_type = text.parse::<ColumnKind>().unwrap().data_type();
            assert_eq!(kind(data_type).unwrap(), text);
        }
    }

    /// What says the same in another layout is the same column type.
    #[test]
    fn layout_does_not_matter() {
        let item = || Arc::new(Field::new("element", DataType::LargeUtf8, false));
        for (data_type, text) in [
            (DataType::Utf8View, "string"),
            (DataType::LargeBinary, "binary[base64]"),
            (DataType::BinaryView, "binary[base64]"),
            (DataType::LargeList(item()), "list<string>"),
            (DataType::ListView(item()), "list<string>"),
            (
                DataType::Timestamp(TimeUnit::Millisecond, Some("+00:00".into())),
                "timestamp[ms, UTC]",
            ),
        ] {
            assert_eq!(kind(data_type).unwrap(), text);
        }
        let json = [(EXTENSION_NAME.to_owned(), JSON_EXTENSION.to_owned())];
        let field = Field::new("a", DataType::Utf8, true).with_metadata(json.into());
        assert_eq!(ColumnKind::of_field(&field).unwrap().to_string(), "json");
    }

    /// What can't be a column is named, with what to use instead.
    #[test]
    fn foreign_types_are_refused_by_name() {
        let inside = Fields::from(vec![Field::new("b", DataType::Int32, true)]);
        let twice = Fields::from(vec![
            Field::new("b", DataType::Int64, true),
            Field::new("b", DataType::Int64, true),
        ]);
        for (data_type, problem) in [
            (
                DataType::Int32,
                "field \"a\": there is no column type for Int32; use int64",
            ),
            (
                DataType::Struct(inside),
                "field \"a.b\": there is no column type for Int32; use int64",
            ),
            (DataType::Float32, "use float64"),
            (DataType::Date64, "use date32"),
            (DataType::Decimal128(5, -1), "use a scale from 0"),
            (DataType::Decimal256(5, 1), "use decimal128"),
            (
                DataType::Timestamp(TimeUnit::Second, None),
                "use the time zone UTC",
            ),
            (
                DataType::Timestamp(TimeUnit::Second, Some("Europe/Berlin".into())),
                "use the time zone UTC",
            ),
            (DataType::FixedSizeBinary(16), "use binary"),
            (
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
                "use the type of its values",
            ),
            (DataType::Null, "use string"),
            (DataType::Struct(Fields::empty()), "at least one field"),
            (DataType::Struct(twice), "names of their own"),
        ] {
            let found = kind(data_type).unwrap_err();
            assert!(found.contains(problem), "{found}");
        }
    }

    /// Keys of maps are strings, and depth is bounded.
    #[test]
    fn maps_and_depth_are_checked() {
        let entries = Fields::from(vec![
            Field::new("key", DataType::Int64, false),
            Field::new("value", DataType::Int64, true),
        ]);
        let entries = Arc::new(Field::new("entries", DataType::Struct(entries), false));
        let found = kind(DataType::Map(entries, false)).unwrap_err();
        assert!(found.contains("keys of a map must be strings"), "{found}");
        let nested = |depth| {
            (0..depth).fold(DataType::Int64, |inner, _| {
                DataType::List(Arc::new(Field::new("item", inner, true)))
            })
        };
        assert!(kind(nested(16)).is_ok());
        assert!(kind(nested(17)).unwrap_err().contains("more than 16"));
    }
}
