//! One open data file, as a value.

use penstock_core::engine::OpenFile;
use pyo3::prelude::*;

/// One open data file in memory.
#[pyclass(name = "OpenFile", module = "penstock._native", frozen, get_all)]
pub struct PyOpenFile {
    table: &'static str,
    topic: String,
    partition: i32,
    epoch: i64,
    rows: u64,
    memory_bytes: u64,
    file_bytes: u64,
}

impl From<OpenFile> for PyOpenFile {
    fn from(
        OpenFile {
            table,
            assignment,
            usage,
        }: OpenFile,
    ) -> Self {
        Self {
            table: table.name(),
            topic: assignment.topic,
            partition: assignment.partition,
            epoch: assignment.epoch,
            rows: usage.rows,
            memory_bytes: usage.memory_bytes,
            file_bytes: usage.file_bytes,
        }
    }
}

#[pymethods]
impl PyOpenFile {
    fn __repr__(&self) -> String {
        let Self {
            table,
            topic,
            partition,
            epoch,
            rows,
            file_bytes,
            ..
        } = self;
        format!(
            "<OpenFile {table} {topic}-{partition} epoch {epoch}: {rows} rows, {file_bytes} bytes>"
        )
    }
}
