//! One record that is not a row, as a value.

use penstock_core::decode::{LinePlace, Rejection};
use penstock_core::engine::OffsetRejection;
use pyo3::prelude::*;

/// One record of a call of the decoder that is not a row.
#[pyclass(name = "Rejection", module = "penstock._native", frozen, get_all)]
pub struct PyRejection {
    index: u32,
    code: &'static str,
    byte_position: u64,
    message: String,
    line: Option<u64>,
    input_position: Option<u64>,
}

impl PyRejection {
    /// Of a record that is at `place`, if it came in a text.
    pub fn new(rejection: Rejection, place: Option<LinePlace>) -> Self {
        let Rejection {
            index,
            code,
            byte_position,
            message,
        } = rejection;
        Self {
            index,
            code: code.as_str(),
            byte_position,
            message,
            line: place.map(|place| place.line),
            input_position: place.map(|place| place.start + byte_position),
        }
    }
}

#[pymethods]
impl PyRejection {
    fn __repr__(&self) -> String {
        let Self {
            index,
            code,
            byte_position,
            message,
            line,
            ..
        } = self;
        let line = line.map_or_else(String::new, |line| format!(", line {line}"));
        format!("<Rejection record {index}{line}: {code} at byte {byte_position}: {message}>")
    }
}

/// One record of a raw batch that is not a row.
#[pyclass(name = "OffsetRejection", module = "penstock._native", frozen, get_all)]
pub struct PyOffsetRejection {
    index: u32,
    offset: i64,
    code: &'static str,
    byte_position: u64,
    message: String,
}

impl From<OffsetRejection> for PyOffsetRejection {
    fn from(
        OffsetRejection {
            index,
            offset,
            code,
            byte_position,
            message,
        }: OffsetRejection,
    ) -> Self {
        Self {
            index,
            offset,
            code: code.as_str(),
            byte_position,
            message,
        }
    }
}

#[pymethods]
impl PyOffsetRejection {
    fn __repr__(&self) -> String {
        let Self {
            offset,
            code,
            byte_position,
            message,
            ..
        } = self;
        format!("<OffsetRejection offset {offset}: {code} at byte {byte_position}: {message}>")
    }
}
