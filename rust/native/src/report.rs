//! What became of one batch, as a value.

use penstock_core::Report;
use penstock_core::engine::Outcome;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict};

use crate::fault::PyFault;

/// What became of one `RawBatch`; `records == rows + dead_letters + filtered + tombstones`.
#[pyclass(name = "Report", module = "penstock._native", frozen, get_all)]
pub struct PyReport {
    records: u64,
    rows: u64,
    dead_letters: u64,
    filtered: u64,
    tombstones: u64,
    bytes: u64,
    drift: Py<PyDict>,
    redacted: Py<PyDict>,
    next_offset: i64,
    fault: Option<Py<PyFault>>,
    control_batches: u64,
    aborted_records: u64,
    decompressed_bytes: u64,
}

impl PyReport {
    pub fn new(py: Python<'_>, outcome: &Outcome) -> PyResult<Self> {
        let Report {
            records,
            rows,
            dead_letters,
            filtered,
            tombstones,
            bytes,
            drift,
            ref redacted,
        } = outcome.report;
        let drift = drift.counts().into_py_dict(py)?.unbind();
        let redacted = redacted.into_py_dict(py)?.unbind();
        Ok(Self {
            records,
            rows,
            dead_letters,
            filtered,
            tombstones,
            bytes,
            drift,
            redacted,
            next_offset: outcome.next_offset,
            fault: outcome
                .fault
                .clone()
                .map(|fault| Py::new(py, PyFault::from(fault)))
                .transpose()?,
            control_batches: outcome.counts.control_batches,
            aborted_records: outcome.counts.aborted_records,
            decompressed_bytes: outcome.counts.decompressed_bytes,
        })
    }
}

#[pymethods]
impl PyReport {
    fn __repr__(&self) -> String {
        let Self {
            records,
            rows,
            dead_letters,
            filtered,
            tombstones,
            ..
        } = self;
        format!(
            "<Report {records} records: {rows} rows, {dead_letters} dead letters, {filtered} filtered, \
             {tombstones} tombstones>"
        )
    }
}
