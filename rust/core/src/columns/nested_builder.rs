//! Builders of the arrays of lists, structs and maps.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray, MapArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields};

use super::builder::{ScalarBuilder, TooMuchText, check_room, room};
use super::findings::Findings;
use super::kind::{ColumnKind, StructField};
use super::nested_stage::StagedRecord;
use super::nested_tree::Node;
use super::nested_types::Part;
use super::scalar::Value;
use super::strings::Strings;
use super::validity::Validity;

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
        valid: Validity,
        fields: Fields,
    },
    Map {
        keys: Strings,
        values: Box<Self>,
        spans: Spans,
        entries: FieldRef,
    },
}

/// Which elements belong to which row.
#[derive(Debug)]
pub struct Spans {
    /// Where the first begins, and each ends.
    offsets: Vec<i32>,
    valid: Validity,
}

impl Spans {
    fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        let valid = Validity::new(rows);
        Self { offsets, valid }
    }

    fn push(&mut self, count: Option<usize>) -> Result<(), TooMuchText> {
        let length = count.unwrap_or(0);
        let total = self.offsets.last().map_or(0, |&end| end as usize);
        check_room(total, length)?;
        self.offsets.push((total + length) as i32);
        self.valid.push(count.is_some());
        Ok(())
    }

    fn push_nulls(&mut self, rows: u32) {
        let end = self.offsets.last().copied().unwrap_or(0);
        self.offsets.resize(self.offsets.len() + rows as usize, end);
        self.valid.push_run(false, rows as usize);
    }

    fn finish(self) -> (OffsetBuffer<i32>, Option<NullBuffer>) {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        (offsets, self.valid.finish())
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
                keys: Strings::new(rows),
                values: Box::new(Self::new(value, rows)),
                spans: Spans::new(rows),
                entries: value.as_entries(),
            },
            ColumnKind::Struct(fields) => Self::Struct {
                columns: fields
                    .iter()
                    .map(|field| Self::new(&field.kind, rows))
                    .collect(),
                valid: Validity::new(rows),
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
                    valid.push(false);
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
                valid.push(true);
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
                        keys.push(key, text)?;
                        values.append(entry[1], nodes, text, findings)?;
                        kept += 1;
                    }
                }
                spans.push(Some(kept))
            }
        }
    }

    /// Append what is staged of the type `number` at `rows`, which are those that a record has.
    ///
    /// # Errors
    /// The same.
    pub fn append_staged(
        &mut self,
        number: u32,
        rows: Range<u32>,
        record: &StagedRecord<'_>,
    ) -> Result<(), TooMuchText> {
        let kind = record.get(number);
        match (self, &kind.part) {
            (Self::Scalar(builder), Part::Scalar(_)) => {
                builder.append_entries(record.values(number), rows, record)
            }
            (Self::List { item, spans, .. }, Part::List(of_item)) => {
                let (lists, items) = (record.opened(number), record.items(number));
                let ends = lists.iter().skip(1).map(|list| list.items);
                let mut row = rows.start;
                for (list, end) in lists.iter().zip(ends.chain([items.end])) {
                    spans.push_nulls(list.row - row);
                    spans.push((!list.null).then_some((end - list.items) as usize))?;
                    row = list.row + 1;
                }
                spans.push_nulls(rows.end - row);
                item.append_staged(*of_item, items, record)
            }
            (Self::Struct { columns, valid, .. }, Part::Struct { fields, .. }) => {
                if kind.is_struct_item {
                    valid.push_run(true, rows.len());
                } else {
                    let mut row = rows.start;
                    for opened in record.opened(number) {
                        valid.push_run(false, (opened.row - row) as usize);
                        valid.push(!opened.null);
                        row = opened.row + 1;
                    }
                    valid.push_run(false, (rows.end - row) as usize);
                }
                for (column, &field) in columns.iter_mut().zip(fields) {
                    column.append_staged(field, rows.clone(), record)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Make room for `times` as much as there is.
    pub fn reserve(&mut self, times: usize) {
        match self {
            Self::Scalar(builder) => builder.reserve(times),
            Self::List { item, spans, .. } => {
                spans.offsets.reserve(room(times, spans.offsets.len()));
                item.reserve(times);
            }
            Self::Struct { columns, .. } => {
                for column in columns {
                    column.reserve(times);
                }
            }
            Self::Map {
                keys,
                values,
                spans,
                ..
            } => {
                spans.offsets.reserve(room(times, spans.offsets.len()));
                keys.reserve(times);
                values.reserve(times);
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
                let (offsets, nulls) = spans.finish();
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
                    valid.finish(),
                )?))
            }
            Self::Map {
                keys,
                values,
                spans,
                entries,
            } => {
                let DataType::Struct(fields) = entries.data_type() else {
                    return Err(ArrowError::SchemaError("a map of no entries".into()));
                };
                let columns: Vec<ArrayRef> = vec![keys.finish(None), values.finish()?];
                let pairs = StructArray::try_new(fields.clone(), columns, None)?;
                let (offsets, nulls) = spans.finish();
                Ok(Arc::new(MapArray::try_new(
                    entries, offsets, pairs, nulls, false,
                )?))
            }
        }
    }
}
