//! The events of `penstock.demo.events`: their leaves, their Arrow schema, and the type that a person would write.

use std::borrow::Cow;

use arrow_schema::{DataType, Field, Fields, Schema};
use serde::Deserialize;

use crate::digest::Sink;
use crate::node::Node;

/// Texts come first, so that a key's place in this list is its leaf.
pub const NAMES: &[&str] = &[
    "event_id",
    "timestamp",
    "level",
    "service",
    "agent_id",
    "session_id",
    "user_email",
    "event",
    "model",
    "status",
    "error",
    "content",
    "latency_ms",
    "usage.input_tokens",
    "usage.output_tokens",
    "usage.total_tokens",
    "tool.name",
    "tool.ok",
];
const LATENCY: usize = 12;
const USAGE: usize = 13;
const TOOL_NAME: usize = 16;
const TOOL_OK: usize = 17;

/// Hand the values of one event to `sink`.
pub fn walk<'a>(record: impl Node<'a>, sink: &mut impl Sink) -> Result<(), String> {
    record.members(|key, value| match key {
        "latency_ms" => value.number_into(LATENCY, sink),
        "usage" => value.members(|key, value| match usage_leaf(key) {
            Some(leaf) => value.integer_into(leaf, sink),
            None => Ok(()),
        }),
        "tool" => value.members(|key, value| match key {
            "name" => value.text_into(TOOL_NAME, sink),
            "ok" => value.boolean_into(TOOL_OK, sink),
            _ => Ok(()),
        }),
        _ => match text_leaf(key) {
            Some(leaf) => value.text_into(leaf, sink),
            None => Ok(()),
        },
    })
}

/// A `match`, which the compiler makes a comparison of lengths first.
fn text_leaf(key: &str) -> Option<usize> {
    Some(match key {
        "event_id" => 0,
        "timestamp" => 1,
        "level" => 2,
        "service" => 3,
        "agent_id" => 4,
        "session_id" => 5,
        "user_email" => 6,
        "event" => 7,
        "model" => 8,
        "status" => 9,
        "error" => 10,
        "content" => 11,
        _ => return None,
    })
}

fn usage_leaf(key: &str) -> Option<usize> {
    Some(match key {
        "input_tokens" => USAGE,
        "output_tokens" => USAGE + 1,
        "total_tokens" => USAGE + 2,
        _ => return None,
    })
}

/// The fields as they are in the JSON.
pub fn schema(content: bool) -> Schema {
    let texts = if content {
        &NAMES[..LATENCY]
    } else {
        &NAMES[..LATENCY - 1]
    };
    let mut fields: Vec<Field> = texts
        .iter()
        .map(|name| Field::new(*name, DataType::Utf8, true))
        .collect();
    let integer = |name| Field::new(name, DataType::Int64, true);
    let usage = Fields::from(vec![
        integer("input_tokens"),
        integer("output_tokens"),
        integer("total_tokens"),
    ]);
    let tool = Fields::from(vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("ok", DataType::Boolean, true),
    ]);
    fields.push(Field::new("latency_ms", DataType::Float64, true));
    fields.push(Field::new("usage", DataType::Struct(usage), true));
    fields.push(Field::new("tool", DataType::Struct(tool), true));
    Schema::new(fields)
}

/// Borrowed where it has no escapes: serde does not borrow inside of an `Option` by itself.
#[derive(Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

#[derive(Deserialize)]
struct Usage {
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
    total_tokens: Option<i64>,
}

#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    ok: Option<bool>,
}

/// One record.
#[derive(Deserialize)]
pub struct Event<'a> {
    #[serde(borrow)]
    event_id: Option<Text<'a>>,
    timestamp: Option<Text<'a>>,
    level: Option<Text<'a>>,
    service: Option<Text<'a>>,
    agent_id: Option<Text<'a>>,
    session_id: Option<Text<'a>>,
    user_email: Option<Text<'a>>,
    event: Option<Text<'a>>,
    model: Option<Text<'a>>,
    status: Option<Text<'a>>,
    error: Option<Text<'a>>,
    content: Option<Text<'a>>,
    latency_ms: Option<f64>,
    usage: Option<Usage>,
    tool: Option<Tool<'a>>,
}

impl Event<'_> {
    pub fn give(&self, sink: &mut impl Sink) {
        let texts = [
            &self.event_id,
            &self.timestamp,
            &self.level,
            &self.service,
            &self.agent_id,
            &self.session_id,
            &self.user_email,
            &self.event,
            &self.model,
            &self.status,
            &self.error,
            &self.content,
        ];
        for (leaf, value) in texts.into_iter().enumerate() {
            if let Some(Text(text)) = value {
                sink.text(leaf, text);
            }
        }
        if let Some(number) = self.latency_ms {
            sink.number(LATENCY, number);
        }
        if let Some(usage) = &self.usage {
            let members = [usage.input_tokens, usage.output_tokens, usage.total_tokens];
            for (leaf, value) in (USAGE..).zip(members) {
                if let Some(value) = value {
                    sink.integer(leaf, value);
                }
            }
        }
        if let Some(tool) = &self.tool {
            if let Some(Text(name)) = &tool.name {
                sink.text(TOOL_NAME, name);
            }
            if let Some(ok) = tool.ok {
                sink.boolean(TOOL_OK, ok);
            }
        }
    }
}
