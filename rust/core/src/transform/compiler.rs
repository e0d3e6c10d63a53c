//! Steps to a program, once, with all mistakes at once.
//!
//! A filter whose columns no earlier step changes moves to the front, where the decoder asks it before it touches any
//! text. Then the steps are read backwards: what no later step and no column of the table needs is not built, and a
//! step without anything to do is left out.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_schema::{Field, Schema, SchemaRef};

use super::config::StepConfig;
use super::explain::Explained;
use super::expression;
use super::filter::{Filter, FirstFilters};
use super::problem::Problem;
use super::program::{Program, Step};
use super::redact::{self, Redact};
use super::scope::{Scope, ScopeColumn};
use super::select;
use crate::columns::{ColumnKind, ScalarKind};
use crate::decode::{ColumnConfig, ColumnDemand, Demand, RESIDUE_COLUMN, residue};

/// A program over the columns of a decoder, with what that decoder has to do.
///
/// # Errors
/// Everything that is wrong with the steps.
pub fn compile(
    steps: &[StepConfig],
    columns: &[ColumnConfig],
    has_residue: bool,
) -> Result<(Program, Demand), Vec<Problem>> {
    let mut compiler = Compiler::new(columns, has_residue);
    for (number, step) in steps.iter().enumerate() {
        compiler.step(number, step);
    }
    if compiler.problems.is_empty() {
        Ok(compiler.finish())
    } else {
        Err(compiler.problems)
    }
}

struct Compiler {
    scope: Scope,
    /// By slot: the paths on the way to the column, its own last.
    paths: Vec<Vec<String>>,
    /// By slot: the name it was declared with.
    declared: Vec<String>,
    residue_slot: usize,
    first: Vec<Filter>,
    steps: Vec<Step>,
    rules: Vec<String>,
    explained: Vec<Explained>,
    /// For each explained step, how many of `steps` came before it.
    position: Vec<usize>,
    problems: Vec<Problem>,
}

