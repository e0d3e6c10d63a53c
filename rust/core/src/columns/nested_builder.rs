//! Builders of the arrays of lists, structs and maps.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, ListArray, MapArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBufferBuilder};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields};

use super::builder::{ScalarBuilder, TooMuchText, append_string, check_room};
use super::findings::Findings;
use super::kind::{ColumnKind, StructField};
use super::nested_tree::Node;
use super::scalar::Value;

/// The builder of a type, whatever it nests.
#[derive(Debug)]
pub enum NestedBuilder {
    Scalar(ScalarBuilder),
    List {
        item: Box<Self>,
        spans: Spans,
        field: FieldRef,
    },
    Struct {
        columns: Vec<Self>,
        valid: NullBufferBuilder,
        fields: Fields,
    },
    Map {
        keys: StringBuilder,
        values: Box<Self>,
        spans: Spans,
        entries: FieldRef,
    },
}

/// Which elements belong to which row.
#[derive(Debug)]
pub struct Spans {
    offsets: OffsetBufferBuilder<i32>,
    valid: NullBufferBuilder,
    total: usize,
}

impl Spans {
    fn new(rows: usize) -> Self {
        Self {
            offsets: OffsetBufferBuilder::new(rows),
            valid: NullBufferBuilder::new(rows),
            total: 0,
        }
    }

    fn push(&mut self, count: Option<usize>) -> Result<(), TooMuchText> {
        let length = count.unwrap_or(0);
        check_room(self.total, length)?;
        self.total += length;
        self.offsets.push_length(length);
        self.valid.append(count.is_some());
        Ok(())
    }
}

impl NestedBuilder {
    /// An empty one with room for `rows`.
    pub fn new(kind: &ColumnKind, rows: usize) -> Self {
        match kind {
            ColumnKind::Scalar(kind) => Self::Scalar(ScalarBuilder::new(*kind, rows)),
            ColumnKind::List(item) => Self::List {
                item: Box::new(Self::new(item, rows)),
                spans: Spans::new(rows),
                field: item.as_field("item"),
            },
            ColumnKind::Map(value) => Self::Map {
                keys: StringBuilder::with_capacity(rows, 0),
                values: Box::new(Self::new(value, rows)),
                spans: Spans::new(rows),
                entries: value.as_entries(),
            },
            ColumnKind::Struct(fields) => Self::Struct {
                columns: fields
                    .iter()
                    .map(|field| Self::new(&field.kind, rows))
                    .collect(),
                valid: NullBufferBuilder::new(rows),
                fields: fields.iter().map(StructField::as_field).collect(),
            },
        }
    }

    /// Append `node`, whose contents are in `nodes`; any that is not of this type is null.
    ///
    /// # Errors
    /// If a leaf can't take more text, or a list more elements.
    pub fn append(
        &mut self,
        node: Node,
        nodes: &[Node],
        text: &str,
        findings: &Findings,
    ) -> Result<(), TooMuchText> {
        match self {
            Self::Scalar(builder) => {
                let value = if let Node::Value(value) = node {
                    Some(value)
                } else {
                    None
                };
                builder.append(value, text, findings)
            }
            Self::List { item, spans, .. } => {
                let Node::List { start, count, .. } = node else {
                    return spans.push(None);
                };
                let (start, count) = (start as usize, count as usize);
                for &node in &nodes[start..start + count] {
                    item.append(node, nodes, text, findings)?;
                }
                spans.push(Some(count))
            }
            Self::Struct { columns, valid, .. } => {
                let Node::Struct { start, .. } = node else {
                    for column in columns {
                        column.append(Node::Null, nodes, text, findings)?;
                    }
                    valid.append_null();
                    return Ok(());
                };
                for (column, &node) in columns.iter_mut().zip(&nodes[start as usize..]) {
                    match (column, node) {
                        (Self::Scalar(builder), Node::Value(value)) => {
                            builder.append(Some(value), text, findings)?;
                        }
                        (Self::Scalar(builder), _) => builder.append_null(),
                        (column, node) => column.append(node, nodes, text, findings)?,
                    }
                }
                valid.append_non_null();
                Ok(())
            }
            Self::Map {
                keys,
                values,
                spans,
                ..
            } => {
                let Node::Map { start, count, .. } = node else {
                    return spans.push(None);
                };
                let (start, count) = (start as usize, count as usize);
                let mut kept = 0;
                for entry in nodes[start..start + 2 * count].chunks_exact(2) {
                    if let Node::Value(Value::String(key)) = entry[0] {
                        append_string(key, text, keys)?;
                        values.append(entry[1], nodes, text, findings)?;
                        kept += 1;
                    }
                }
                spans.push(Some(kept))
            }
        }
    }

    /// The array of all that was appended.
    ///
    /// # Errors
    /// Only if the parts don't fit together: a bug.
    pub fn finish(self) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Scalar(builder) => Ok(builder.finish()),
            Self::List { item, spans, field } => {
                let (offsets, nulls) = (spans.offsets.finish(), spans.valid.build());
                Ok(Arc::new(ListArray::try_new(
                    field,
                    offsets,
                    item.finish()?,
                    nulls,
                )?))
            }
            Self::Struct {
                columns,
                valid,
                fields,
            } => {
                let columns = columns
                    .into_iter()
                    .map(Self::finish)
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(Arc::new(StructArray::try_new(
                    fields,
                    columns,
                    valid.build(),
                )?))
            }
            Self::Map {
                mut keys,
                values,
                spans,
                entries,
            } => {
                let DataType::Struct(fields) = entries.data_type() else {
                    return Err(ArrowError::SchemaError("a map of no entries".into()));
                };
                let columns: Vec<ArrayRef> = vec![Arc::new(keys.finish()), values.finish()?];
                let pairs = StructArray::try_new(fields.clone(), columns, None)?;
                let (offsets, nulls) = (spans.offsets.finish(), spans.valid.build());
                Ok(Arc::new(MapArray::try_new(
                    entries, offsets, pairs, nulls, false,
                )?))
            }
        }
    }
}
