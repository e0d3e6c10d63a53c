//! The engine's configuration, as Python hands it over.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::assignment::Plan;
use super::{dead_letter, kafka_columns};
use crate::decode::{DecodeConfig, Decoder};
use crate::encode::EncodeConfig;
use crate::error::EngineError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EngineConfig {
    columns: Value,
    #[serde(default)]
    decode: Map<String, Value>,
    #[serde(default = "yes")]
    kafka_columns: bool,
    #[serde(default)]
    dead_letter: DeadLetterConfig,
    #[serde(default)]
    encode: EncodeConfig,
    #[serde(default)]
    batches: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DeadLetterConfig {
    raw: Raw,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Raw {
    #[default]
    Keep,
    Drop,
}

const fn yes() -> bool {
    true
}

/// Checks the configuration and works out the tables.
pub fn plan(json: &str) -> Result<Plan, EngineError> {
    let config: EngineConfig = read(&mut serde_json::Deserializer::from_str(json))?;
    config.encode.check().map_err(EngineError::Config)?;
    let decoder = decoder(config.columns, config.decode)?;
    let main = if config.kafka_columns {
        kafka_columns::extended(&decoder.schema())
    } else {
        decoder.schema()
    };
    let mut names = HashSet::new();
    if let Some(twice) = main.fields().iter().find(|field| !names.insert(field.name().as_str())) {
        let name = twice.name();
        return Err(EngineError::Config(format!("columns: {name:?} is there twice; rename your column")));
    }
    Ok(Plan {
        decoder,
        schemas: [main, dead_letter::schema()],
        kafka_columns: config.kafka_columns,
        keep_values: matches!(config.dead_letter.raw, Raw::Keep),
        encode: config.encode,
        batches: config.batches,
    })
}

fn decoder(columns: Value, mut decode: Map<String, Value>) -> Result<Decoder, EngineError> {
    decode.insert("columns".into(), columns);
    let config: DecodeConfig = read(&Value::Object(decode)).map_err(|error| match error {
        EngineError::Config(text) if !text.starts_with("columns") => EngineError::Config(format!("decode.{text}")),
        other => other,
    })?;
    Decoder::new(&config).map_err(|error| EngineError::Config(error.to_string()))
}

/// Reads a value; an error names the key it is about.
fn read<'de, T, D>(from: D) -> Result<T, EngineError>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de, Error = serde_json::Error>,
{
    serde_path_to_error::deserialize(from).map_err(|error| {
        let path = error.path().to_string();
        let text = error.into_inner().to_string();
        EngineError::Config(if path == "." { text } else { format!("{path}: {text}") })
    })
}
