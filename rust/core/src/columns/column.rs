//! One column of one decode call, filled in two steps: a value is held first and appended only once the whole record
//! is known to be a row. So a rejected record leaves nothing behind, and every column always has the same length.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, StringViewArray};
use arrow_schema::ArrowError;

use super::builder::{ScalarBuilder, TooMuchText, append_string};
use super::findings::Findings;
use super::kind::{ColumnKind, ScalarKind};
use super::nested::Nested;
use super::scalar::{Misfit, Value, fit};
use crate::json::{Kind, Token};

/// A column's builder with the value held for the current record.
#[derive(Debug)]
pub struct Column(Cells);

#[derive(Debug)]
enum Cells {
    /// Strings by themselves: most columns of most events are, and of them no more than a token is held.
    Strings {
        held: Option<Token>,
        builder: StringBuilder,
    },
    Scalar {
        kind: ScalarKind,
        held: Option<Value>,
        builder: ScalarBuilder,
    },
    Nested(Box<Nested>),
}

impl Column {
    /// An empty column with room for `rows`.
    #[must_use]
    pub fn new(kind: &ColumnKind, rows: usize) -> Self {
        Self(match kind {
            ColumnKind::Scalar(ScalarKind::String) => Cells::Strings {
                held: None,
                builder: StringBuilder::with_capacity(rows, 0),
            },
            ColumnKind::Scalar(kind) => Cells::Scalar {
                kind: *kind,
                held: None,
                builder: ScalarBuilder::new(*kind, rows),
            },
            _ => Cells::Nested(Box::new(Nested::new(kind, rows))),
        })
    }

    /// Hold the value at `token` of `text` for the current row; JSON null holds nothing.
    ///
    /// # Errors
    /// If the value does not fit; then nothing is held and nothing is in `findings` of it.
    pub fn hold(
        &mut self,
        token: Token,
        text: &str,
        findings: &mut Findings,
    ) -> Result<(), Misfit> {
        if token.kind == Kind::Null {
            return Ok(());
        }
        match &mut self.0 {
            Cells::Strings { held, .. } => {
                if !matches!(token.kind, Kind::String { .. }) {
                    fit(ScalarKind::String, token, text, findings)?;
                }
                *held = Some(token);
            }
            Cells::Scalar { kind, held, .. } => *held = Some(fit(*kind, token, text, findings)?),
            Cells::Nested(nested) => nested.hold(token, text, findings)?,
        }
        Ok(())
    }

    /// Whether a value is held.
    #[must_use]
    pub fn holds(&self) -> bool {
        match &self.0 {
            Cells::Strings { held, .. } => held.is_some(),
            Cells::Scalar { held, .. } => held.is_some(),
            Cells::Nested(nested) => nested.holds(),
        }
    }

    /// Forget what is held: the record is not a row.
    pub fn forget(&mut self) {
        match &mut self.0 {
            Cells::Strings { held, .. } => *held = None,
            Cells::Scalar { held, .. } => *held = None,
            Cells::Nested(nested) => nested.forget(),
        }
    }

    /// Append what is held, or null; nothing is held afterwards. `text` and `findings` are those given to
    /// [`Self::hold`]; in the text bytes may have been exchanged for others but none moved.
    ///
    /// # Errors
    /// If the column can't take more text; the call is lost then.
    pub fn append(&mut self, text: &str, findings: &Findings) -> Result<(), TooMuchText> {
        match &mut self.0 {
            Cells::Strings { held, builder } => {
                if let Some(token) = held.take() {
                    return append_string(token, text, builder);
                }
                builder.append_null();
                Ok(())
            }
            Cells::Scalar { held, builder, .. } => builder.append(held.take(), text, findings),
            Cells::Nested(nested) => nested.append(text, findings),
        }
    }

    /// The array of all rows appended, of the kind's data type.
    ///
    /// # Errors
    /// Only if the parts of a nested column don't fit together: a bug.
    pub fn finish(self) -> Result<ArrayRef, ArrowError> {
        match self.0 {
            Cells::Strings { mut builder, .. } => {
                Ok(Arc::new(StringViewArray::from(&builder.finish())))
            }
            Cells::Scalar { builder, .. } => {
                let array = builder.finish();
                Ok(match array.as_string_opt::<i32>() {
                    Some(texts) => Arc::new(StringViewArray::from(texts)),
                    None => array,
                })
            }
            Cells::Nested(nested) => nested.finish(),
        }
    }
}
