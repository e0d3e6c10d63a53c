//! Bytes of a data file, lent to Python by the buffer protocol.
#![allow(unsafe_code)]

use std::ffi::c_int;

use pyo3::ffi;
use pyo3::prelude::*;

use penstock_core::encode::FileChunk;

/// Bytes of a data file, by the buffer protocol (`memoryview(chunk)`), read-only, without a copy.
#[pyclass(name = "Chunk", module = "penstock._native", frozen)]
pub struct PyChunk(FileChunk);

impl PyChunk {
    /// Chunks of `parts`, without copying them.
    pub fn all(parts: Vec<FileChunk>) -> Vec<Self> {
        parts.into_iter().map(Self).collect()
    }
}

#[pymethods]
impl PyChunk {
    #[getter]
    fn start(&self) -> u64 {
        self.0.start
    }

    fn __len__(&self) -> usize {
        self.0.bytes.len()
    }

    /// # Safety
    ///
    /// Called by Python's buffer protocol only, with a `view` that it may fill or an error.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "pyo3 asks for this signature"
    )]
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let bytes = &slf.get().0.bytes;
        let (data, length) = (
            bytes.as_ptr().cast_mut().cast(),
            bytes.len() as ffi::Py_ssize_t,
        );
        // SAFETY: `view` comes from Python, valid for writes. The memory it is made to point to belongs to `slf`, of
        // which the view takes a reference; the class is frozen and never changes the vector, so the pointer holds as
        // long as the view. Read-only is asked for, so a writable request is refused and nobody writes through it.
        let status = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), data, length, 1, flags) };
        if status == -1 {
            Err(PyErr::fetch(slf.py()))
        } else {
            Ok(())
        }
    }
}
