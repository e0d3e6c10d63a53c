//! The engine owns what is open: for each assignment a main file and a dead-letter file.
//!
//! An assignment is a partition in one epoch. Its files are behind one lock, so its batches are appended one after
//! the other, while other assignments go on. What may be asked at any time (`memory`, `open_files`) reads gauges
//! beside that lock and never waits for an encoder.

mod assignment;
mod batch;
mod config;
mod dead_letter;
mod file_schema;
mod kafka_columns;
mod schema_text;
mod table;
mod taken;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_schema::SchemaRef;
use rayon::ThreadPool;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::encode::{FileChunk, Usage};
use crate::error::EngineError;
use crate::frame::{Limits, Unpackers};
use crate::transform::Explained;
use assignment::{Assignment, Plan};
pub use batch::{
    Envelope, Envelopes, OffsetRejection, Outcome, RawBatch, RawFrame, RawLines, RawRecords,
    RecordColumns,
};
pub use config::check_transforms;
pub use table::{AssignmentId, Table};

/// One open data file.
#[derive(Clone, Debug)]
pub struct OpenFile {
    /// Its table.
    pub table: Table,
    /// Whose records it holds.
    pub assignment: AssignmentId,
    /// How large it is, as of the last batch appended.
    pub usage: Usage,
}

/// Everything that is open. Shared between threads; every method may be called at any time.
pub struct Engine {
    plan: Arc<Plan>,
    pool: ThreadPool,
    unpackers: Unpackers,
    register: Mutex<Register>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Engine")
            .field("register", &self.register)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Register {
    open: HashMap<AssignmentId, Arc<Assignment>>,
    /// Per partition the greatest epoch discarded.
    discarded: HashMap<(String, i32), i64>,
}

impl Register {
    fn is_discarded(&self, id: &AssignmentId) -> bool {
        self.discarded
            .get(&(id.topic.clone(), id.partition))
            .is_some_and(|&epoch| id.epoch <= epoch)
    }
}

impl Engine {
    /// An engine with nothing open. `config_json` is described at the Python stub; `threads` 0 means one per core.
    ///
    /// # Errors
    /// If the configuration is impossible, naming the key, or threads can't be started.
    pub fn new(config_json: &str, threads: usize) -> Result<Self, EngineError> {
        let (plan, kept_bytes) = config::plan(config_json)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("penstock-{index}"))
            .build()
            .map_err(|error| EngineError::Threads {
                threads,
                reason: error.to_string(),
            })?;
        Ok(Self {
            plan: Arc::new(plan),
            pool,
            unpackers: Unpackers::new(Limits::default(), kept_bytes),
            register: Mutex::default(),
        })
    }

    /// Begins an assignment; see the Python stub for `dead_letters_from` and `verdicts`.
    ///
    /// # Errors
    /// If it is open already or was discarded.
    pub fn open(
        &self,
        id: AssignmentId,
        dead_letters_from: i64,
        verdicts: Option<Vec<i64>>,
    ) -> Result<(), EngineError> {
        let mut register = self.register();
        if register.open.contains_key(&id) {
            return Err(EngineError::AlreadyOpen(id));
        }
        if register.is_discarded(&id) {
            return Err(EngineError::Discarded(id));
        }
        let assignment =
            Assignment::new(id.clone(), self.plan.clone(), dead_letters_from, verdicts);
        register.open.insert(id, Arc::new(assignment));
        Ok(())
    }

