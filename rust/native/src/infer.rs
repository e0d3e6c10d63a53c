//! Columns from sampled records.

use penstock_core::EngineError;
use penstock_core::decode::{DecodeOptions, Lines};
use penstock_core::infer::{self, Inferred, InferredColumn};
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict};

use crate::error::detached;
use crate::input::Input;
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
#[pyo3(signature = (data, decode_json, most_records = None))]
#[allow(
    clippy::needless_pass_by_value,
    reason = "the values are dropped here, with the GIL held"
)]
pub fn infer_schema(
    py: Python<'_>,
    data: Input,
    decode_json: &str,
    most_records: Option<usize>,
) -> PyResult<PyInferred> {
    let most = most_records.unwrap_or(usize::MAX);
    let (inferred, places) = detached(py, || {
        let options: DecodeOptions = serde_json::from_str(decode_json)
            .map_err(|error| EngineError::Config(format!("decode: {error}")))?;
        match &data {
            Input::Values(values) => {
                let values: Vec<_> = values.iter().take(most).map(Option::as_deref).collect();
                let inferred = infer::infer(&values, options)?;
                let places = vec![None; inferred.rejections.len()];
                Ok((inferred, places))
            }
            Input::Lines(source) => {
                let lines = Lines::split(source, most);
                let inferred = infer::infer(&lines.values, options)?;
                let rejections = inferred.rejections.iter();
                let places = rejections.map(|rejection| Some(lines.place(rejection.index)));
                let places = places.collect();
                Ok((inferred, places))
            }
        }
    })?;
    let Inferred {
        columns,
        records,
        rejections,
    } = inferred;
    Ok(PyInferred {
        columns: columns
            .into_iter()
            .map(|column| Py::new(py, PyInferredColumn::new(py, column)?))
            .collect::<PyResult<_>>()?,
        records,
        rejections: rejections
            .into_iter()
            .zip(places)
            .map(|(rejection, place)| Py::new(py, PyRejection::new(rejection, place)))
            .collect::<PyResult<_>>()?,
    })
}
