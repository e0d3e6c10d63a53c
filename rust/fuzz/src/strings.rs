//! JSON strings by themselves: where they end and what they stand for, by the core and by `serde_json`.

use penstock_core::json::{self, Kind, Scanner, Scratch};
use penstock_core::simd::{Backend, Isa, Kernel, StringEnd, string_end, unescape};

/// What `bytes` begin as, behind a quotation mark, ends where it must and stands for what it must, or is refused: by
/// the scanner, and by the kernels of every instruction set that the machine has, wherever in a block it begins.
///
/// # Panics
/// If it does not.
pub fn check(bytes: &[u8]) {
    let Some((&shift, bytes)) = bytes.split_first() else {
        return;
    };
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

    let shift = usize::from(shift % 64);
    let shifted = [&vec![b' '; shift], text.as_bytes()].concat();
    for isa in Isa::available() {
        let end = isa.run(End(&shifted, shift + 1));
        let found = end.map(|StringEnd { end, escaped }| {
            let inside = &shifted[shift + 1..end];
            assert_eq!(escaped, inside.contains(&b'\\'), "{} {text:?}", isa.name());
            let mut plain = b"before".to_vec();
            isa.run(Unescape(inside, &mut plain));
            let plain = plain
                .strip_prefix(b"before")
                .expect("what was there before");
            (end + 1 - shift, String::from_utf8_lossy(plain).into_owned())
        });
        assert_eq!(found, expected, "{} {text:?}", isa.name());
    }

    let mut written = String::new();
    if let Some((_, plain)) = expected {
        json::write_string(&plain, &mut written);
        let read: Option<String> = serde_json::from_str(&written).ok();
        assert_eq!(read, Some(plain), "{written:?}");
    }
}

struct End<'t>(&'t [u8], usize);

impl Kernel for End<'_> {
    type Output = Option<StringEnd>;

    #[inline(always)]
    fn run<B: Backend>(self) -> Self::Output {
        string_end::<B>(self.0, self.1)
    }
}

struct Unescape<'t>(&'t [u8], &'t mut Vec<u8>);

impl Kernel for Unescape<'_> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self) {
        unescape::<B>(self.0, self.1);
    }
}
