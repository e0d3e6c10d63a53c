//! Readers of JSON in Rust over the corpora of `bench/decode.py`, each timed beside memcpy of the same bytes.
//!
//! `penstock-micro READER CORPUS... [--directory DIRECTORY] [--seconds SECONDS]` prints a JSON object per corpus, on a
//! line. `penstock` is Penstock's core itself, for profilers; the bench measures it from Python.

mod arrow_json;
mod corpus;
mod digest;
mod event;
mod node;
mod passes;
#[cfg(feature = "penstock")]
mod penstock;
mod simd_json;
mod sonic;
mod spans;

use std::path::PathBuf;
use std::process::ExitCode;

use corpus::Corpus;
use passes::{Found, measure};

const USAGE: &str = "penstock-micro penstock|arrow_json|simd_json|sonic_rs CORPUS... [--directory DIRECTORY] [--seconds SECONDS]";

struct Options {
    reader: String,
    corpora: Vec<String>,
    directory: PathBuf,
    seconds: f64,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut code = ExitCode::SUCCESS;
    for name in &options.corpora {
        let found = Corpus::load(&options.directory, name)
            .and_then(|corpus| read(&options.reader, &corpus, options.seconds));
        match found {
            Ok(found) => println!("{}", found.as_json(name)),
            Err(reason) => {
                println!("{}", serde_json::json!({"corpus": name, "reason": reason}));
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn read(reader: &str, corpus: &Corpus, seconds: f64) -> Result<Found, String> {
    match reader {
        "arrow_json" => measure(
            &mut [&mut arrow_json::ArrowJson::new(corpus)],
            corpus,
            seconds,
        ),
        "simd_json" => measure(&mut [&mut simd_json::Tape::new(corpus)], corpus, seconds),
        "sonic_rs" => measure(
            &mut [&mut sonic::Typed(corpus), &mut sonic::Lazy(corpus)],
            corpus,
            seconds,
        ),
        #[cfg(feature = "penstock")]
        "penstock" => measure(
            &mut [&mut penstock::Penstock::new(corpus)?],
            corpus,
            seconds,
        ),
        _ => Err(format!("there is no reader {reader:?} in this build")),
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench/corpora");
    let mut options = Options {
        reader: arguments.next().ok_or("which reader?")?,
        corpora: Vec::new(),
        directory: root.into(),
        seconds: 5.0,
    };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--directory" => options.directory = value()?.into(),
            "--seconds" => {
                options.seconds = value()?.parse().map_err(|_| "--seconds needs a number")?;
            }
            _ => options.corpora.push(argument),
        }
    }
    if options.corpora.is_empty() {
        return Err("which corpus?".into());
    }
    Ok(options)
}
