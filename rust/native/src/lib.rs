//! The Python binding of Penstock's core, `penstock._native`: arguments, the GIL, errors, buffers and capsules;
//! nothing else. `python/penstock/_native.pyi` says what it promises.

use mimalloc::MiMalloc;
use pyo3::pymodule;

mod batch;
mod build;
mod chunk;
mod decoder;
mod engine;
mod error;
mod fault;
mod frame;
mod frame_pool;
mod infer;
mod ingested;
mod input;
mod lines;
mod open_file;
mod raw_batch;
mod read_batches;
mod rejection;
mod report;
mod scan_batches;
mod toml;

/// Slabs and columns come and go with every poll. The system's allocator gives that much memory back to the kernel each
/// time, which has to clear it anew: a third of the decoder's time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::batch::PyBatch;
    #[pymodule_export]
    use super::build::build_info;
    #[pymodule_export]
    use super::chunk::PyChunk;
    #[pymodule_export]
    use super::decoder::{PyDecodeReport, PyDecoded, PyDecoder};
    #[pymodule_export]
    use super::engine::PyEngine;
    #[pymodule_export]
    use super::engine::check_transforms;
    #[pymodule_export]
    use super::error::{NativeError, TomlError};
    #[pymodule_export]
    use super::fault::PyFault;
    #[pymodule_export]
    use super::frame::PyFrame;
    #[pymodule_export]
    use super::frame_pool::PyFramePool;
    #[pymodule_export]
    use super::infer::{PyInferred, PyInferredColumn, infer_schema};
    #[pymodule_export]
    use super::ingested::PyIngested;
    #[pymodule_export]
    use super::lines::count_lines;
    #[pymodule_export]
    use super::open_file::PyOpenFile;
    #[pymodule_export]
    use super::read_batches::{PyRecords, read_batches};
    #[pymodule_export]
    use super::rejection::{PyOffsetRejection, PyRejection};
    #[pymodule_export]
    use super::report::PyReport;
    #[pymodule_export]
    use super::scan_batches::scan_batches;
    #[pymodule_export]
    use super::toml::parse_toml;
}
