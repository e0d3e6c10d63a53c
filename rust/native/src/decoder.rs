//! The decoder by itself, as Python sees it.

use std::collections::HashSet;
use std::sync::Mutex;

use arrow_array::RecordBatch;
use penstock_core::columns::ColumnKind;
use penstock_core::decode::{
    self, ConfigError, DecodeConfig, DecodeError, Drift, LinePlace, Rejection, Shapes, Strings,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyCapsule, PyDict};
use pyo3_arrow::PySchema;
use pyo3_arrow::ffi::to_schema_pycapsule;

use crate::batch::PyBatch;
use crate::error::{NativeError, detached};
use crate::input::Input;
use crate::rejection::PyRejection;

/// Decodes records by one configuration.
#[pyclass(name = "Decoder", module = "penstock._native", frozen)]
pub struct PyDecoder {
    decoder: decode::Decoder,
    strings: Strings,
    /// What earlier calls have learnt of the records' shapes.
    shapes: Mutex<Shapes>,
}

#[pymethods]
impl PyDecoder {
    #[new]
    fn new(config_json: &str, strings: &str) -> PyResult<Self> {
        let config: DecodeConfig = serde_json::from_str(config_json)
            .map_err(|error| NativeError::new_err(format!("decoder configuration: {error}")))?;
        let decoder = if config.columns.is_empty() {
            decode::Decoder::without_columns(config.decode)
        } else {
            decode::Decoder::new(&config)
        };
        Ok(Self {
            decoder: decoder.map_err(|ConfigError { key, problem }| {
                let key = key.strip_prefix("decode.").unwrap_or(&key);
                PyValueError::new_err(format!("{key}: {problem}"))
            })?,
            strings: strings
                .parse()
                .map_err(|error| PyValueError::new_err(format!("strings: {error}")))?,
            shapes: Mutex::default(),
        })
    }

    #[allow(
        clippy::needless_pass_by_value,
        reason = "the values are dropped here, with the GIL held"
    )]
    fn decode(&self, py: Python<'_>, data: Input) -> PyResult<PyDecoded> {
        let outcome = detached(py, || Ok(self.decode_detached(&data)))?;
        PyDecoded::new(py, outcome.map_err(|error| told(&error))?)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = self.strings.schema(&self.decoder.schema());
        Ok(to_schema_pycapsule(py, schema)?)
    }

    #[staticmethod]
    fn columns_of(schema: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String, bool)>> {
        let schema: PySchema = schema.extract().map_err(|error| {
            PyTypeError::new_err(format!(
                "columns: not the schema of a table with column types ({error})"
            ))
        })?;
        let schema = schema.into_inner();
        let mut names = HashSet::new();
        let columns = schema.fields().iter().map(|field| {
            if !names.insert(field.name()) {
                let name = field.name();
                return Err(PyValueError::new_err(format!(
                    "columns: field {name:?} is there twice"
                )));
            }
            let kind = ColumnKind::of_field(field)
                .map_err(|error| PyValueError::new_err(format!("columns: {error}")))?;
            Ok((field.name().clone(), kind.to_string(), !field.is_nullable()))
        });
        columns.collect()
    }
}

impl PyDecoder {
    fn decode_detached(&self, data: &Input) -> Result<Outcome, DecodeError> {
        // A call at the same time as another one learns for itself.
        let mut known = self.shapes.try_lock();
        let mut own = Shapes::default();
        let shapes = match &mut known {
            Ok(known) => &mut **known,
            Err(_) => &mut own,
        };
        match data {
            Input::Values(values) => {
                let values: Vec<_> = values.iter().map(Option::as_deref).collect();
                let decoded = self.decoder.decode_with(&values, shapes)?;
                self.outcome(&values, decoded, |_| None)
            }
            Input::Lines(source) => {
                let (decoded, lines) = self.decoder.decode_lines(source, shapes)?;
                self.outcome(&lines.values, decoded, |index| Some(lines.place(index)))
            }
        }
    }

    fn outcome(
        &self,
        values: &[Option<&[u8]>],
        decoded: decode::Decoded,
        place: impl Fn(u32) -> Option<LinePlace>,
    ) -> Result<Outcome, DecodeError> {
        let rejections = decoded.rejections.into_iter();
        Ok(Outcome {
            records: values.len() as u64,
            bytes: values
                .iter()
                .flatten()
                .map(|value| value.len() as u64)
                .sum(),
            tombstones: decoded.tombstones,
            drift: decoded.drift,
            rejections: rejections
                .map(|rejection| {
                    let place = place(rejection.index);
                    (rejection, place)
                })
                .collect(),
            rows: self.strings.batch(&decoded.batch)?,
        })
    }
}

/// What is made of a call before Python's objects are.
struct Outcome {
    records: u64,
    bytes: u64,
    tombstones: u64,
    drift: Drift,
    rejections: Vec<(Rejection, Option<LinePlace>)>,
    rows: RecordBatch,
}

/// Too much at once is the caller's to change; anything else is a bug.
fn told(error: &DecodeError) -> PyErr {
    match error {
        DecodeError::TooManyValues(_) | DecodeError::TooMuchText(_) => {
            PyValueError::new_err(error.to_string())
        }
        DecodeError::Batch(_) => NativeError::new_err(error.to_string()),
    }
}

/// What became of one call's records.
#[pyclass(name = "Decoded", module = "penstock._native", frozen, get_all)]
pub struct PyDecoded {
    batch: Py<PyBatch>,
    rejections: Vec<Py<PyRejection>>,
    report: Py<PyDecodeReport>,
}

impl PyDecoded {
    fn new(py: Python<'_>, outcome: Outcome) -> PyResult<Self> {
        let report = PyDecodeReport {
            records: outcome.records,
            rows: outcome.rows.num_rows() as u64,
            rejected: outcome.rejections.len() as u64,
            tombstones: outcome.tombstones,
            bytes: outcome.bytes,
            drift: outcome.drift.counts().into_py_dict(py)?.unbind(),
        };
        let rejections = outcome.rejections.into_iter();
        Ok(Self {
            batch: Py::new(py, PyBatch(outcome.rows))?,
            rejections: rejections
                .map(|(rejection, place)| Py::new(py, PyRejection::new(rejection, place)))
                .collect::<PyResult<_>>()?,
            report: Py::new(py, report)?,
        })
    }
}

#[pymethods]
impl PyDecoded {
    fn __repr__(&self) -> String {
        format!("<Decoded: {}>", self.report.get().counts())
    }
}

/// Counts of one call; `records == rows + rejected + tombstones`.
#[pyclass(name = "DecodeReport", module = "penstock._native", frozen, get_all)]
pub struct PyDecodeReport {
    records: u64,
    rows: u64,
    rejected: u64,
    tombstones: u64,
    bytes: u64,
    drift: Py<PyDict>,
}

impl PyDecodeReport {
    fn counts(&self) -> String {
        let Self {
            records,
            rows,
            rejected,
            tombstones,
            ..
        } = self;
        format!("{records} records, {rows} rows, {rejected} rejected, {tombstones} tombstones")
    }
}

#[pymethods]
impl PyDecodeReport {
    fn __repr__(&self) -> String {
        format!("<DecodeReport: {}>", self.counts())
    }
}
