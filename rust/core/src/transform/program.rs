//! The compiled steps at work: what is done with what the decoder gives.
//!
//! Arrays live in slots, one per declared column and a last one for the residue; selecting and renaming only change
//! which slots are in the table under which names. See `compiler` for how steps become a program.

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_buffer::BooleanBuffer;
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::filter::filter;

use super::compiler;
use super::config::StepConfig;
use super::explain::Explained;
use super::filter::Filter;
use super::problem::Problem;
use super::redact::Redact;
use super::select::{self, CastColumn};
use crate::decode::{ColumnConfig, Decoded, Demand, Drift};

/// What is done with the decoder's columns, in order.
#[derive(Debug)]
pub(super) enum Step {
    Filter(Filter),
    Cast(CastColumn),
    Redact {
        redact: Redact,
        /// Where its rules' counts are in the program's.
        first_rule: usize,
    },
}

/// The compiled steps.
#[derive(Debug)]
pub struct Program {
    pub(super) steps: Vec<Step>,
    /// The slots that the decoder fills, ascending.
    pub(super) built: Vec<usize>,
    /// The table's columns.
    pub(super) output: Vec<usize>,
    pub(super) schema: SchemaRef,
    pub(super) slots: usize,
    pub(super) rules: Vec<String>,
    pub(super) explained: Vec<Explained>,
}

/// The rows of a batch after all steps.
#[derive(Debug)]
pub struct Transformed {
    /// The table's columns.
    pub batch: RecordBatch,
    /// For each row, which of the values it came from; ascending.
    pub rows: Vec<u32>,
    /// Records that a filter dropped, the decoder's included.
    pub filtered: u64,
    /// The decoder's and what the steps add to it.
    pub drift: Drift,
    /// How much was taken out, by [`Program::rules`].
    pub redacted: Vec<u64>,
}

impl Program {
    /// Compile `steps` over the columns of a decoder, with what that decoder has to do.
    ///
    /// # Errors
    /// Everything that is wrong with the steps. The columns must be those of a decoder that can be made.
    pub fn compile(
        steps: &[StepConfig],
        columns: &[ColumnConfig],
        has_residue: bool,
    ) -> Result<(Self, Demand), Vec<Problem>> {
        compiler::compile(steps, columns, has_residue)
    }

    /// The table's columns after all steps.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The names of all redaction rules, each once.
    #[must_use]
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    /// What each step does, in the order of the configuration.
    #[must_use]
    pub fn explained(&self) -> &[Explained] {
        &self.explained
    }

    /// Carry out the steps on what the decoder gave.
    ///
    /// # Errors
    /// Never because of what a record says, unless its text has become too much.
    pub fn run(&self, decoded: Decoded) -> Result<Transformed, ArrowError> {
        let mut batch = Slots {
            arrays: vec![None; self.slots],
            drifted: vec![None; self.slots],
            count: decoded.rows.len(),
            rows: decoded.rows,
        };
        for (&slot, array) in self.built.iter().zip(decoded.batch.columns()) {
            batch.arrays[slot] = Some(array.clone());
        }
        for (slot, drifted) in decoded.drifted {
            batch.drifted[slot] = Some(drifted);
        }
        drop(decoded.batch);
        let mut redacted = vec![0; self.rules.len()];
        let (mut drift, mut filtered) = (decoded.drift, decoded.filtered);
        for step in &self.steps {
            match step {
                Step::Filter(condition) => filtered += batch.filter(condition, &mut drift)?,
                Step::Cast(column) => batch.cast(column, &mut drift)?,
                Step::Redact { redact, first_rule } => {
                    for (count, more) in redacted[*first_rule..]
                        .iter_mut()
                        .zip(redact.run(&mut batch.arrays)?)
                    {
                        *count += more;
                    }
                }
            }
        }
        let columns: Option<Vec<ArrayRef>> = self
            .output
            .iter()
            .map(|&slot| batch.arrays[slot].clone())
            .collect();
        let missing =
            || ArrowError::InvalidArgumentError("a column of the table was not built".into());
        let options = RecordBatchOptions::new().with_row_count(Some(batch.count));
        Ok(Transformed {
            batch: RecordBatch::try_new_with_options(
                self.schema.clone(),
                columns.ok_or_else(missing)?,
                &options,
            )?,
            rows: batch.rows,
            filtered,
            drift,
            redacted,
        })
    }
}

/// The columns of a batch on their way through the steps.
struct Slots {
    arrays: Vec<Option<ArrayRef>>,
    /// Of columns that a later filter reads: the rows whose value drifted.
    drifted: Vec<Option<BooleanBuffer>>,
    rows: Vec<u32>,
    count: usize,
}

impl Slots {
    /// Drop rows; how many.
    fn filter(&mut self, condition: &Filter, drift: &mut Drift) -> Result<u64, ArrowError> {
        let (stays, undecided) = condition.verdict(&self.arrays, &self.drifted, self.count)?;
        drift.filter_undecided += undecided.count_set_bits() as u64;
        let kept = stays.count_set_bits();
        let dropped = (self.count - kept) as u64;
        if dropped == 0 {
            return Ok(0);
        }
        let mask = BooleanArray::new(stays, None);
        for array in self.arrays.iter_mut().flatten() {
            *array = filter(array, &mask)?;
        }
        for drifted in self.drifted.iter_mut().flatten() {
            let rows = filter(&BooleanArray::new(drifted.clone(), None), &mask)?;
            *drifted = arrow_array::cast::as_boolean_array(&rows).values().clone();
        }
        let rows = filter(&UInt32Array::from(std::mem::take(&mut self.rows)), &mask)?;
        self.rows = arrow_array::cast::as_primitive_array::<arrow_array::types::UInt32Type>(&rows)
            .values()
            .to_vec();
        self.count = kept;
        Ok(dropped)
    }

    fn cast(&mut self, column: &CastColumn, drift: &mut Drift) -> Result<(), ArrowError> {
        let misfits = select::run(column, &mut self.arrays, drift)?;
        if let Some(drifted) = &mut self.drifted[column.slot] {
            let mut rows: Vec<bool> = drifted.iter().collect();
            for row in misfits {
                rows[row] = true;
            }
            *drifted = rows.into();
        }
        Ok(())
    }
}
