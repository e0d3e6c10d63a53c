//! A decoded batch, handed over by the Arrow PyCapsule interface.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::{Field, FieldRef};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};
use pyo3_arrow::ffi::{
    ArrayIterator, to_array_pycapsules, to_schema_pycapsule, to_stream_pycapsule,
};

/// An Arrow record batch by the PyCapsule interface; its columns are not copied.
#[pyclass(name = "Batch", module = "penstock._native", frozen)]
pub struct PyBatch(pub RecordBatch);

#[pymethods]
impl PyBatch {
    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let (field, rows) = self.rows();
        Ok(to_array_pycapsules(py, field, &rows, requested_schema)?)
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let (field, rows) = self.rows();
        let once = ArrayIterator::new([Ok(Arc::new(rows) as ArrayRef)], field);
        Ok(to_stream_pycapsule(py, Box::new(once), requested_schema)?)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        Ok(to_schema_pycapsule(py, self.0.schema_ref().as_ref())?)
    }
}

impl PyBatch {
    fn rows(&self) -> (FieldRef, StructArray) {
        let rows = StructArray::from(self.0.clone());
        let field = Field::new("", rows.data_type().clone(), false);
        (Arc::new(field), rows)
    }
}
