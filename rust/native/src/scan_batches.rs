//! What fetched bytes say of themselves.

use penstock_core::frame::{Scan, scan};
use pyo3::prelude::*;

use crate::input::frozen_bytes;

/// `(complete_bytes, next_offset, records, magic_ok)`. Too little work to release the GIL for.
#[pyfunction]
pub fn scan_batches(data: &Bound<'_, PyAny>) -> PyResult<(usize, Option<i64>, u64, bool)> {
    let Scan {
        complete,
        next_offset,
        records,
        magic,
    } = scan(&frozen_bytes(data)?);
    Ok((complete, next_offset, records, magic.is_ok()))
}
