//! How `_residue` names a place in a record.

/// Append `key` to the path of its object: keys are joined by dots. A key that is empty or has a dot or a quotation
/// mark is written in quotation marks, with `\` before each `"` and `\` in it, so different paths never have the same
/// text.
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
