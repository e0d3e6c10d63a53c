//! Values to rows.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, StringViewArray};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

use super::block::Scouts;
use super::config::{DecodeOptions, InvalidText};
use super::demand::Demand;
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
    demand: &'p Demand,
    members: Members,
    /// Those that are built, and those that are required.
    columns: Vec<Option<Column>>,
    /// Of the columns that are watched: for each row, whether its value drifted.
    drifted: Vec<(usize, BooleanBufferBuilder)>,
    residue: Option<StringBuilder>,
    drift: Drift,
    /// Scratch of one record.
    leftovers: Vec<Leftover>,
    residue_text: String,
    path: String,
    findings: Findings,
}

/// What the rows of a call are made of.
#[derive(Debug)]
pub struct Finished {
    /// The columns that are built, in order, then the residue if it is.
    pub arrays: Vec<ArrayRef>,
    /// The drift of all rows.
    pub drift: Drift,
    /// Of each column that is watched: its number, and the rows whose value drifted.
    pub drifted: Vec<(usize, BooleanBuffer)>,
}

impl<'p> Rows<'p> {
    pub fn new(
        plan: &'p Plan,
        options: DecodeOptions,
        demand: &'p Demand,
        capacity: usize,
    ) -> Self {
        // Under a predicate nobody knows how many rows there will be.
        let capacity = if demand.predicate.is_some() {
            0
        } else {
            capacity
        };
        let planned = plan.columns.iter().zip(&demand.columns);
        let watched = demand
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.watched);
        Self {
            plan,
            options,
            demand,
            members: Members::new(plan),
            columns: planned
                .map(|(column, demand)| {
                    (demand.built || column.required).then(|| Column::new(&column.kind, capacity))
                })
                .collect(),
            drifted: watched
                .map(|(number, _)| (number, BooleanBufferBuilder::new(capacity)))
                .collect(),
            residue: (options.residue && demand.residue)
                .then(|| StringBuilder::with_capacity(capacity, 0)),
            drift: Drift::default(),
            leftovers: Vec::new(),
            residue_text: String::new(),
            path: String::new(),
            findings: Findings::new(options.coerce),
        }
    }

    pub fn plan(&self) -> &'p Plan {
        self.plan
    }

    pub fn members(&self) -> &Members {
        &self.members
    }

    /// What the columns found in the record that they hold values of.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    pub fn members_mut(&mut self) -> &mut Members {
        &mut self.members
    }

    /// Append the row of `value`, or say why it is none; then nothing has changed.
    ///
    /// # Errors
    /// If a column can't take more text; then these rows are lost.
    pub fn push(&mut self, value: &[u8]) -> Result<Result<(), Reason>, DecodeError> {
        let (text, mut drift) = match self.locate(value) {
            Ok(located) => located,
            Err(reason) => return Ok(Err(reason)),
        };
        if let Err(mut reason) = self.hold(&text, &mut drift) {
            self.forget();
            reason.position = original_position(value, reason.position);
            return Ok(Err(reason));
        }
        self.append(&text)?;
        self.drift += drift;
        Ok(Ok(()))
    }

    /// Check all that can make `value` a rejection, and have `scouts` hold its part; nothing is appended. The text
    /// and the drift found so far are for [`Self::push_checked`].
    pub fn check<'v>(
        &mut self,
        value: &'v [u8],
        scouts: &mut Scouts<'_>,
    ) -> Result<(Cow<'v, str>, Drift), Reason> {
        let (text, drift) = self.locate(value)?;
        if let Err(mut reason) = self.check_rest(&text) {
            reason.position = original_position(value, reason.position);
            return Err(reason);
        }
        self.findings.clear();
        for (number, column, drifted) in scouts.each() {
            let node = self.plan.columns[number].node;
            if let Some(token) = self.members.get(node) {
                // What does not fit is told from what is held.
                let _: Result<(), Misfit> = column.hold(token, &text, &mut self.findings);
            }
            drifted.append(self.has_drifted(number, column.holds()));
        }
        Ok((text, drift))
    }

    /// Append the row of a record that was checked and that [`Self::members`] is about.
    ///
    /// # Errors
    /// If a column can't take more text; then these rows are lost.
    pub fn push_checked(&mut self, text: &str, mut drift: Drift) -> Result<(), DecodeError> {
        // It was checked, so there is nothing to reject.
        let _: Result<(), Reason> = self.hold(text, &mut drift);
        self.append(text)?;
        self.drift += drift;
        Ok(())
    }

    /// What the rows have become.
    ///
    /// # Errors
    /// Only by a bug.
    pub fn finish(self) -> Result<Finished, DecodeError> {
        let demanded = self.columns.into_iter().zip(&self.demand.columns);
        let built = demanded.filter(|(_, demand)| demand.built);
        let mut arrays: Vec<ArrayRef> = built
            .filter_map(|(column, _)| column.map(Column::finish))
            .collect::<Result<_, _>>()?;
        arrays.extend(
            self.residue
                .map(|mut residue| Arc::new(StringViewArray::from(&residue.finish())) as ArrayRef),
        );
        let drifted = self.drifted.into_iter();
        Ok(Finished {
            arrays,
            drift: self.drift,
            drifted: drifted
                .map(|(number, mut rows)| (number, rows.finish()))
                .collect(),
        })
    }

    /// The value's text, after its members are found.
    fn locate<'v>(&mut self, value: &'v [u8]) -> Result<(Cow<'v, str>, Drift), Reason> {
        if value.is_empty() {
            return Err(Reason::new(
                RejectionCode::EmptyValue,
                0,
                "the value has no bytes",
            ));
        }
        let max_bytes = self.options.max_bytes;
        if value.len() > max_bytes {
            return Err(Reason::new(
                RejectionCode::TooLarge,
                max_bytes,
                "longer than max_bytes",
            ));
        }
        let (mut text, replaced) = to_text(value, self.options.invalid_text)?;
        let mut drift = Drift {
            replaced_text: replaced,
            ..Drift::default()
        };
        if let Err(mut reason) = self.read(&text, &mut drift) {
            reason.position = original_position(value, reason.position);
            return Err(reason);
        }
        for &escape in &self.members.scratch.lone_surrogates {
            let escape = escape as usize;
            text.to_mut().replace_range(escape..escape + 6, r"\ufffd");
        }
        Ok((text, drift))
    }

    /// What [`Self::hold`] would reject, without building anything.
    fn check_rest(&mut self, text: &str) -> Result<(), Reason> {
        let checked = if self.residue_may_be_too_large(text) {
            self.hold(text, &mut Drift::default())
        } else {
            self.findings.clear();
            for (planned, column) in self.plan.columns.iter().zip(&mut self.columns) {
                if let (true, Some(column), Some(token)) =
                    (planned.required, column, self.members.get(planned.node))
                {
                    let _: Result<(), Misfit> = column.hold(token, text, &mut self.findings);
                }
            }
            self.check_required()
        };
        self.forget();
        checked
    }

    /// Whether the residue's limit can be passed at all: each byte may be escaped to six, and each path comes once
    /// for each undeclared key.
    fn residue_may_be_too_large(&self, text: &str) -> bool {
        if self.residue.is_none() {
            return false;
        }
        let members = self.members.unknown.len() + self.plan.nodes.len();
        let around = 6 * (self.plan.longest_path + 2);
        6 * text.len() + members * around >= self.options.max_bytes
    }

    /// Whether the column is null because of a value that is there but did not fit, at its path or on the way to it.
    fn has_drifted(&self, number: usize, holds: bool) -> bool {
        if holds {
            return false;
        }
        let mut node = self.plan.columns[number].node;
        if let Some(value) = self.members.get(node) {
            return value.kind != Kind::Null;
        }
        while node != ROOT {
            node = self.plan.nodes[node].parent;
            if let Some(value) = self.members.get(node) {
                return !matches!(value.kind, Kind::Null | Kind::Object)
                    && !self.plan.nodes[node].kept_as_json;
            }
        }
        false
    }

    fn forget(&mut self) {
        self.columns.iter_mut().flatten().for_each(Column::forget);
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
                Some(number) => match &mut self.columns[number] {
                    Some(column) => column.hold(value, text, &mut self.findings),
                    None => Ok(()),
                },
                None if planned.kept_as_json || matches!(value.kind, Kind::Object | Kind::Null) => {
                    Ok(())
                }
                None => Err(Misfit::TypeMismatch),
            };
            let gone = |number: usize| !self.demand.columns[number].kept;
            match fits {
                Ok(()) => {
                    if self.findings.undeclared.len() > found && !planned.column.is_some_and(gone) {
                        let inside = self.findings.undeclared[found..].iter();
                        self.leftovers
                            .extend(inside.map(|&place| Leftover::Inside { node, place }));
                    }
                    continue;
                }
                Err(_) if planned.column.is_some_and(gone) => continue,
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
            if !planned.required || column.as_ref().is_some_and(Column::holds) {
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
        for index in 0..self.drifted.len() {
            let number = self.drifted[index].0;
            let holds = self.columns[number].as_ref().is_some_and(Column::holds);
            let drifted = self.has_drifted(number, holds);
            self.drifted[index].1.append(drifted);
        }
        let demanded = self.columns.iter_mut().zip(&self.demand.columns);
        for ((column, demand), planned) in demanded.zip(&self.plan.columns) {
            match column {
                Some(column) if demand.built => column
                    .append(text, &self.findings)
                    .map_err(|_| DecodeError::TooMuchText(planned.name.clone()))?,
                Some(column) => column.forget(),
                None => {}
            }
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
