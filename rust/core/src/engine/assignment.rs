//! What one assignment has open, and how its batches become rows and dead letters.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow_schema::SchemaRef;
use parquet::errors::ParquetError;

use super::batch::{OffsetRejection, Outcome, RawBatch, RawRecords};
use super::dead_letter::{self, DeadLetter};
use super::table::{AssignmentId, Table};
use super::taken::Taken;
use super::{OpenFile, file_schema, kafka_columns};
use crate::decode::{Decoder, Rejection, Shapes};
use crate::encode::{DataFile, EncodeConfig, FileChunk, Usage};
use crate::error::EngineError;
use crate::frame::{Fetched, Unpackers, Walker};
use crate::report::Report;
use crate::transform::{Program, Transformed};

/// So much of a frame is taken up at once: what comes out of its compressed batches stays in the cache, and in bounds,
/// however well they are compressed.
const PORTION_BYTES: u64 = 2 << 20;

/// What the engine does with every batch.
#[derive(Debug)]
pub struct Plan {
    pub decoder: Decoder,
    pub program: Program,
    /// Of rows in memory, by table.
    pub schemas: [SchemaRef; 2],
    /// Of files, by table.
    pub file_schemas: [SchemaRef; 2],
    pub kafka_columns: bool,
    pub keep_values: bool,
    pub encode: EncodeConfig,
    /// Hand rows back instead of writing them.
    pub batches: bool,
}

impl Plan {
    pub fn schema(&self, table: Table) -> &SchemaRef {
        &self.schemas[table as usize]
    }

    pub fn file_schema(&self, table: Table) -> &SchemaRef {
        &self.file_schemas[table as usize]
    }

    /// The counts of the redaction rules by their names; several steps may use one.
    fn by_rule(&self, counts: &[u64]) -> BTreeMap<String, u64> {
        let mut by_rule = BTreeMap::new();
        for (rule, count) in self.program.rules().iter().zip(counts) {
            *by_rule.entry(rule.clone()).or_default() += count;
        }
        by_rule
    }

    fn file(&self, table: Table) -> DataFile {
        DataFile::new(self.file_schema(table).clone(), table.layout(), self.encode)
    }
}

/// A partition in one epoch, with its open files.
#[derive(Debug)]
pub struct Assignment {
    id: AssignmentId,
    plan: Arc<Plan>,
    dead_letters_from: i64,
    /// Sorted.
    verdicts: Option<Vec<i64>>,
    files: Mutex<Files>,
    gauges: [Gauge; 2],
}

#[derive(Debug)]
struct Files {
    by_table: [DataFile; 2],
    /// What the partition's producers write like.
    shapes: Shapes,
    walker: Walker,
    /// False while a batch is being appended, and for ever after one that was not appended whole.
    whole: bool,
}

/// A file's usage, readable without its lock.
#[derive(Debug, Default)]
struct Gauge {
    rows: AtomicU64,
    memory_bytes: AtomicU64,
    file_bytes: AtomicU64,
}

impl Gauge {
    fn set(&self, usage: Usage) {
        self.rows.store(usage.rows, Relaxed);
        self.memory_bytes.store(usage.memory_bytes, Relaxed);
        self.file_bytes.store(usage.file_bytes, Relaxed);
    }

    fn get(&self) -> Usage {
        Usage {
            rows: self.rows.load(Relaxed),
            memory_bytes: self.memory_bytes.load(Relaxed),
            file_bytes: self.file_bytes.load(Relaxed),
        }
    }
}

impl Assignment {
    pub fn new(
        id: AssignmentId,
        plan: Arc<Plan>,
        dead_letters_from: i64,
        verdicts: Option<Vec<i64>>,
    ) -> Self {
        let verdicts = verdicts.map(|mut offsets| {
            offsets.sort_unstable();
            offsets
        });
        let files = Files {
            by_table: Table::ALL.map(|table| plan.file(table)),
            shapes: Shapes::default(),
            walker: Walker::default(),
            whole: true,
        };
        Self {
            id,
            plan,
            dead_letters_from,
            verdicts,
            files: Mutex::new(files),
            gauges: Default::default(),
        }
    }

