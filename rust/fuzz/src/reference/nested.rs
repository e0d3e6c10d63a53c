//! What a column of any type holds for a value, and what it leaves beside.

use penstock_core::columns::{ColumnKind, StructField};
use penstock_core::decode::Drift;

use super::extended;
use super::scalar::{self, Misfit};
use super::value::{Kind, Value};
use crate::cell::Cell;

/// What a value that fits leaves beside its column.
#[derive(Debug, Default)]
pub struct Beside<'v, 't> {
    pub drift: Drift,
    /// What goes to the residue: the path below the column's, and the value.
    pub places: Vec<(String, &'v Value<'t>)>,
}

/// The value in `kind`; null in a null.
///
/// # Errors
/// If it does not fit; then nothing is beside it.
pub fn fit<'v, 't>(
    kind: &ColumnKind,
    value: &'v Value<'t>,
    coerce: bool,
) -> Result<(Cell, Beside<'v, 't>), Misfit> {
    let mut fitting = Fitting {
        coerce,
        beside: Beside::default(),
    };
    let cell = fitting.fit(kind, value, Some(""))?;
    Ok((cell, fitting.beside))
}

struct Fitting<'v, 't> {
    coerce: bool,
    beside: Beside<'v, 't>,
}

impl<'v, 't> Fitting<'v, 't> {
    /// `path` is the value's below the column's; none inside a list or map, where a path names no one value.
    fn fit(
        &mut self,
        kind: &ColumnKind,
        value: &'v Value<'t>,
        path: Option<&str>,
    ) -> Result<Cell, Misfit> {
        let unknown_before = self.beside.drift.unknown_key;
        let cell = match (kind, value.kind) {
            (_, Kind::Null) => return Ok(Cell::Null),
            (ColumnKind::Scalar(kind), _) => {
                let (cell, coerced) = scalar::fit(*kind, value, self.coerce)?;
                self.beside.drift.coerced += u64::from(coerced);
                return Ok(cell);
            }
            (ColumnKind::Struct(fields), Kind::Object) => {
                return self.fit_struct(fields, value, path);
            }
            (ColumnKind::List(item), Kind::Array) => {
                let elements = value.elements.iter();
                let cells: Result<_, _> = elements
                    .map(|element| self.fit(item, element, None))
                    .collect();
                Cell::List(cells?)
            }
            (ColumnKind::Map(of), Kind::Object) => {
                let (members, repeats) = value.last_members();
                self.beside.drift.duplicate_key += repeats;
                let mut entries = Vec::new();
                for (key, member) in members {
                    entries.push((key.to_owned(), self.fit(of, member, None)?));
                }
                Cell::Map(entries)
            }
            _ => return Err(Misfit::TypeMismatch),
        };
        if let Some(path) = path
            && self.beside.drift.unknown_key > unknown_before
        {
            self.beside.places.push((path.to_owned(), value));
        }
        Ok(cell)
    }

    fn fit_struct(
        &mut self,
        fields: &[StructField],
        value: &'v Value<'t>,
        path: Option<&str>,
    ) -> Result<Cell, Misfit> {
        let below = |key: &str| path.map(|path| extended(path, key));
        let (members, repeats) = value.last_members();
        self.beside.drift.duplicate_key += repeats;
        let mut cells = Vec::new();
        for field in fields {
            let member = members.iter().find(|(key, _)| *key == field.name);
            cells.push(match member {
                Some((_, member)) => {
                    self.fit(&field.kind, member, below(&field.name).as_deref())?
                }
                None => Cell::Null,
            });
        }
        for (key, member) in members {
            if fields.iter().all(|field| field.name != key) {
                self.beside.drift.unknown_key += 1;
                self.beside
                    .places
                    .extend(below(key).map(|path| (path, member)));
            }
        }
        Ok(Cell::Struct(cells))
    }
}
