//! Each kernel over a fixed text, in a function of its own: for counting instructions, and for a look at speed.
//!
//! `kernels [PASSES] [ISA] [KERNEL]` runs each kernel that often (3 times if not said) for each instruction set, or
//! only the ones named, and prints the bytes of a pass and the rate of the fastest one. The work of a pass never changes, so
//! instructions per byte are those that cachegrind counts for `kernel_*`, divided by passes and bytes.

#![allow(
    clippy::inline_always,
    reason = "what is not inlined into a kernel is compiled without its instructions"
)]

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

use penstock_core::simd::{BLOCK, Backend, Isa, Kernel, Literal, is_utf8, string_end, unescape};

/// Bytes of each text: fits into a core's second cache.
const SIZE: usize = 256 * 1024;
/// Bytes of each string.
const STRING: usize = 1000;

/// A text of strings, and where their closing quotes are.
struct Strings {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Strings {
    /// `unit`, again and again, in strings of about [`STRING`] bytes.
    fn of(unit: &str) -> Self {
        let string = unit.repeat(STRING / unit.len()) + "\"";
        let count = SIZE / string.len();
        Self {
            text: string.repeat(count).into_bytes(),
            ends: (1..=count).map(|nth| nth * string.len() - 1).collect(),
        }
    }
}

/// What the kernels go over.
struct Texts {
    /// Words.
    clean: Strings,
    /// Markdown: an escape every 44 bytes.
    escapes: Strings,
    /// JSON in JSON: one every five bytes.
    dense: Strings,
    /// Chinese as `json.dumps` writes it.
    unicode: Strings,
    /// French as `json.dumps` writes it.
    accents: Strings,
    /// Letters beyond ASCII, as they are.
    letters: Strings,
    digits: Strings,
    literal: Literal,
}

impl Texts {
    fn new() -> Option<Self> {
        Some(Self {
            clean: Strings::of("the agent called a tool and read what came back, "),
            escapes: Strings::of(r"then it wrote *one* line of prose, and a new\n"),
            dense: Strings::of(r#"\"id\":12,"#),
            unicode: Strings::of(r"\u4e2d\u6587\u5b57\u7b26"),
            accents: Strings::of(r"un caf\u00e9 pr\u00e8s du mus\u00e9e, "),
            letters: Strings::of("le café, 中文, and then some words in plain ASCII "),
            digits: Strings::of("1234567890123456,"),
            literal: Literal::new(br#"","session_id":""#)?,
        })
    }
}

/// Adds up the ends of the strings of a text.
struct Ends<'t>(&'t [u8]);

impl Kernel for Ends<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<B: Backend>(self) -> usize {
        let (mut start, mut sum) = (0, 0);
        while let Some(string) = string_end::<B>(self.0, start) {
            sum += string.end;
            start = string.end + 1;
        }
        sum
    }
}

/// Converts the strings of a text.
struct Unescape<'t>(&'t Strings, &'t mut Vec<u8>);

impl Kernel for Unescape<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<B: Backend>(self) -> usize {
        let Self(Strings { text, ends }, out) = self;
        out.clear();
        let mut start = 0;
        for &end in ends {
            unescape::<B>(text.get(start..end).unwrap_or_default(), out);
            start = end + 1;
        }
        out.len()
    }
}

struct FirstSpecial<'t>(&'t [u8]);

impl Kernel for FirstSpecial<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<B: Backend>(self) -> usize {
        let (blocks, _) = self.0.as_chunks::<BLOCK>();
        let mut sum = 0;
        for block in blocks {
            sum += B::first_special(block);
        }
        sum
    }
}

struct BeginsWith<'t>(&'t [u8], &'t Literal);

impl Kernel for BeginsWith<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<B: Backend>(self) -> usize {
        let (blocks, _) = self.0.as_chunks::<BLOCK>();
        let mut sum = 0;
        for block in blocks {
            sum += usize::from(B::begins_with(block, self.1));
        }
        sum
    }
}

struct Digits<'t>(&'t [u8]);

