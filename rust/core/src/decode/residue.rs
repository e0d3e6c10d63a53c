//! The text of `_residue`: a JSON object of path -> value, values as the record wrote them.
//!
//! A path is its keys joined by dots. A key that is empty or has a dot or a quotation mark is written in quotation
//! marks, with `\` before each `"` and `\` in it, so different paths never have the same text.

use crate::json::write_string;

/// Append `key` to the path of its object.
pub fn extend_path(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    if !key.is_empty() && !key.contains(['.', '"']) {
        path.push_str(key);
        return;
    }
    path.push('"');
    for character in key.chars() {
        if matches!(character, '"' | '\\') {
            path.push('\\');
        }
        path.push(character);
    }
    path.push('"');
}

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

#[cfg(test)]
mod tests {
    use super::extend_path;

    fn path(keys: &[&str]) -> String {
        let mut path = String::new();
        for key in keys {
            extend_path(&mut path, key);
        }
        path
    }

    /// Keys that could be taken for several, or for another's quoted form, are quoted.
    #[test]
    fn paths_are_unambiguous() {
        assert_eq!(path(&["a", "b"]), "a.b");
        assert_eq!(path(&["a.b"]), r#""a.b""#);
        assert_eq!(path(&["a", "b.c", "d"]), r#"a."b.c".d"#);
        assert_eq!(path(&["", ""]), "\"\".\"\"");
        assert_eq!(path(&[r#""a""#]), r#""\"a\"""#);
        assert_eq!(path(&[r"a\b"]), r"a\b");
        assert_eq!(path(&[r"a.\b"]), r#""a.\\b""#);
    }
}
