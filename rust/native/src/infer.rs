//! Columns from sampled records.

use penstock_core::EngineError;
use penstock_core::decode::DecodeOptions;
use penstock_core::infer::{self, Inferred, InferredColumn};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{IntoPyDict, PyDict};

use crate::error::detached;
use crate::rejection::PyRejection;

/// One column that a sample has values for.
#[pyclass(name = "InferredColumn", module = "penstock._native", frozen, get_all)]
pub struct PyInferredColumn {
    name: String,
    path: Vec<String>,
    r#type: String,
    present: u64,
    kinds: Py<PyDict>,
    reason: String,
}

impl PyInferredColumn {
    fn new(py: Python<'_>, column: InferredColumn) -> PyResult<Self> {
        Ok(Self {
            name: column.name,
            path: column.path,
            r#type: column.kind.to_string(),
            present: column.present,
            kinds: column.kinds.into_py_dict(py)?.unbind(),
            reason: column.reason,
        })
    }
}

#[pymethods]
impl PyInferredColumn {
    fn __repr__(&self) -> String {
        let Self {
            name,
            r#type,
            reason,
            ..
        } = self;
        format!("<InferredColumn {name}: {type}, {reason}>")
    }
}

/// What a sample says about columns.
#[pyclass(name = "Inferred", module = "penstock._native", frozen, get_all)]
pub struct PyInferred {
    columns: Vec<Py<PyInferredColumn>>,
    records: u64,
    rejections: Vec<Py<PyRejection>>,
}

#[pyfunction]
#[allow(
    clippy::needless_pass_by_value,
    reason = "the values are dropped here, with the GIL held"
)]
pub fn infer_schema(
    py: Python<'_>,
    values: Vec<PyBackedBytes>,
    decode_json: &str,
) -> PyResult<PyInferred> {
    let Inferred {
        columns,
        records,
        rejections,
    } = detached(py, || {
        let options: DecodeOptions = serde_json::from_str(decode_json)
            .map_err(|error| EngineError::Config(format!("decode: {error}")))?;
        let values: Vec<&[u8]> = values.iter().map(|value| &**value).collect();
        infer::infer(&values, options)
    })?;
    Ok(PyInferred {
        columns: columns
            .into_iter()
            .map(|column| Py::new(py, PyInferredColumn::new(py, column)?))
            .collect::<PyResult<_>>()?,
        records,
        rejections: rejections
            .into_iter()
            .map(|rejection| Py::new(py, PyRejection::from(rejection)))
            .collect::<PyResult<_>>()?,
    })
}
