//! How many records a text has.

use penstock_core::decode::Lines;
use pyo3::prelude::*;

use crate::error::detached;
use crate::input::frozen_bytes;

#[pyfunction]
pub fn count_lines(
    py: Python<'_>,
    data: &Bound<'_, PyAny>,
    most: usize,
) -> PyResult<(usize, usize)> {
    let source = frozen_bytes(data)?;
    let counted = detached(py, || Ok(Lines::count(&source, most)));
    // With the GIL held: it is Python's memory.
    drop(source);
    counted
}
