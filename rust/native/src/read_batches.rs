//! Fetched record batches read by themselves, without a decoder: for tests and benchmarks.

use std::sync::LazyLock;

use arrow_buffer::Buffer;
use crc_fast::{CrcAlgorithm, Digest};
use penstock_core::EngineError;
use penstock_core::frame::{Fault, Fetched, Headers, Limits, Records, Span, Unpackers, Walker};
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

/// As much as an engine takes at once.
const PORTION_BYTES: u64 = 2 << 20;

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
    fn fetched(&self) -> Fetched<'_> {
        Fetched {
            bytes: &self.bytes,
            fetch_offset: self.fetch_offset,
            aborted: &self.aborted,
            read_committed: self.read_committed,
            most_records: None,
        }
    }

    /// All of it, to be looked into.
    fn read(&self) -> Records {
        Walker::default().read(&self.fetched(), &UNPACKERS)
    }

    /// As an engine reads it: what was decompressed is in the cache, and is written over by what comes next.
    fn count(&self) -> Counted {
        let fetched = self.fetched();
        let mut counted = Counted::default();
        let mut walk = Walker::default().begin(&fetched, &UNPACKERS);
        while let Some(mut portion) = walk.next(PORTION_BYTES) {
            let values = portion.values.iter();
            let value_bytes = values.map(|value| value.length.max(0) as u64);
            counted.value_bytes += value_bytes.sum::<u64>();
            counted.records += portion.len();
            counted.next_offset = portion.next_offset;
            counted.fault = counted.fault.take().or(portion.fault.take());
            UNPACKERS.reuse(portion);
        }
        counted
    }
}

/// What an entry has.
#[derive(Default)]
struct Counted {
    records: usize,
    value_bytes: u64,
    next_offset: i64,
    fault: Option<Fault>,
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
    let count = || -> Result<Vec<Counted>, EngineError> {
        if threads <= 1 {
            return Ok(entries.iter().map(Entry::count).collect());
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| EngineError::Threads {
            threads,
            reason: error.to_string(),
        })?;
        Ok(pool.install(|| entries.par_iter().map(Entry::count).collect()))
    };
    let counted = detached(py, count)?;
    let records = entries.into_iter().zip(counted);
    Ok(records
        .map(|(entry, counted)| PyRecords { entry, counted })
        .collect())
}

/// The records of one entry, which is read again when somebody asks for more than their number.
#[pyclass(name = "Records", module = "penstock._native", frozen)]
pub struct PyRecords {
    entry: Entry,
    counted: Counted,
}

#[pymethods]
impl PyRecords {
    #[getter]
    fn count(&self) -> usize {
        self.counted.records
    }

    #[getter]
    fn value_bytes(&self) -> u64 {
        self.counted.value_bytes
    }

    #[getter]
    fn next_offset(&self) -> i64 {
        self.counted.next_offset
    }

    #[getter]
    fn fault(&self) -> Option<PyFault> {
        self.counted.fault.clone().map(PyFault::from)
    }

    #[pyo3(signature = (before = 0))]
    fn crc(&self, py: Python<'_>, before: u32) -> PyResult<u32> {
        detached(py, || {
            let state = u64::from(!before);
            let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc32IsoHdlc, state);
            let records = self.entry.read();
            for &value in &records.values {
                digest.update(&value.length.to_be_bytes());
                digest.update(records.bytes(value).unwrap_or_default());
            }
            UNPACKERS.reuse(records);
            Ok(digest.finalize() as u32)
        })
    }

    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let records = self.entry.read();
        let parts = |spans: &[Span]| {
            let parts = spans.iter().map(|&span| part(py, &records, span));
            PyList::new(py, parts.collect::<Vec<_>>())
        };
        let columns = PyDict::new(py);
        columns.set_item("offsets", &records.offsets)?;
        columns.set_item("timestamps", &records.timestamps)?;
        columns.set_item("values", parts(&records.values)?)?;
        columns.set_item("keys", parts(&records.keys)?)?;
        let spans = records.headers.iter();
        let headers = spans.map(|&span| headers(py, &records, span));
        columns.set_item("headers", headers.collect::<PyResult<Vec<_>>>()?)?;
        UNPACKERS.reuse(records);
        Ok(columns)
    }
}

fn part<'py>(py: Python<'py>, records: &Records, span: Span) -> Option<Bound<'py, PyBytes>> {
    records.bytes(span).map(|bytes| PyBytes::new(py, bytes))
}

fn headers<'py>(py: Python<'py>, records: &Records, span: Span) -> PyResult<Bound<'py, PyTuple>> {
    let headers = Headers::new(records.bytes(span).unwrap_or_default());
    let pairs = headers.map(|(key, value)| {
        let value = value.map(|value| PyBytes::new(py, value));
        (PyBytes::new(py, key), value)
    });
    PyTuple::new(py, pairs.collect::<Vec<_>>())
}
