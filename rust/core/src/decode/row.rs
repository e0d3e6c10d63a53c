//! Values to rows.

use arrow_array::ArrayRef;
use arrow_array::builder::StringBuilder;
use std::sync::Arc;

use super::config::{DecodeOptions, InvalidText};
use super::drift::Drift;
use super::members::{Members, Unknown};
use super::plan::{Plan, ROOT};
use super::rejection::{Reason, RejectionCode};
use super::text::{original_position, to_text};
use super::{DecodeError, RESIDUE_COLUMN, residue};
use crate::columns::{Column, Findings, Misfit, Undeclared, append_text};
use crate::json::{Kind, Token};

/// Something that goes to the residue.
#[derive(Clone, Copy, Debug)]
enum Leftover {
    Undeclared(Unknown),
    /// Inside the value of the column at `node`.
    Inside {
        node: usize,
        place: Undeclared,
    },
    Misfit {
        node: usize,
        value: Token,
    },
}

impl Leftover {
    fn value(&self) -> Token {
        match *self {
            Self::Undeclared(Unknown { value, .. })
            | Self::Inside {
                place: Undeclared { value, .. },
                ..
            }
            | Self::Misfit { value, .. } => value,
        }
    }
}

/// The columns of one decode call while they are filled.
#[derive(Debug)]
pub struct Rows<'p> {
    plan: &'p Plan,
    options: DecodeOptions,
    members: Members,
    columns: Vec<Column>,
    residue: Option<StringBuilder>,
    drift: Drift,
    /// Scratch of one record.
    leftovers: Vec<Leftover>,
    residue_text: String,
    path: String,
    findings: Findings,
}

impl<'p> Rows<'p> {
    pub fn new(plan: &'p Plan, options: DecodeOptions, capacity: usize) -> Self {
        Self {
            plan,
            options,
            members: Members::new(plan),
            columns: plan
                .columns
                .iter()
                .map(|column| Column::new(&column.kind, capacity))
                .collect(),
            residue: options
                .residue
                .then(|| StringBuilder::with_capacity(capacity, 0)),
            drift: Drift::default(),
            leftovers: Vec::new(),
            residue_text: String::new(),
            path: String::new(),
            findings: Findings::new(options.coerce),
        }
    }

    /// Append the row of `value`, or say why it is none; then nothing has changed.
    ///
    /// # Errors
    /// If a column can't take more text; then these rows are lost.
    pub fn push(&mut self, value: &[u8]) -> Result<Result<(), Reason>, DecodeError> {
        if value.is_empty() {
            return Ok(Err(Reason::new(
                RejectionCode::EmptyValue,
                0,
                "the value has no bytes",
            )));
        }
        let max_bytes = self.options.max_bytes;
        if value.len() > max_bytes {
            return Ok(Err(Reason::new(
                RejectionCode::TooLarge,
                max_bytes,
                "longer than max_bytes",
            )));
        }
        let (mut text, replaced) = match to_text(value, self.options.invalid_text) {
            Ok(text) => text,
            Err(reason) => return Ok(Err(reason)),
        };
        let mut drift = Drift {
            replaced_text: replaced,
            ..Drift::default()
        };
        if let Err(mut reason) = self.read(&text, &mut drift) {
            reason.position = original_position(value, reason.position);
            return Ok(Err(reason));
        }
        for &escape in &self.members.scratch.lone_surrogates {
            let escape = escape as usize;
            text.to_mut().replace_range(escape..escape + 6, r"\ufffd");
        }
        match self.hold(&text, &mut drift) {
            Ok(()) => self.append(&text)?,
            Err(mut reason) => {
                self.columns.iter_mut().for_each(Column::forget);
                reason.position = original_position(value, reason.position);
                return Ok(Err(reason));
            }
        }
        self.drift += drift;
        Ok(Ok(()))
    }

    /// The arrays, and the drift of all rows in them.
    ///
    /// # Errors
    /// Only by a bug.
    pub fn finish(self) -> Result<(Vec<ArrayRef>, Drift), DecodeError> {
        let columns = self.columns.into_iter().map(Column::finish);
        let mut arrays: Vec<ArrayRef> = columns.collect::<Result<_, _>>()?;
        arrays.extend(
            self.residue
                .map(|mut residue| Arc::new(residue.finish()) as ArrayRef),
        );
        Ok((arrays, self.drift))
    }

    /// Find the members of the record.
    fn read(&mut self, text: &str, drift: &mut Drift) -> Result<(), Reason> {
        let replace = self.options.invalid_text == InvalidText::Replace;
        let record = self
            .members
            .read(self.plan, text, self.options.max_depth, replace)?;
        if record.kind != Kind::Object {
            let position = record.start as usize;
            return Err(Reason::new(
                RejectionCode::NotAnObject,
                position,
                "expected an object as the record",
            ));
        }
        drift.duplicate_key += self.members.settle(self.plan, text);
        drift.unknown_key += self.members.unknown.len() as u64;
        drift.replaced_text += self.members.scratch.lone_surrogates.len() as u64;
        Ok(())
    }

