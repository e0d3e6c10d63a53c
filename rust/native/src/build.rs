//! What this binary was built from.

use std::collections::BTreeMap;

use pyo3::pyfunction;

/// version, profile, target, arrow and parquet versions.
#[pyfunction]
pub fn build_info() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        ("version", env!("CARGO_PKG_VERSION")),
        ("profile", env!("PENSTOCK_PROFILE")),
        ("target", env!("PENSTOCK_TARGET")),
        ("arrow", env!("PENSTOCK_ARROW")),
        ("parquet", env!("PENSTOCK_PARQUET")),
    ])
}
