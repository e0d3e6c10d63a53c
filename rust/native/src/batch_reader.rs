//! Record batches read as the engine reads them, and no further: for benches and tests.

use arrow_buffer::Buffer;
use penstock_core::frame::{Fetched, Limits, Records, Unpackers, Walker};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::{NativeError, detached};
use crate::input::frozen_bytes;

/// As much at once as the engine takes: it stays in the cache.
const PORTION_BYTES: u64 = 2 << 20;
const KEPT_BYTES: usize = 32 << 20;

/// Keeps decompressors and their memory from call to call.
#[pyclass(name = "BatchReader", module = "penstock._native", frozen)]
pub struct PyBatchReader(Unpackers);

/// What one fetch brought of one partition.
struct Brought {
    bytes: Buffer,
    fetch_offset: i64,
    aborted: Vec<(i64, i64)>,
    read_committed: bool,
}

type BroughtArguments<'py> = (Bound<'py, PyAny>, i64, Vec<(i64, i64)>, bool);

#[pymethods]
impl PyBatchReader {
    #[new]
    fn new() -> Self {
        Self(Unpackers::new(Limits::default(), KEPT_BYTES))
    }

    fn count(&self, py: Python<'_>, batches: Vec<BroughtArguments<'_>>) -> PyResult<(u64, u64)> {
        let batches = brought(batches)?;
        let (records, value_bytes, fault) = detached(py, || {
            let mut totals = (0, 0, None);
            for batch in &batches {
                self.each_portion(batch, |portion| {
                    totals.0 += portion.len() as u64;
                    let lengths = portion.values.iter().map(|value| value.length);
                    totals.1 += lengths
                        .map(|length| u64::try_from(length).unwrap_or(0))
                        .sum::<u64>();
                    totals.2 = totals.2.take().or_else(|| fault(portion));
                });
            }
            Ok(totals)
        })?;
        fault.map_or(Ok((records, value_bytes)), |fault| {
            Err(NativeError::new_err(fault))
        })
    }

    fn values<'py>(
        &self,
        py: Python<'py>,
        batches: Vec<BroughtArguments<'py>>,
    ) -> PyResult<Vec<Vec<Option<Bound<'py, PyBytes>>>>> {
        let mut found = Vec::with_capacity(batches.len());
        for batch in &brought(batches)? {
            let (mut values, mut failed) = (Vec::new(), None);
            self.each_portion(batch, |portion| {
                let bytes = portion.values.iter().map(|&value| portion.bytes(value));
                values.extend(bytes.map(|value| value.map(|value| PyBytes::new(py, value))));
                failed = failed.take().or_else(|| fault(portion));
            });
            if let Some(fault) = failed {
                return Err(NativeError::new_err(fault));
            }
            found.push(values);
        }
        Ok(found)
    }
}

impl PyBatchReader {
    fn each_portion(&self, batch: &Brought, mut see: impl FnMut(&Records)) {
        let fetched = Fetched {
            bytes: &batch.bytes,
            fetch_offset: batch.fetch_offset,
            aborted: &batch.aborted,
            read_committed: batch.read_committed,
            most_records: None,
        };
        let mut walk = Walker::default().begin(&fetched, &self.0);
        while let Some(portion) = walk.next(PORTION_BYTES) {
            see(&portion);
            self.0.reuse(portion);
        }
    }
}

fn brought(batches: Vec<BroughtArguments<'_>>) -> PyResult<Vec<Brought>> {
    let of = |(data, fetch_offset, aborted, read_committed): BroughtArguments<'_>| {
        Ok(Brought {
            bytes: frozen_bytes(&data)?,
            fetch_offset,
            aborted,
            read_committed,
        })
    };
    batches.into_iter().map(of).collect()
}

fn fault(portion: &Records) -> Option<String> {
    portion.fault.as_ref().map(ToString::to_string)
}
