//! Where frames come from: memory that is used again, so that the kernel has to clear it once.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;

use crate::frame::PyFrame;

/// Sizes are rounded up to quarters of powers of two, from this one on, so that answers of about the same size share
/// memory; with whole pages nothing else lies in them.
const SMALLEST: usize = 64 * 1024;

/// From here on memory is aligned for huge pages, which Linux is asked for: fewer pages to clear and to look up.
const HUGE_PAGE: usize = 2 * 1024 * 1024;
const PAGE: usize = 4096;

/// Memory with more than so many times what is asked for stays for those who need it.
const LARGEST_RATIO: usize = 4;

/// Gives out `Frame`s and takes their memory back. Keeps at most `limit_bytes`, what is in use counted in; more is in
/// use only if more is asked for, and then it is given back to the system.
#[pyclass(name = "FramePool", module = "penstock._native", frozen)]
pub struct PyFramePool(Arc<Pool>);

#[pymethods]
impl PyFramePool {
    #[new]
    fn new(limit_bytes: usize) -> Self {
        Self(Arc::new(Pool {
            limit_bytes,
            state: Mutex::default(),
        }))
    }

    /// A writable frame of `size` bytes, which are whatever they are.
    fn take(&self, size: usize) -> PyResult<PyFrame> {
        let memory = self.0.take(size).ok_or_else(|| {
            PyMemoryError::new_err(format!("no memory for a frame of {size} bytes"))
        })?;
        Ok(PyFrame::new(memory, size, Arc::clone(&self.0)))
    }

    #[getter]
    fn bytes_in_use(&self) -> usize {
        self.0.state().bytes_in_use
    }

    #[getter]
    fn bytes_kept(&self) -> usize {
        self.0.state().bytes_kept
    }

    #[getter]
    fn taken(&self) -> u64 {
        self.0.state().taken
    }

    #[getter]
    fn reused(&self) -> u64 {
        self.0.state().reused
    }
}

/// What frames give their memory back to, also when nobody else knows the pool any more.
pub struct Pool {
    limit_bytes: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Not in use; the one that was used last is at the end.
    kept: Vec<Memory>,
    bytes_kept: usize,
    bytes_in_use: usize,
    taken: u64,
    reused: u64,
}

impl Pool {
    fn take(&self, size: usize) -> Option<Memory> {
        let capacity = rounded(size)?;
        let largest = capacity.saturating_mul(LARGEST_RATIO);
        let mut state = self.state();
        let fitting = state
            .kept
            .iter()
            .rposition(|memory| (capacity..=largest).contains(&memory.capacity()));
        let memory = match fitting {
            Some(index) => {
                let memory = state.kept.remove(index);
                state.bytes_kept -= memory.capacity();
                state.reused += 1;
                memory
            }
            None => Memory::zeroed(capacity)?,
        };
        state.bytes_in_use += memory.capacity();
        state.taken += 1;
        Some(memory)
    }

    /// Keeps `memory` for the next frame, in the place of what was not used for longer.
    pub fn give_back(&self, memory: Memory) {
        let mut state = self.state();
        state.bytes_in_use -= memory.capacity();
        state.bytes_kept += memory.capacity();
        state.kept.push(memory);
        while state.bytes_kept + state.bytes_in_use > self.limit_bytes && !state.kept.is_empty() {
            let dropped = state.kept.remove(0);
            state.bytes_kept -= dropped.capacity();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rounded(size: usize) -> Option<usize> {
    let size = size.max(SMALLEST);
    let quarter = size.checked_next_power_of_two()? / 8;
    size.checked_next_multiple_of(quarter)
}

/// Bytes that were zero once.
pub struct Memory {
    start: NonNull<u8>,
    layout: Layout,
}

impl Memory {
    fn zeroed(capacity: usize) -> Option<Self> {
        let alignment = if capacity < HUGE_PAGE {
            PAGE
        } else {
            HUGE_PAGE
        };
        let layout = Layout::from_size_align(capacity, alignment).ok()?;
        // SAFETY: the layout's size is not zero: `rounded`.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        let memory = Self { start, layout };
        memory.ask_for_huge_pages();
        Some(memory)
    }

    /// They are a matter of speed only, and the system may have none.
    fn ask_for_huge_pages(&self) {
        #[cfg(target_os = "linux")]
        if self.layout.align() == HUGE_PAGE {
            use rustix::mm::{Advice, madvise};
            // SAFETY: the range is of this allocation, and the advice changes no byte of it.
            let _ = unsafe {
                madvise(
                    self.start.as_ptr().cast(),
                    self.capacity(),
                    Advice::LinuxHugepage,
                )
            };
        }
    }

    /// Valid as long as the memory is.
    pub fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    fn capacity(&self) -> usize {
        self.layout.size()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeroed` with that layout, and freed nowhere else.
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}

// SAFETY: it owns what `start` points to, as a box does, and hands out nothing but the address.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}
