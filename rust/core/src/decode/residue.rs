//! The text of `_residue`: a JSON object of path -> value, values as the record wrote them.

pub use crate::columns::extend_path;
use crate::json::write_string;

/// Append one member to the object's text; [`close`] ends it.
pub fn push(residue: &mut String, path: &str, value: &str) {
    residue.push(if residue.is_empty() { '{' } else { ',' });
    write_string(path, residue);
    residue.push(':');
    residue.push_str(value);
}

/// End the object.
pub fn close(residue: &mut String) {
    residue.push('}');
}
