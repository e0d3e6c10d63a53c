//! Errors as Python sees them, and the one way into the core.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use penstock_core::EngineError;
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;

create_exception!(
    penstock._native,
    NativeError,
    PyException,
    "The core could not do its work: a bug or an impossible configuration, never a bad record."
);
create_exception!(
    penstock._native,
    TomlError,
    PyValueError,
    "Not TOML. `args == (message, line, column)`, both from 1."
);

/// Runs `work` without the GIL. Its error, and a panic in it, become `NativeError`.
pub fn detached<T, F>(py: Python<'_>, work: F) -> PyResult<T>
where
    F: FnOnce() -> Result<T, EngineError> + Send,
    T: Send,
{
    // The core keeps track of what a panic left half-done (`EngineError::Incomplete`).
    match py.detach(|| catch_unwind(AssertUnwindSafe(work))) {
        Ok(result) => result.map_err(|error| NativeError::new_err(error.to_string())),
        Err(panic) => Err(NativeError::new_err(format!(
            "a bug in the core: {}",
            panic_text(&*panic)
        ))),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic without a message")
}
