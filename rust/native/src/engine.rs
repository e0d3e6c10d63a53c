//! The engine, as Python sees it.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use penstock_core::engine::{AssignmentId, RawBatch, Table};
use penstock_core::{Engine, EngineError};
use pyo3::prelude::*;

use crate::chunk::PyChunk;
use crate::error::{NativeError, detached};
use crate::ingested::PyIngested;
use crate::open_file::PyOpenFile;
use crate::raw_batch::{BackedBatch, Values};

/// Owns what is open: per (table, topic, partition, epoch) one data file. Tables: "main", "`dead_letter`".
#[pyclass(name = "Engine", module = "penstock._native", frozen)]
pub struct PyEngine(Engine);

#[pymethods]
impl PyEngine {
    #[new]
    fn new(py: Python<'_>, config_json: &str, threads: usize) -> PyResult<Self> {
        detached(py, || Engine::new(config_json, threads)).map(Self)
    }

    fn open(
        &self,
        py: Python<'_>,
        topic: String,
        partition: i32,
        epoch: i64,
        dead_letters_from: i64,
        verdicts: Option<Vec<i64>>,
    ) -> PyResult<()> {
        let id = AssignmentId {
            topic,
            partition,
            epoch,
        };
        detached(py, || self.0.open(id, dead_letters_from, verdicts))
    }

    fn ingest(&self, py: Python<'_>, batches: Vec<BackedBatch>) -> PyResult<PyIngested> {
        let now = now()?;
        let outcomes = detached(py, || {
            let values: Vec<Values<'_>> = batches.iter().map(BackedBatch::values).collect();
            let raw: Vec<RawBatch<'_>> = batches
                .iter()
                .zip(&values)
                .map(|(batch, values)| batch.raw(values))
                .collect();
            self.0.ingest(&raw, now)
        })?;
        // With the GIL held, and before Python sees the outcome: then nothing but its own objects holds the frames.
        drop(batches);
        PyIngested::new(py, outcomes)
    }

    fn flush(
        &self,
        py: Python<'_>,
        table: &str,
        topic: String,
        partition: i32,
        epoch: i64,
    ) -> PyResult<()> {
        let id = AssignmentId {
            topic,
            partition,
            epoch,
        };
        detached(py, || self.0.flush(table.parse()?, &id))
    }

    fn take(
        &self,
        py: Python<'_>,
        table: &str,
        topic: String,
        partition: i32,
        epoch: i64,
    ) -> PyResult<Vec<PyChunk>> {
        let id = AssignmentId {
            topic,
            partition,
            epoch,
        };
        detached(py, || self.0.take(table.parse()?, &id)).map(PyChunk::all)
    }

    fn seal(
        &self,
        py: Python<'_>,
        table: &str,
        topic: String,
        partition: i32,
        epoch: i64,
        metadata: BTreeMap<String, String>,
    ) -> PyResult<Vec<PyChunk>> {
        let id = AssignmentId {
            topic,
            partition,
            epoch,
        };
        detached(py, || self.0.seal(table.parse()?, &id, metadata)).map(PyChunk::all)
    }

    fn discard(&self, py: Python<'_>, topic: String, partition: i32, epoch: i64) -> PyResult<()> {
        let id = AssignmentId {
            topic,
            partition,
            epoch,
        };
        detached(py, || {
            self.0.discard(&id);
            Ok(())
        })
    }

    fn open_files(&self) -> Vec<PyOpenFile> {
        self.0.open_files().into_iter().map(Into::into).collect()
    }

    fn memory(&self) -> u64 {
        self.0.memory()
    }

    fn schema_json(&self, table: &str) -> PyResult<String> {
        let table: Table = table
            .parse()
            .map_err(|error: EngineError| NativeError::new_err(error.to_string()))?;
        Ok(self.0.schema_json(table))
    }

    fn explain_json(&self) -> String {
        self.0.explain_json()
    }
}

/// What is wrong with the transforms of an engine's configuration.
#[pyfunction]
pub fn check_transforms(py: Python<'_>, config_json: &str) -> PyResult<String> {
    detached(py, || penstock_core::engine::check_transforms(config_json))
}

/// Microseconds since the epoch.
fn now() -> PyResult<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(since
        .map_err(|_| NativeError::new_err("the clock is before 1970; set it"))?
        .as_micros() as i64)
}
