//! `penstock.batch.RawBatch`, read by the names of its attributes without copying a record.

use penstock_core::engine::{Envelope, Envelopes};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyString};

/// What a raw batch holds, kept alive by references to Python's own bytes.
pub struct BackedBatch {
    pub topic: PyBackedStr,
    pub partition: i32,
    pub epoch: i64,
    pub next_offset: i64,
    pub limit: Option<usize>,
    pub values: Vec<Option<PyBackedBytes>>,
    pub offsets: Vec<i64>,
    pub timestamps: Vec<i64>,
    pub envelopes: BackedEnvelopes,
}

/// The sequences of keys and headers, looked into for rejected records only.
pub struct BackedEnvelopes {
    keys: Py<PyAny>,
    headers: Py<PyAny>,
}

impl<'py> FromPyObject<'_, 'py> for BackedBatch {
    type Error = PyErr;

    fn extract(batch: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let py = batch.py();
        let partition = batch.getattr(intern!(py, "partition"))?;
        let records = batch.getattr(intern!(py, "records"))?;
        Ok(Self {
            topic: partition.getattr(intern!(py, "topic"))?.extract()?,
            partition: partition.getattr(intern!(py, "number"))?.extract()?,
            epoch: batch.getattr(intern!(py, "epoch"))?.extract()?,
            next_offset: batch.getattr(intern!(py, "next_offset"))?.extract()?,
            limit: batch.getattr(intern!(py, "limit"))?.extract()?,
            values: records.getattr(intern!(py, "values"))?.extract()?,
            offsets: records.getattr(intern!(py, "offsets"))?.extract()?,
            timestamps: records.getattr(intern!(py, "timestamps"))?.extract()?,
            envelopes: BackedEnvelopes {
                keys: records.getattr(intern!(py, "keys"))?.unbind(),
                headers: records.getattr(intern!(py, "headers"))?.unbind(),
            },
        })
    }
}

impl Envelopes for BackedEnvelopes {
    /// Takes the GIL: the caller of the core has released it.
    fn read(&self, indices: &[u32]) -> Result<Vec<Envelope>, String> {
        Python::attach(|py| {
            indices
                .iter()
                .map(|&index| self.read_one(py, index))
                .collect::<PyResult<_>>()
        })
        .map_err(|error| error.to_string())
    }
}

impl BackedEnvelopes {
    fn read_one(&self, py: Python<'_>, index: u32) -> PyResult<Envelope> {
        let headers: Vec<(Bound<'_, PyAny>, Option<Vec<u8>>)> =
            self.headers.bind(py).get_item(index)?.extract()?;
        Ok(Envelope {
            key: self.keys.bind(py).get_item(index)?.extract()?,
            headers: headers
                .into_iter()
                .map(|(key, value)| Ok((header_key(&key)?, value)))
                .collect::<PyResult<_>>()?,
        })
    }
}

fn header_key(key: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    match key.cast::<PyString>() {
        Ok(text) => Ok(text.to_str()?.into()),
        Err(_) => Ok(key.cast::<PyBytes>()?.as_bytes().into()),
    }
}
