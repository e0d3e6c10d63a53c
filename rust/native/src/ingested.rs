//! The result of one `ingest`.

use penstock_core::engine::Outcome;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::batch::PyBatch;
use crate::rejection::PyOffsetRejection;
use crate::report::PyReport;

/// The result of one `ingest`, in the order of the batches that went in.
#[pyclass(name = "Ingested", module = "penstock._native", frozen, get_all)]
pub struct PyIngested {
    reports: Py<PyList>,
    rejections: Py<PyList>,
    batches: Py<PyList>,
}

impl PyIngested {
    pub fn new(py: Python<'_>, outcomes: Vec<Outcome>) -> PyResult<Self> {
        let (reports, rejections, batches) =
            (PyList::empty(py), PyList::empty(py), PyList::empty(py));
        for outcome in outcomes {
            reports.append(PyReport::new(py, &outcome)?)?;
            let of_batch: Vec<PyOffsetRejection> =
                outcome.rejections.into_iter().map(Into::into).collect();
            rejections.append(of_batch)?;
            if let Some(rows) = outcome.rows {
                batches.append(PyBatch(rows))?;
            }
        }
        Ok(Self {
            reports: reports.unbind(),
            rejections: rejections.unbind(),
            batches: batches.unbind(),
        })
    }
}
