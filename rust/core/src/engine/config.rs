//! The engine's configuration, as Python hands it over.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;

use super::assignment::Plan;
use super::{dead_letter, file_schema, kafka_columns};
use crate::decode::{ColumnConfig, DecodeConfig, DecodeOptions, Decoder};
use crate::encode::{Compressors, EncodeConfig};
use crate::error::EngineError;
use crate::transform::{Problem, Program, StepConfig};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EngineConfig {
    columns: Vec<ColumnConfig>,
    #[serde(default)]
    decode: DecodeOptions,
    #[serde(default)]
    transform: Vec<StepConfig>,
    #[serde(default = "yes")]
    kafka_columns: bool,
    #[serde(default)]
    dead_letter: DeadLetterConfig,
    #[serde(default)]
    encode: EncodeConfig,
    #[serde(default)]
    batches: bool,
    /// What may be kept of the memory that batches are decompressed into.
    #[serde(default)]
    slab_bytes: usize,
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

/// Checks the configuration and works out the tables. Also how many bytes may be kept from call to call.
pub fn plan(json: &str) -> Result<(Plan, usize), EngineError> {
    let config: EngineConfig = read(json)?;
    config.encode.check().map_err(EngineError::Config)?;
    let decode = DecodeConfig {
        columns: config.columns,
        decode: config.decode,
    };
    // What is wrong with the columns has to be said first: the steps are about them.
    Decoder::new(&decode).map_err(|error| EngineError::Config(error.to_string()))?;
    let (program, demand) =
        Program::compile(&config.transform, &decode.columns, decode.decode.residue)
            .map_err(|problems| EngineError::Config(listed(&problems)))?;
    let decoder = Decoder::for_demand(&decode, demand)
        .map_err(|error| EngineError::Config(error.to_string()))?;
    let main = if config.kafka_columns {
        kafka_columns::extended(program.schema())
    } else {
        program.schema().clone()
    };
    let mut names = HashSet::new();
    if let Some(twice) = main
        .fields()
        .iter()
        .find(|field| !names.insert(field.name().as_str()))
    {
        let name = twice.name();
        return Err(EngineError::Config(format!(
            "columns: {name:?} is there twice; rename your column"
        )));
    }
    let schemas = [main, dead_letter::schema()];
    let plan = Plan {
        decoder,
        program,
        file_schemas: schemas.each_ref().map(|schema| file_schema::of(schema)),
        schemas,
        kafka_columns: config.kafka_columns,
        keep_values: matches!(config.dead_letter.raw, Raw::Keep),
        encode: config.encode,
        compressors: Arc::new(Compressors::new(config.encode)),
        batches: config.batches,
    };
    Ok((plan, config.slab_bytes))
}

/// Everything that is wrong with the steps of a configuration, as a JSON list of `{step, key, line, column, message}`.
///
/// # Errors
/// If anything else is wrong with it.
pub fn check_transforms(json: &str) -> Result<String, EngineError> {
    let config: EngineConfig = read(json)?;
    let residue = config.decode.residue;
    let problems = Program::compile(&config.transform, &config.columns, residue).err();
    serde_json::to_string(&problems.unwrap_or_default())
        .map_err(|error| EngineError::Config(error.to_string()))
}

fn listed(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(Problem::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// An error names the key it is about.
fn read(json: &str) -> Result<EngineConfig, EngineError> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let text = error.into_inner().to_string();
        EngineError::Config(if path == "." {
            text
        } else {
            format!("{path}: {text}")
        })
    })
}
