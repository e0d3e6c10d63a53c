//! One column of one decode call, filled from a block of records at a time.

use arrow_array::ArrayRef;
use arrow_buffer::Buffer;
use arrow_schema::ArrowError;

use super::builder::{ScalarBuilder, TooMuchText};
use super::cells::{Cells, Oddity};
use super::findings::Findings;
use super::fixed_width::FixedWidth;
use super::kind::{ColumnKind, ScalarKind};
use super::nested::Nested;
use super::scalar::fit;
use super::slab::Plain;
use super::text_column::{append_strings, append_written};
use super::views::Views;
use crate::json::{Kind, Token};
use crate::simd::Isa;

/// What a column needs beside the values.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// Takes what escapes stand for.
    pub plain: &'a mut Plain,
    /// All text goes to `plain`, so that the array views nothing else.
    pub copied: bool,
    /// Counts of all values, and scratch of one.
    pub findings: &'a mut Findings,
    /// Compiles what there are kernels for.
    pub isa: Isa,
}

/// A column's builder.
#[derive(Debug)]
pub struct Column(Builder);

#[derive(Debug)]
enum Builder {
    /// Strings and kept JSON.
    Text(ScalarKind, Views),
    FixedWidth(FixedWidth),
    Scalar(ScalarKind, ScalarBuilder),
    Nested(Box<Nested>),
}

impl Column {
    /// An empty column with room for `rows`.
    #[must_use]
    pub fn new(kind: &ColumnKind, rows: usize) -> Self {
        Self(match kind {
            ColumnKind::Scalar(kind @ (ScalarKind::String | ScalarKind::Json)) => {
                Builder::Text(*kind, Views::new(rows))
            }
            ColumnKind::Scalar(kind) => match FixedWidth::new(*kind, rows) {
                Some(builder) => Builder::FixedWidth(builder),
                None => Builder::Scalar(*kind, ScalarBuilder::new(*kind, rows)),
            },
            _ => Builder::Nested(Box::new(Nested::new(kind, rows))),
        })
    }

    /// Append the value of each record, or null. What does not show in the column goes to `odd` with its record.
    ///
    /// # Errors
    /// If the column can't take more text; the call is lost then.
    pub fn append(
        &mut self,
        cells: Cells<'_>,
        around: &mut Surroundings<'_>,
        odd: &mut dyn FnMut(u32, Oddity),
    ) -> Result<(), TooMuchText> {
        match &mut self.0 {
            Builder::Text(ScalarKind::String, views) => {
                append_strings(views, cells, around, odd);
                Ok(())
            }
            Builder::Text(_, views) => {
                append_written(views, cells, around);
                Ok(())
            }
            Builder::FixedWidth(builder) => {
                builder.append(cells, around, odd);
                Ok(())
            }
            Builder::Scalar(kind, builder) => append_scalars(*kind, builder, cells, around, odd),
            Builder::Nested(nested) => append_nested(nested, cells, around, odd),
        }
    }

    /// The array of all rows appended, of the kind's data type. `slabs` are those of the texts, by their numbers.
    ///
    /// # Errors
    /// Only if the parts of a nested column don't fit together: a bug.
    pub fn finish(self, slabs: &[Buffer]) -> Result<ArrayRef, ArrowError> {
        match self.0 {
            Builder::Text(_, views) => Ok(views.finish(slabs)),
            Builder::FixedWidth(builder) => Ok(builder.finish()),
            Builder::Scalar(_, builder) => Ok(builder.finish()),
            Builder::Nested(nested) => nested.finish(),
        }
    }
}

fn append_scalars(
    kind: ScalarKind,
    builder: &mut ScalarBuilder,
    cells: Cells<'_>,
    around: &mut Surroundings<'_>,
    odd: &mut dyn FnMut(u32, Oddity),
) -> Result<(), TooMuchText> {
    let findings = &mut *around.findings;
    for (record, token) in cells.each() {
        let value = present(token).and_then(|token| {
            findings.clear_scratch();
            fit(kind, token, cells.text(record), findings)
                .map_err(|misfit| odd(record, Oddity::Misfit(misfit, token)))
                .ok()
        });
        builder.append(value, cells.text(record), findings)?;
    }
    Ok(())
}

fn append_nested(
    nested: &mut Nested,
    cells: Cells<'_>,
    around: &mut Surroundings<'_>,
    odd: &mut dyn FnMut(u32, Oddity),
) -> Result<(), TooMuchText> {
    let findings = &mut *around.findings;
    for (record, token) in cells.each() {
        let text = cells.text(record);
        if let Some(staged) = cells.nested(record) {
            nested.append_staged(&staged)?;
            continue;
        }
        findings.clear_scratch();
        if let Some(token) = present(token)
            && let Err(misfit) = nested.hold(token, text, findings)
        {
            odd(record, Oddity::Misfit(misfit, token));
        }
        for inside in &findings.undeclared {
            let path = findings.path_of(inside).to_owned();
            odd(record, Oddity::Inside(path, inside.value));
        }
        nested.append(text, findings)?;
    }
    Ok(())
}

/// A value that is not JSON null.
#[inline(always)]
#[must_use]
pub fn present(token: Option<Token>) -> Option<Token> {
    token.filter(|token| token.kind != Kind::Null)
}
