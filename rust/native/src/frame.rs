//! Memory that one answer of a broker is received into, and that never changes from then on.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::frame_pool::{Memory, Pool};

/// Bytes by the buffer protocol: writable until `freeze`, then read-only for ever. The memory goes back to its pool
/// when the last view of it is gone.
#[pyclass(name = "Frame", module = "penstock._native", frozen)]
pub struct PyFrame {
    /// There until it is dropped.
    memory: Option<Memory>,
    length: usize,
    pool: Arc<Pool>,
    access: Mutex<Access>,
}

#[derive(Default)]
struct Access {
    frozen: bool,
    writable_views: usize,
}

impl PyFrame {
    /// The first `length` bytes of `memory`, of which there are at least so many.
    pub fn new(memory: Memory, length: usize, pool: Arc<Pool>) -> Self {
        Self {
            memory: Some(memory),
            length,
            pool,
            access: Mutex::default(),
        }
    }

    /// Whether its bytes stay as they are.
    pub fn is_frozen(&self) -> bool {
        self.access().frozen
    }

    fn access(&self) -> MutexGuard<'_, Access> {
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyFrame {
    fn __len__(&self) -> usize {
        self.length
    }

    /// From now on nobody can write to it. `BufferError` while somebody could.
    fn freeze(&self) -> PyResult<()> {
        let mut access = self.access();
        if access.writable_views > 0 {
            return Err(PyBufferError::new_err(
                "a writable view of the frame is still there",
            ));
        }
        access.frozen = true;
        Ok(())
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
        let frame = slf.get();
        let mut access = frame.access();
        let data = frame
            .memory
            .as_ref()
            .map_or(std::ptr::null_mut(), |memory| memory.start().cast());
        // SAFETY: `view` comes from Python, valid for writes. The memory it is made to point to belongs to `slf`, of
        // which the view takes a reference, is at least `length` bytes and stays where it is until `slf` is dropped. A
        // frozen frame gives read-only views, and refuses a request for another. Rust has no reference to the bytes
        // before the frame is frozen, and then there is no writable view.
        let status = unsafe {
            ffi::PyBuffer_FillInfo(
                view,
                slf.as_ptr(),
                data,
                frame.length as ffi::Py_ssize_t,
                c_int::from(access.frozen),
                flags,
            )
        };
        if status == -1 {
            return Err(PyErr::fetch(slf.py()));
        }
        if !access.frozen {
            access.writable_views += 1;
        }
        Ok(())
    }

    /// # Safety
    ///
    /// Called by Python's buffer protocol only, once for each view that `__getbuffer__` filled.
    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: Python gives the view that was filled.
        if unsafe { (*view).readonly } == 0 {
            self.access().writable_views -= 1;
        }
    }
}

impl Drop for PyFrame {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take() {
            self.pool.give_back(memory);
        }
    }
}