impl Kernel for Digits<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<B: Backend>(self) -> usize {
        let (blocks, _) = self.0.as_chunks::<32>();
        let mut sum = 0;
        for block in blocks {
            sum += B::digit_bits(block).trailing_ones() as usize;
        }
        sum
    }
}

/// One pass of a kernel, and the bytes that it goes over.
type Pass = fn(Isa, &Texts, &mut Vec<u8>) -> usize;

/// Functions that do not become one where they do the same to different texts: each names itself to the compiler.
macro_rules! kernels {
    ($($name:ident($isa:ident, $texts:ident, $out:ident) $body:expr)*) => {
        $(
            #[inline(never)]
            fn $name($isa: Isa, $texts: &Texts, $out: &mut Vec<u8>) -> usize {
                black_box(stringify!($name));
                black_box($body)
            }
        )*

        const KERNELS: &[(&str, Pass)] = &[$((stringify!($name), $name)),*];
    };
}

kernels! {
    kernel_copy(_isa, texts, out) {
        out.clear();
        out.extend_from_slice(&texts.clean.text);
        out.len()
    }
    kernel_first_special(isa, texts, _out) isa.run(FirstSpecial(&texts.clean.text))
    kernel_begins_with(isa, texts, _out) isa.run(BeginsWith(&texts.clean.text, &texts.literal))
    kernel_digits(isa, texts, _out) isa.run(Digits(&texts.digits.text))
    kernel_string_end_clean(isa, texts, _out) isa.run(Ends(&texts.clean.text))
    kernel_string_end_escapes(isa, texts, _out) isa.run(Ends(&texts.escapes.text))
    kernel_string_end_dense(isa, texts, _out) isa.run(Ends(&texts.dense.text))
    kernel_string_end_unicode(isa, texts, _out) isa.run(Ends(&texts.unicode.text))
    kernel_unescape(isa, texts, out) isa.run(Unescape(&texts.escapes, out))
    kernel_unescape_dense(isa, texts, out) isa.run(Unescape(&texts.dense, out))
    kernel_unescape_unicode(isa, texts, out) isa.run(Unescape(&texts.unicode, out))
    kernel_unescape_accents(isa, texts, out) isa.run(Unescape(&texts.accents, out))
    kernel_utf8(_isa, texts, _out) usize::from(is_utf8(&texts.letters.text))
}

/// The text that a kernel goes over.
fn text_of<'t>(name: &str, texts: &'t Texts) -> &'t [u8] {
    let strings = match name {
        "kernel_digits" => &texts.digits,
        "kernel_string_end_escapes" | "kernel_unescape" => &texts.escapes,
        "kernel_string_end_dense" | "kernel_unescape_dense" => &texts.dense,
        "kernel_string_end_unicode" | "kernel_unescape_unicode" => &texts.unicode,
        "kernel_unescape_accents" => &texts.accents,
        "kernel_utf8" => &texts.letters,
        _ => &texts.clean,
    };
    &strings.text
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let passes = arguments
        .next()
        .and_then(|passes| passes.parse().ok())
        .unwrap_or(3);
    let only: Vec<_> = arguments.collect();
    let Some(texts) = Texts::new() else {
        return Ok(());
    };
    // Long enough before the first pass that none has to make it longer.
    let mut out = Vec::with_capacity(2 * SIZE);
    let mut stdout = io::stdout().lock();
    for isa in Isa::available() {
        for (name, kernel) in KERNELS {
            if !only.iter().all(|only| only == isa.name() || only == name) {
                continue;
            }
            let bytes = text_of(name, &texts).len();
            let seconds = (0..passes).map(|_: u32| {
                let start = Instant::now();
                black_box(kernel(isa, black_box(&texts), &mut out));
                start.elapsed().as_secs_f64()
            });
            let rate = bytes as f64 / seconds.fold(f64::INFINITY, f64::min) / 1e9;
            let isa = isa.name();
            writeln!(stdout, "{isa:6} {name:26} {bytes:6} bytes {rate:7.2} GB/s")?;
        }
    }
    Ok(())
}