impl Compiler {
    fn new(columns: &[ColumnConfig], has_residue: bool) -> Self {
        let residue_slot = columns.len();
        let declared = columns.iter().enumerate().filter_map(|(slot, column)| {
            Some(ScopeColumn {
                name: column.name.clone(),
                kind: column.kind.parse().ok()?,
                slot,
                changed: false,
            })
        });
        let residue = has_residue.then(|| ScopeColumn {
            name: RESIDUE_COLUMN.into(),
            kind: ColumnKind::Scalar(ScalarKind::Json),
            slot: residue_slot,
            // The decoder's predicate comes before it.
            changed: true,
        });
        let mut paths: Vec<Vec<String>> = columns
            .iter()
            .map(|column| prefixes(&column.path))
            .collect();
        paths.push(Vec::new());
        Self {
            scope: Scope {
                columns: declared.chain(residue).collect(),
            },
            paths,
            declared: columns
                .iter()
                .map(|column| column.name.clone())
                .chain([RESIDUE_COLUMN.into()])
                .collect(),
            residue_slot,
            first: Vec::new(),
            steps: Vec::new(),
            rules: Vec::new(),
            explained: Vec::new(),
            position: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn step(&mut self, number: usize, config: &StepConfig) {
        self.position.push(self.steps.len());
        let (before_text, reads) = match config {
            StepConfig::Filter(config) => self.filter(number, &config.condition),
            StepConfig::Select(config) => {
                let own: Vec<String> = self
                    .paths
                    .iter()
                    .map(|paths| paths.last().cloned().unwrap_or_default())
                    .collect();
                let casts =
                    select::compile(number, config, &mut self.scope, &own, &mut self.problems);
                let reads = casts.iter().map(|cast| cast.slot).collect();
                self.steps.extend(casts.into_iter().map(Step::Cast));
                (false, reads)
            }
            StepConfig::Redact(config) => {
                let redact = redact::compile(
                    number,
                    config,
                    &mut self.scope,
                    &self.paths,
                    &mut self.problems,
                );
                let reads = redact
                    .as_ref()
                    .map(|redact| self.reads_of(redact))
                    .unwrap_or_default();
                self.steps.extend(redact.map(|redact| Step::Redact {
                    redact,
                    first_rule: 0,
                }));
                (false, reads)
            }
        };
        self.explained.push(Explained {
            kind: config.kind(),
            before_text,
            reads: self.names(&reads),
            builds: Vec::new(),
            schema: schema(&self.scope),
        });
    }

    fn filter(&mut self, number: usize, condition: &str) -> (bool, Vec<usize>) {
        match expression::compile(condition, &self.scope.named()) {
            Ok((condition, reads)) => {
                let unchanged = |slot: &usize| {
                    self.scope
                        .by_slot(*slot)
                        .is_some_and(|column| !column.changed)
                };
                let before_text = reads.iter().all(unchanged);
                let filter = Filter {
                    condition,
                    reads: reads.clone(),
                };
                if before_text {
                    self.first.push(filter);
                } else {
                    self.steps.push(Step::Filter(filter));
                }
                (before_text, reads)
            }
            Err(mistakes) => {
                self.problems
                    .extend(mistakes.into_iter().map(|mistake| Problem {
                        line: Some(mistake.line),
                        column: Some(mistake.column),
                        ..Problem::new(number, "where", mistake.message)
                    }));
                (false, Vec::new())
            }
        }
    }

    fn reads_of(&self, redact: &Redact) -> Vec<usize> {
        let residue = redact.reads_residue().then_some(self.residue_slot);
        redact
            .targets
            .iter()
            .map(|(slot, _)| *slot)
            .chain(residue)
            .collect()
    }

    /// The names that slots were declared with.
    fn names<'s>(&self, slots: impl IntoIterator<Item = &'s usize>) -> Vec<String> {
        slots
            .into_iter()
            .map(|&slot| self.declared[slot].clone())
            .collect()
    }

    fn finish(mut self) -> (Program, Demand) {
        let output: Vec<usize> = self
            .scope
            .columns
            .iter()
            .map(|column| column.slot)
            .collect();
        let mut live: BTreeSet<usize> = output.iter().copied().collect();
        let mut watched: BTreeSet<usize> = BTreeSet::new();
        let mut kept: Vec<Step> = Vec::new();
        let mut live_before: Vec<BTreeSet<usize>> = vec![live.clone(); self.steps.len() + 1];
        for (index, step) in self.steps.drain(..).enumerate().rev() {
            match step {
                Step::Filter(filter) => {
                    live.extend(&filter.reads);
                    watched.extend(&filter.reads);
                    kept.push(Step::Filter(filter));
                }
                Step::Cast(cast) if live.contains(&cast.slot) => kept.push(Step::Cast(cast)),
                Step::Redact {
                    mut redact,
                    first_rule,
                } => {
                    redact.targets.retain(|(slot, _)| live.contains(slot));
                    kept.push(Step::Redact { redact, first_rule });
                }
                Step::Cast(_) => {}
            }
            live_before[index].clone_from(&live);
        }
        kept.reverse();
        for step in &mut kept {
            if let Step::Redact { redact, first_rule } = step {
                *first_rule = self.rules.len();
                self.rules
                    .extend(redact.names().into_iter().map(str::to_owned));
            }
        }
        let built: Vec<usize> = live.iter().copied().collect();
        let builds: Vec<Vec<String>> = self
            .position
            .iter()
            .map(|&at| self.names(&live_before[at]))
            .collect();
        for (explained, builds) in self.explained.iter_mut().zip(builds) {
            explained.builds = if explained.before_text {
                explained.reads.clone()
            } else {
                builds
            };
        }
        let demand = Demand {
            columns: (0..self.residue_slot)
                .map(|slot| ColumnDemand {
                    built: live.contains(&slot),
                    kept: output.contains(&slot),
                    watched: watched.contains(&slot),
                })
                .collect(),
            residue: live.contains(&self.residue_slot),
            predicate: if self.first.is_empty() {
                None
            } else {
                Some(Box::new(FirstFilters::new(self.first)))
            },
        };
        let program = Program {
            steps: kept,
            built,
            schema: schema(&self.scope),
            output,
            slots: self.residue_slot + 1,
            rules: self.rules,
            explained: self.explained,
        };
        (program, demand)
    }
}

/// The paths on the way to a path, itself last, as the residue writes them.
fn prefixes(path: &[String]) -> Vec<String> {
    let mut text = String::new();
    let extended = path.iter().map(|key| {
        residue::extend_path(&mut text, key);
        text.clone()
    });
    extended.collect()
}

fn schema(scope: &Scope) -> SchemaRef {
    let field = |column: &ScopeColumn| Field::new(&column.name, column.kind.data_type(), true);
    Arc::new(Schema::new(
        scope.columns.iter().map(field).collect::<Vec<_>>(),
    ))
}