    /// Decodes and appends; outcomes in the order of the batches. Batches of one assignment in order, assignments in
    /// parallel. `now` is the wall clock in microseconds since the epoch, for dead letters.
    ///
    /// A batch of an assignment that was discarded meanwhile changes nothing, and its outcome is empty.
    ///
    /// # Errors
    /// If a batch is malformed or of an assignment that is not open, or if rows can't be written. Nothing can be said
    /// of the assignments in the call then; all that is left is to discard them.
    pub fn ingest(&self, batches: &[RawBatch<'_>], now: i64) -> Result<Vec<Outcome>, EngineError> {
        let groups = self.group(batches)?;
        let results = self.pool.install(|| {
            groups
                .values()
                .collect::<Vec<_>>()
                .into_par_iter()
                .map(|(assignment, indices)| {
                    let of_group = indices.iter().map(|&index| &batches[index]);
                    assignment.ingest(of_group, &self.unpackers, now)
                })
                .collect::<Vec<_>>()
        });
        let mut outcomes = vec![Outcome::default(); batches.len()];
        let mut failure = None;
        for (result, (_, indices)) in results.into_iter().zip(groups.values()) {
            match result {
                Ok(of_group) => {
                    for (&index, outcome) in indices.iter().zip(of_group) {
                        outcomes[index] = outcome;
                    }
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            Some(error) => {
                for (assignment, _) in groups.values() {
                    assignment.abandon();
                }
                Err(error)
            }
            None => Ok(outcomes),
        }
    }

    /// Ends the open row group of a file. Of a discarded assignment there is none.
    ///
    /// # Errors
    /// If the assignment is not open, or was left incomplete by an earlier error, or if its pages can't be encoded.
    pub fn flush(&self, table: Table, id: &AssignmentId) -> Result<(), EngineError> {
        self.find(id)?
            .map_or(Ok(()), |assignment| assignment.flush(table))
    }

    /// The finished bytes of a file since the last call; none of a discarded assignment.
    ///
    /// # Errors
    /// If the assignment is not open, or was left incomplete by an earlier error.
    pub fn take(&self, table: Table, id: &AssignmentId) -> Result<Vec<FileChunk>, EngineError> {
        self.find(id)?
            .map_or_else(|| Ok(Vec::new()), |assignment| assignment.take(table))
    }

    /// Ends a file; the rest of its bytes, none of a discarded assignment. The next row begins another one.
    ///
    /// # Errors
    /// If the assignment is not open, or was left incomplete by an earlier error, or if the file can't be
    /// encoded.
    pub fn seal(
        &self,
        table: Table,
        id: &AssignmentId,
        metadata: BTreeMap<String, String>,
    ) -> Result<Vec<FileChunk>, EngineError> {
        self.find(id)?.map_or_else(
            || Ok(Vec::new()),
            |assignment| assignment.seal(table, metadata),
        )
    }

    /// Drops what an assignment has open; an unknown one is ignored. A call that is at work on it ends normally,
    /// without effect.
    pub fn discard(&self, id: &AssignmentId) {
        let mut register = self.register();
        let dropped = register.open.remove(id);
        if dropped.is_some() {
            let epoch = register
                .discarded
                .entry((id.topic.clone(), id.partition))
                .or_insert(id.epoch);
            *epoch = id.epoch.max(*epoch);
        }
        drop(register);
    }

    /// The files that have rows, ordered by assignment.
    pub fn open_files(&self) -> Vec<OpenFile> {
        let assignments: Vec<_> = self.register().open.values().cloned().collect();
        let mut files: Vec<_> = assignments
            .iter()
            .flat_map(|assignment| assignment.open_files())
            .collect();
        files.sort_by(|a, b| (&a.assignment, a.table).cmp(&(&b.assignment, b.table)));
        files
    }

    /// Bytes held by all open files, and kept for the next batches that have to be decompressed.
    pub fn memory(&self) -> u64 {
        let register = self.register();
        let files = register.open.values().map(|assignment| assignment.memory());
        files.sum::<u64>() + self.unpackers.kept_bytes() as u64
    }

    /// The columns of a table, as they are in its files.
    pub fn schema(&self, table: Table) -> SchemaRef {
        self.plan.file_schema(table).clone()
    }

    /// The columns of a table as a JSON list of `{name, type, nullable}`.
    pub fn schema_json(&self, table: Table) -> String {
        schema_text::json(self.plan.file_schema(table)).to_string()
    }

    /// The steps as a JSON list of `{type, runs, reads, builds, schema}`; described at the Python stub.
    pub fn explain_json(&self) -> String {
        let steps = self.plan.program.explained().iter();
        let step = |step: &Explained| {
            serde_json::json!({
                "type": step.kind,
                "runs": if step.before_text { "before text" } else { "on columns" },
                "reads": step.reads,
                "builds": step.builds,
                "schema": schema_text::json(&step.schema),
            })
        };
        serde_json::Value::Array(steps.map(step).collect()).to_string()
    }

    fn group(&self, batches: &[RawBatch<'_>]) -> Result<Groups, EngineError> {
        let register = self.register();
        let mut groups = Groups::new();
        for (index, batch) in batches.iter().enumerate() {
            batch.check()?;
            let id = batch.assignment();
            if let Some(assignment) = register.open.get(&id) {
                groups
                    .entry(id)
                    .or_insert_with(|| (assignment.clone(), Vec::new()))
                    .1
                    .push(index);
            } else if !register.is_discarded(&id) {
                return Err(EngineError::NotOpen(id));
            }
        }
        Ok(groups)
    }

    /// None if the assignment was discarded, as it may be while its owner waits for another call.
    fn find(&self, id: &AssignmentId) -> Result<Option<Arc<Assignment>>, EngineError> {
        let register = self.register();
        match register.open.get(id) {
            Some(assignment) => Ok(Some(assignment.clone())),
            None if register.is_discarded(id) => Ok(None),
            None => Err(EngineError::NotOpen(id.clone())),
        }
    }

    /// Nothing that holds this lock can leave the register half-changed.
    fn register(&self) -> MutexGuard<'_, Register> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Groups = BTreeMap<AssignmentId, (Arc<Assignment>, Vec<usize>)>;

#[cfg(test)]
mod tests;
