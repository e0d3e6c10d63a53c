//! One record that is not a row, as a value.

use penstock_core::decode::Rejection;
use penstock_core::engine::OffsetRejection;
use pyo3::prelude::*;

/// One record that is not a row.
#[pyclass(name = "Rejection", module = "penstock._native", frozen, get_all)]
pub struct PyRejection {
    offset: i64,
    code: &'static str,
    byte_position: u64,
    message: String,
}

impl From<OffsetRejection> for PyRejection {
    fn from(
        OffsetRejection {
            offset,
            code,
            byte_position,
            message,
        }: OffsetRejection,
    ) -> Self {
        Self {
            offset,
            code: code.as_str(),
            byte_position,
            message,
        }
    }
}

impl From<Rejection> for PyRejection {
    /// Of a value without an offset: its index stands for it.
    fn from(rejection: Rejection) -> Self {
        Self {
            offset: i64::from(rejection.index),
            code: rejection.code.as_str(),
            byte_position: rejection.byte_position,
            message: rejection.message,
        }
    }
}

#[pymethods]
impl PyRejection {
    fn __repr__(&self) -> String {
        let Self {
            offset,
            code,
            byte_position,
            message,
        } = self;
        format!("<Rejection offset {offset}: {code} at byte {byte_position}: {message}>")
    }
}
