//! `penstock.batch.RawBatch`, read by the names of its attributes without copying a record.

use arrow_buffer::Buffer;
use penstock_core::engine::{Envelope, Envelopes, RawBatch, RawFrame, RawRecords, RecordColumns};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyString};

use crate::input::frozen_bytes;

/// What a raw batch holds, kept alive by references to Python's own bytes.
pub struct BackedBatch {
    topic: PyBackedStr,
    partition: i32,
    epoch: i64,
    fetch_offset: i64,
    next_offset: i64,
    limit: Option<usize>,
    records: BackedRecords,
}

enum BackedRecords {
    Columns(BackedColumns),
    Frame(BackedFrame),
}

/// `RecordColumns`.
struct BackedColumns {
    values: Vec<Option<PyBackedBytes>>,
    offsets: Vec<i64>,
    timestamps: Vec<i64>,
    envelopes: BackedEnvelopes,
}

/// `RawFrame`.
struct BackedFrame {
    data: Buffer,
    aborted: Vec<(i64, i64)>,
    read_committed: bool,
}

/// The sequences of keys and headers, looked into for rejected records only.
struct BackedEnvelopes {
    keys: Py<PyAny>,
    headers: Py<PyAny>,
}

/// The values of a batch's columns, as the core takes them.
pub type Values<'a> = Vec<Option<&'a [u8]>>;

impl BackedBatch {
    /// Its values, none if it is a frame.
    pub fn values(&self) -> Values<'_> {
        match &self.records {
            BackedRecords::Columns(columns) => {
                let values = columns.values.iter();
                values.map(|value| value.as_deref()).collect()
            }
            BackedRecords::Frame(_) => Vec::new(),
        }
    }

    /// For the core; `values` are its own.
    pub fn raw<'a>(&'a self, values: &'a Values<'a>) -> RawBatch<'a> {
        RawBatch {
            topic: &self.topic,
            partition: self.partition,
            epoch: self.epoch,
            fetch_offset: self.fetch_offset,
            next_offset: self.next_offset,
            limit: self.limit,
            records: match &self.records {
                BackedRecords::Columns(columns) => RawRecords::Columns(RecordColumns {
                    values,
                    offsets: &columns.offsets,
                    timestamps: &columns.timestamps,
                    envelopes: &columns.envelopes,
                }),
                BackedRecords::Frame(frame) => RawRecords::Frame(RawFrame {
                    data: &frame.data,
                    aborted: &frame.aborted,
                    read_committed: frame.read_committed,
                }),
            },
        }
    }
}

impl<'py> FromPyObject<'_, 'py> for BackedBatch {
    type Error = PyErr;

    fn extract(batch: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let py = batch.py();
        let partition = batch.getattr(intern!(py, "partition"))?;
        Ok(Self {
            topic: partition.getattr(intern!(py, "topic"))?.extract()?,
            partition: partition.getattr(intern!(py, "number"))?.extract()?,
            epoch: batch.getattr(intern!(py, "epoch"))?.extract()?,
            fetch_offset: batch.getattr(intern!(py, "fetch_offset"))?.extract()?,
            next_offset: batch.getattr(intern!(py, "next_offset"))?.extract()?,
            limit: batch.getattr(intern!(py, "limit"))?.extract()?,
            records: batch.getattr(intern!(py, "records"))?.extract()?,
        })
    }
}

impl<'py> FromPyObject<'_, 'py> for BackedRecords {
    type Error = PyErr;

    fn extract(records: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let py = records.py();
        if records.hasattr(intern!(py, "data"))? {
            return Ok(Self::Frame(BackedFrame {
                data: frozen_bytes(&records.getattr(intern!(py, "data"))?)?,
                aborted: records.getattr(intern!(py, "aborted"))?.extract()?,
                read_committed: records.getattr(intern!(py, "read_committed"))?.extract()?,
            }));
        }
        Ok(Self::Columns(BackedColumns {
            values: records.getattr(intern!(py, "values"))?.extract()?,
            offsets: records.getattr(intern!(py, "offsets"))?.extract()?,
            timestamps: records.getattr(intern!(py, "timestamps"))?.extract()?,
            envelopes: BackedEnvelopes {
                keys: records.getattr(intern!(py, "keys"))?.unbind(),
                headers: records.getattr(intern!(py, "headers"))?.unbind(),
            },
        }))
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
