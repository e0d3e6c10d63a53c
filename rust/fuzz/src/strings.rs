//! JSON strings by themselves: where they end and what they stand for, by the core and by `serde_json`.

use penstock_core::json::{self, Kind, Scanner, Scratch};

/// What `bytes` begin as, behind a quotation mark, ends where it must and stands for what it must, or is refused.
///
/// # Panics
/// If it does not.
pub fn check(bytes: &[u8]) {
    let text = format!("\"{}", String::from_utf8_lossy(bytes));
    let mut strings = serde_json::Deserializer::from_str(&text).into_iter::<String>();
    let expected = strings.next().and_then(Result::ok);
    let expected = expected.map(|plain| (strings.byte_offset(), plain));

    let mut scratch = Scratch::default();
    let token = Scanner::new(&text, 0, false, &mut scratch).value(0);
    let found = token.ok().map(|token| {
        let inside = token.inside(&text);
        let escaped = inside.contains('\\');
        assert_eq!(token.kind, Kind::String { escaped }, "{text:?}");
        let mut plain = String::new();
        json::unescape(inside, &mut plain).expect("text that is written to memory");
        (token.end as usize, plain)
    });
    assert_eq!(found, expected, "{text:?}");

    let mut written = String::new();
    if let Some((_, plain)) = expected {
        json::write_string(&plain, &mut written);
        let read: Option<String> = serde_json::from_str(&written).ok();
        assert_eq!(read, Some(plain), "{written:?}");
    }
}
