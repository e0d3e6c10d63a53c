//! What is wrong with a batch of a frame, as a value.

use penstock_core::frame::Fault;
use pyo3::prelude::*;

/// Why no more was taken of a frame.
#[pyclass(name = "Fault", module = "penstock._native", frozen, get_all)]
pub struct PyFault {
    offset: i64,
    code: &'static str,
    message: String,
}

impl From<Fault> for PyFault {
    fn from(fault: Fault) -> Self {
        Self {
            offset: fault.offset,
            code: fault.cause.code(),
            message: fault.to_string(),
        }
    }
}

#[pymethods]
impl PyFault {
    fn __repr__(&self) -> String {
        let Self {
            offset,
            code,
            message,
        } = self;
        format!("<Fault at offset {offset}: {code}: {message}>")
    }
}
