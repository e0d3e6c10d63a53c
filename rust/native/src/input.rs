//! What is decoded: values as Python has them, or one text of lines, lent by whatever holds it.
#![allow(unsafe_code)]

use std::panic::AssertUnwindSafe;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow_buffer::Buffer;
use pyo3::buffer::{PyBuffer, PyUntypedBuffer};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyMemoryView, PySequence, PyString};

use crate::frame::PyFrame;

const WANTED: &str = "pass a list of bytes (None for a tombstone), or newline-delimited JSON as bytes, bytearray, \
                      memoryview or mmap";

/// The records of one call.
pub enum Input {
    /// One value each; `None` is a tombstone.
    Values(Vec<Option<PyBackedBytes>>),
    /// Newline-delimited JSON.
    Lines(Buffer),
}

impl<'py> FromPyObject<'_, 'py> for Input {
    type Error = PyErr;

    fn extract(data: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match PyUntypedBuffer::get(&data) {
            Ok(view) => return lines(&data, view).map(Self::Lines),
            // Released views and closed maps say what they are.
            Err(error) if !error.is_instance_of::<PyTypeError>(data.py()) => return Err(error),
            Err(_) => (),
        }
        if data.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err("data is text; pass data.encode()"));
        }
        match data.cast::<PySequence>() {
            Ok(sequence) => values(&sequence.to_owned()).map(Self::Values),
            Err(_) if data.hasattr("read")? => Err(PyTypeError::new_err(
                "data is a file; pass data.read(), or an mmap of it",
            )),
            Err(_) => {
                let kind = data.get_type().name()?;
                Err(PyTypeError::new_err(format!("data is a {kind}; {WANTED}")))
            }
        }
    }
}

fn values(sequence: &Bound<'_, PySequence>) -> PyResult<Vec<Option<PyBackedBytes>>> {
    let mut values = Vec::with_capacity(sequence.len()?);
    for (index, value) in sequence.try_iter()?.enumerate() {
        let value = value?;
        let value: Option<PyBackedBytes> = value.extract().map_err(|_| {
            let kind = value.get_type().name();
            let kind = kind.map_or_else(|_| "object".into(), |name| name.to_string());
            PyTypeError::new_err(format!(
                "data[{index}] is a {kind}; a record is bytes, or None for a tombstone"
            ))
        })?;
        values.push(value);
    }
    Ok(values)
}

/// The bytes that `data` lends, without a copy if they can't change.
pub fn frozen_bytes(data: &Bound<'_, PyAny>) -> PyResult<Buffer> {
    lines(data, PyUntypedBuffer::get(data)?)
}

/// The bytes of `view`. They are not copied if they can't change: what is decoded may point into them, for as long as
/// a batch lives, and holds on to `view` until then.
fn lines(data: &Bound<'_, PyAny>, view: PyUntypedBuffer) -> PyResult<Buffer> {
    if !view.is_c_contiguous() {
        return Err(PyValueError::new_err(
            "data is a buffer with gaps; pass bytes(data)",
        ));
    }
    if view.item_size() != 1 {
        return Err(PyTypeError::new_err(
            "data is a buffer of items that are not bytes; pass memoryview(data).cast(\"B\") if they are text",
        ));
    }
    // Some call their bytes signed, or characters.
    let bytes: PyBuffer<u8> = match view.as_typed::<u8>() {
        Ok(_) => view.into_typed()?,
        Err(_) => PyBuffer::get(&PyMemoryView::from(data)?.call_method1("cast", ("B",))?)?,
    };
    let length = bytes.len_bytes();
    let Some(start) = NonNull::new(bytes.buf_ptr().cast::<u8>()) else {
        return Ok(Buffer::default());
    };
    if !bytes.readonly() || !never_changes(data)? {
        return Ok(Buffer::from_vec(bytes.to_vec(data.py())?));
    }
    // Released when the last array that points into it is, by whichever thread; pyo3 takes the GIL for that.
    let owner = Arc::new(AssertUnwindSafe(bytes));
    // SAFETY: `start` points to `length` contiguous bytes that the exporter keeps where they are while the view in
    // `owner` is not released, and the buffer holds `owner`. Nobody writes to them: `never_changes`.
    Ok(unsafe { Buffer::from_custom_allocation(start, length, owner) })
}

/// Whether the bytes that `data` lends stay as they are: those of `bytes`, of a frozen frame, and of a file that is mapped
/// read-only, which its owner promises not to change. That a view is read-only is not enough: a `bytearray` may be behind it.
fn never_changes(data: &Bound<'_, PyAny>) -> PyResult<bool> {
    let mut exporter = data.clone();
    while exporter.is_exact_instance_of::<PyMemoryView>() {
        exporter = exporter.getattr("obj")?;
    }
    if let Ok(frame) = exporter.cast::<PyFrame>() {
        return Ok(frame.get().is_frozen());
    }
    // A subclass may lend other bytes than its own.
    if exporter.is_exact_instance_of::<PyBytes>() {
        return Ok(true);
    }
    let map = data.py().import("mmap")?.getattr("mmap")?;
    Ok(exporter.get_type().is(&map) && PyUntypedBuffer::get(&exporter)?.readonly())
}