    /// Have the columns hold what fits them, and write the residue of what does not.
    fn hold(&mut self, text: &str, drift: &mut Drift) -> Result<(), Reason> {
        self.findings.clear();
        self.leftovers.clear();
        self.leftovers.extend(
            self.members
                .unknown
                .iter()
                .copied()
                .map(Leftover::Undeclared),
        );
        for (node, planned) in self.plan.nodes.iter().enumerate().skip(1) {
            let Some(value) = self.members.get(node) else {
                continue;
            };
            let found = self.findings.undeclared.len();
            let fits = match planned.column {
                Some(column) => self.columns[column].hold(value, text, &mut self.findings),
                None if planned.kept_as_json || matches!(value.kind, Kind::Object | Kind::Null) => {
                    Ok(())
                }
                None => Err(Misfit::TypeMismatch),
            };
            match fits {
                Ok(()) => {
                    if self.findings.undeclared.len() > found {
                        let inside = self.findings.undeclared[found..].iter();
                        self.leftovers
                            .extend(inside.map(|&place| Leftover::Inside { node, place }));
                    }
                    continue;
                }
                Err(Misfit::TypeMismatch) => drift.type_mismatch += 1,
                Err(Misfit::OutOfRange) => drift.out_of_range += 1,
            }
            self.leftovers.push(Leftover::Misfit { node, value });
        }
        drift.duplicate_key += self.findings.duplicate_key;
        drift.unknown_key += self.findings.unknown_key;
        drift.coerced += self.findings.coerced;
        self.check_required()?;
        self.write_residue(text)
    }

    fn check_required(&self) -> Result<(), Reason> {
        for (planned, column) in self.plan.columns.iter().zip(&self.columns) {
            if !planned.required || column.holds() {
                continue;
            }
            let mut node = planned.node;
            let problem = match self.members.get(node) {
                None => "is absent",
                Some(Token {
                    kind: Kind::Null, ..
                }) => "is null",
                Some(_) => "does not fit its type",
            };
            while node != ROOT && self.members.get(node).is_none() {
                node = self.plan.nodes[node].parent;
            }
            let position = self
                .members
                .get(node)
                .map_or(0, |token| token.start as usize);
            let message = format!("the required column `{}` {problem}", planned.name);
            return Err(Reason::new(
                RejectionCode::MissingRequired,
                position,
                message,
            ));
        }
        Ok(())
    }

    fn write_residue(&mut self, text: &str) -> Result<(), Reason> {
        self.residue_text.clear();
        if self.residue.is_none() || self.leftovers.is_empty() {
            return Ok(());
        }
        self.leftovers
            .sort_unstable_by_key(|leftover| leftover.value().start);
        for leftover in &self.leftovers {
            let path = match leftover {
                Leftover::Misfit { node, .. } => &self.plan.nodes[*node].path,
                Leftover::Inside { node, place } => {
                    self.path.clone_from(&self.plan.nodes[*node].path);
                    let below = self.findings.path_of(place);
                    if !below.is_empty() {
                        self.path.push('.');
                        self.path.push_str(below);
                    }
                    &self.path
                }
                Leftover::Undeclared(member) => {
                    self.path.clone_from(&self.plan.nodes[member.node].path);
                    residue::extend_path(&mut self.path, self.members.key_of(member, text));
                    &self.path
                }
            };
            residue::push(&mut self.residue_text, path, leftover.value().of(text));
            // Paths repeat what the record says once: a few long keys could make a residue far larger than it.
            if self.residue_text.len() >= self.options.max_bytes {
                let position = leftover.value().start as usize;
                return Err(Reason::new(
                    RejectionCode::TooLarge,
                    position,
                    "its residue is longer than max_bytes",
                ));
            }
        }
        residue::close(&mut self.residue_text);
        Ok(())
    }

    fn append(&mut self, text: &str) -> Result<(), DecodeError> {
        for (planned, column) in self.plan.columns.iter().zip(&mut self.columns) {
            column
                .append(text, &self.findings)
                .map_err(|_| DecodeError::TooMuchText(planned.name.clone()))?;
        }
        match &mut self.residue {
            Some(residue) if self.leftovers.is_empty() => residue.append_null(),
            Some(residue) => append_text(&self.residue_text, residue)
                .map_err(|_| DecodeError::TooMuchText(RESIDUE_COLUMN.to_owned()))?,
            None => {}
        }
        Ok(())
    }
}
