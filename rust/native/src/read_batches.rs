//! Fetched record batches read by themselves, without a decoder: for tests and benchmarks.

use std::sync::LazyLock;

use arrow_buffer::Buffer;
use crc_fast::{CrcAlgorithm, Digest};
use penstock_core::EngineError;
use penstock_core::frame::{Fetched, Headers, Limits, Records, Span, Unpackers, Walker};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use rayon::prelude::*;

use crate::error::detached;
use crate::fault::PyFault;
use crate::input::frozen_bytes;

/// What is kept of slabs between calls, as an engine does.
const KEPT_BYTES: usize = 64 << 20;

static UNPACKERS: LazyLock<Unpackers> =
    LazyLock::new(|| Unpackers::new(Limits::default(), KEPT_BYTES));

/// One entry of a call.
pub struct Entry {
    bytes: Buffer,
    fetch_offset: i64,
    aborted: Vec<(i64, i64)>,
    read_committed: bool,
}

impl<'py> FromPyObject<'_, 'py> for Entry {
    type Error = PyErr;

    fn extract(entry: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (data, fetch_offset, aborted, read_committed): (Bound<'py, PyAny>, _, _, _) =
            entry.extract()?;
        Ok(Self {
            bytes: frozen_bytes(&data)?,
            fetch_offset,
            aborted,
            read_committed,
        })
    }
}

impl Entry {
    fn read(&self) -> Records {
        let fetched = Fetched {
            bytes: &self.bytes,
            fetch_offset: self.fetch_offset,
            aborted: &self.aborted,
            read_committed: self.read_committed,
            most_records: None,
        };
        Walker::default().read(&fetched, &UNPACKERS)
    }
}

/// Read all `entries`, each by itself, by so many threads; with one in this thread.
#[pyfunction]
#[allow(
    clippy::needless_pass_by_value,
    reason = "what is lent is given back here, with the GIL held"
)]
pub fn read_batches(
    py: Python<'_>,
    entries: Vec<Entry>,
    threads: usize,
) -> PyResult<Vec<PyRecords>> {
    let read = || -> Result<Vec<Records>, EngineError> {
        if threads <= 1 {
            return Ok(entries.iter().map(Entry::read).collect());
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| EngineError::Threads {
            threads,
            reason: error.to_string(),
        })?;
        Ok(pool.install(|| entries.par_iter().map(Entry::read).collect()))
    };
    Ok(detached(py, read)?.into_iter().map(PyRecords).collect())
}

/// The records of one entry, which stay where they are until somebody asks for them.
#[pyclass(name = "Records", module = "penstock._native", frozen)]
pub struct PyRecords(Records);

impl Drop for PyRecords {
    fn drop(&mut self) {
        UNPACKERS.reuse(std::mem::take(&mut self.0));
    }
}

#[pymethods]
impl PyRecords {
    #[getter]
    fn count(&self) -> usize {
        self.0.len()
    }

    #[getter]
    fn value_bytes(&self) -> u64 {
        let values = self.0.values.iter();
        values.map(|value| value.length.max(0) as u64).sum()
    }

    #[getter]
    fn next_offset(&self) -> i64 {
        self.0.next_offset
    }

    #[getter]
    fn fault(&self) -> Option<PyFault> {
        self.0.fault.clone().map(PyFault::from)
    }

    #[pyo3(signature = (before = 0))]
    fn crc(&self, py: Python<'_>, before: u32) -> PyResult<u32> {
        detached(py, || {
            let state = u64::from(!before);
            let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc32IsoHdlc, state);
            for &value in &self.0.values {
                digest.update(&value.length.to_be_bytes());
                digest.update(self.0.bytes(value).unwrap_or_default());
            }
            Ok(digest.finalize() as u32)
        })
    }

    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let parts = |spans: &[Span]| {
            let parts = spans.iter().map(|&span| self.part(py, span));
            PyList::new(py, parts.collect::<Vec<_>>())
        };
        let columns = PyDict::new(py);
        columns.set_item("offsets", &self.0.offsets)?;
        columns.set_item("timestamps", &self.0.timestamps)?;
        columns.set_item("values", parts(&self.0.values)?)?;
        columns.set_item("keys", parts(&self.0.keys)?)?;
        let headers = self.0.headers.iter().map(|&span| self.headers(py, span));
        columns.set_item("headers", headers.collect::<PyResult<Vec<_>>>()?)?;
        Ok(columns)
    }
}

impl PyRecords {
    fn part<'py>(&self, py: Python<'py>, span: Span) -> Option<Bound<'py, PyBytes>> {
        self.0.bytes(span).map(|bytes| PyBytes::new(py, bytes))
    }

    fn headers<'py>(&self, py: Python<'py>, span: Span) -> PyResult<Bound<'py, PyTuple>> {
        let headers = Headers::new(self.0.bytes(span).unwrap_or_default());
        let pairs = headers.map(|(key, value)| {
            let value = value.map(|value| PyBytes::new(py, value));
            (PyBytes::new(py, key), value)
        });
        PyTuple::new(py, pairs.collect::<Vec<_>>())
    }
}