    /// Appends batches in order; their outcomes. Where one is not taken whole, none after it is. After an error or a panic the files can't be used any more.
    pub fn ingest<'a>(
        &self,
        batches: impl Iterator<Item = &'a RawBatch<'a>>,
        unpackers: &Unpackers,
        now: i64,
    ) -> Result<Vec<Outcome>, EngineError> {
        let mut files = self.files()?;
        files.whole = false;
        let mut outcomes = Vec::new();
        let mut whole = true;
        for batch in batches {
            let outcome = if whole {
                self.ingest_one(&mut files, batch, unpackers, now)?
            } else {
                Outcome::of_none(batch)
            };
            whole = whole && outcome.next_offset >= batch.next_offset;
            outcomes.push(outcome);
        }
        files.whole = true;
        Ok(outcomes)
    }

    /// Says that the files are not whole.
    pub fn abandon(&self) {
        self.lock().whole = false;
    }

    pub fn flush(&self, table: Table) -> Result<(), EngineError> {
        self.change(table, DataFile::flush)
    }

    pub fn take(&self, table: Table) -> Result<Vec<FileChunk>, EngineError> {
        self.change(table, DataFile::take)
    }

    pub fn seal(
        &self,
        table: Table,
        metadata: BTreeMap<String, String>,
    ) -> Result<Vec<FileChunk>, EngineError> {
        let next = self.plan.file(table);
        self.change(table, |file| std::mem::replace(file, next).seal(metadata))
    }

    pub fn open_files(&self) -> impl Iterator<Item = OpenFile> {
        Table::ALL
            .into_iter()
            .zip(&self.gauges)
            .filter_map(|(table, gauge)| {
                let usage = gauge.get();
                (usage.rows > 0).then(|| OpenFile {
                    table,
                    assignment: self.id.clone(),
                    usage,
                })
            })
    }

    pub fn memory(&self) -> u64 {
        self.gauges
            .iter()
            .map(|gauge| gauge.memory_bytes.load(Relaxed))
            .sum()
    }

    fn ingest_one(
        &self,
        files: &mut Files,
        batch: &RawBatch<'_>,
        unpackers: &Unpackers,
        now: i64,
    ) -> Result<Outcome, EngineError> {
        let mut outcome = Outcome::default();
        match batch.records {
            RawRecords::Columns(columns) => {
                let (columns, next_offset) = columns.limited(batch.limit);
                let taken = Taken::columns(batch, columns);
                self.take_up(files, &taken, now, &mut outcome)?;
                outcome.next_offset = next_offset.unwrap_or(batch.next_offset);
            }
            RawRecords::Lines(lines) => {
                let taken = Taken::lines(batch, lines, batch.limit.unwrap_or(usize::MAX));
                self.take_up(files, &taken, now, &mut outcome)?;
                outcome.next_offset = batch.fetch_offset + taken.offsets().len() as i64;
            }
            RawRecords::Frame(frame) => {
                let fetched = Fetched {
                    bytes: frame.data,
                    fetch_offset: batch.fetch_offset,
                    aborted: frame.aborted,
                    read_committed: frame.read_committed,
                    most_records: batch.limit.map(|limit| limit as u64),
                };
                let mut walk = files.walker.begin(&fetched, unpackers);
                while let Some(mut portion) = walk.next(PORTION_BYTES) {
                    let taken = Taken::frame(batch, &portion);
                    self.take_up(files, &taken, now, &mut outcome)?;
                    outcome.next_offset = portion.next_offset;
                    outcome.fault = portion.fault.take();
                    outcome.counts += portion.counts;
                    unpackers.reuse(portion);
                }
                files.walker = walk.end();
            }
        }
        Ok(outcome)
    }

    /// Decodes, transforms and appends, and adds to `outcome` what became of the records. Nothing views them afterwards.
    fn take_up(
        &self,
        files: &mut Files,
        taken: &Taken<'_>,
        now: i64,
        outcome: &mut Outcome,
    ) -> Result<(), EngineError> {
        let plan = &*self.plan;
        let forced = self.dead_by_verdict(taken.offsets());
        let mut decoded = taken
            .decode(&plan.decoder, &forced, &mut files.shapes)
            .map_err(|source| EngineError::Decode {
                assignment: self.id.clone(),
                source,
            })?;
        let forced = forced.len() as u64;
        let rejections = std::mem::take(&mut decoded.rejections);
        let tombstones = decoded.tombstones;
        let failed = |source| EngineError::Rows {
            table: Table::Main,
            source,
        };
        let Transformed {
            batch: transformed,
            rows,
            filtered,
            drift,
            redacted,
        } = plan.program.run(decoded).map_err(failed)?;
        let rows = if plan.kafka_columns {
            kafka_columns::extend(&transformed, plan.schema(Table::Main), taken, &rows)
                .map_err(failed)?
        } else {
            transformed
        };
        let before = outcome.report.records as u32;
        outcome.report += Report {
            records: taken.offsets().len() as u64,
            rows: rows.num_rows() as u64,
            dead_letters: rejections.len() as u64 + forced,
            filtered,
            tombstones: tombstones - forced,
            bytes: taken.value_bytes(),
            drift,
            redacted: plan.by_rule(&redacted),
        };
        if plan.batches {
            let schema = plan.file_schema(Table::Main);
            let more = file_schema::rows(&rows, schema).map_err(failed)?;
            outcome.add_rows(more).map_err(failed)?;
        } else {
            self.append(files, Table::Main, &rows)?;
            self.append_dead_letters(files, taken, &rejections, now)?;
        }
        let rejections = rejections.into_iter();
        outcome.rejections.extend(rejections.map(
            |Rejection {
                 index,
                 code,
                 byte_position,
                 message,
             }| OffsetRejection {
                index: before + index,
                offset: taken.offsets()[index as usize],
                code,
                byte_position,
                message,
            },
        ));
        Ok(())
    }

    /// Which of the records with these offsets are dead letters by verdict. They are decoded as if they had no value, so
    /// that they give no row whatever the decoder would say.
    fn dead_by_verdict(&self, offsets: &[i64]) -> Vec<usize> {
        let Some(verdicts) = &self.verdicts else {
            return Vec::new();
        };
        let replayed = offsets.partition_point(|&offset| offset < self.dead_letters_from);
        let replayed = offsets[..replayed].iter().enumerate();
        replayed
            .filter(|(_, offset)| verdicts.binary_search(offset).is_ok())
            .map(|(index, _)| index)
            .collect()
    }

    fn append_dead_letters(
        &self,
        files: &mut Files,
        taken: &Taken<'_>,
        rejections: &[Rejection],
        now: i64,
    ) -> Result<(), EngineError> {
        let is_replayed = |rejection: &Rejection| {
            taken.offsets()[rejection.index as usize] < self.dead_letters_from
        };
        let wanted: Vec<&Rejection> = rejections
            .iter()
            .filter(|rejection| self.verdicts.is_some() || !is_replayed(rejection))
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let indices: Vec<u32> = wanted.iter().map(|rejection| rejection.index).collect();
        let failed = |reason| EngineError::Envelopes {
            assignment: self.id.clone(),
            reason,
        };
        let envelopes = taken.envelopes(&indices).map_err(failed)?;
        if envelopes.len() != indices.len() {
            return Err(failed(format!(
                "{} of {} were read",
                envelopes.len(),
                indices.len()
            )));
        }
        let letters: Vec<DeadLetter<'_>> = wanted
            .into_iter()
            .zip(envelopes)
            .map(|(rejection, envelope)| DeadLetter {
                rejection,
                envelope,
                replayed: is_replayed(rejection),
            })
            .collect();
        let schema = self.plan.schema(Table::DeadLetter);
        let rows = dead_letter::rows(schema, taken, &letters, self.plan.keep_values, now).map_err(
            |source| EngineError::Rows {
                table: Table::DeadLetter,
                source,
            },
        )?;
        self.append(files, Table::DeadLetter, &rows)
    }

    fn append(
        &self,
        files: &mut Files,
        table: Table,
        rows: &arrow_array::RecordBatch,
    ) -> Result<(), EngineError> {
        let file = &mut files.by_table[table as usize];
        file.append(rows)
            .map_err(|source| EngineError::Encode { table, source })?;
        self.gauges[table as usize].set(file.usage());
        Ok(())
    }

    fn change<T>(
        &self,
        table: Table,
        change: impl FnOnce(&mut DataFile) -> Result<T, ParquetError>,
    ) -> Result<T, EngineError> {
        let mut files = self.files()?;
        files.whole = false;
        let file = &mut files.by_table[table as usize];
        let result = change(file).map_err(|source| EngineError::Encode { table, source })?;
        self.gauges[table as usize].set(file.usage());
        files.whole = true;
        Ok(result)
    }

    fn files(&self) -> Result<MutexGuard<'_, Files>, EngineError> {
        let files = self.lock();
        if files.whole {
            Ok(files)
        } else {
            Err(EngineError::Incomplete(self.id.clone()))
        }
    }

    /// A panic while the lock was held leaves `whole` false, which says more than a poisoned lock.
    fn lock(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
