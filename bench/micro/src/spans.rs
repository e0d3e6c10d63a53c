//! Export requests of OTLP/JSON: their leaves, their Arrow schema, and the types that a person would write.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema};
use serde::Deserialize;

use crate::digest::Sink;
use crate::event::Text;
use crate::node::Node;

pub const NAMES: &[&str] = &[
    "resourceSpans.resource.attributes.key",
    "resourceSpans.resource.attributes.value.stringValue",
    "resourceSpans.resource.attributes.value.intValue",
    "resourceSpans.resource.attributes.value.doubleValue",
    "resourceSpans.resource.attributes.value.boolValue",
    "resourceSpans.scopeSpans.scope.name",
    "resourceSpans.scopeSpans.scope.version",
    "resourceSpans.scopeSpans.spans.traceId",
    "resourceSpans.scopeSpans.spans.spanId",
    "resourceSpans.scopeSpans.spans.parentSpanId",
    "resourceSpans.scopeSpans.spans.name",
    "resourceSpans.scopeSpans.spans.kind",
    "resourceSpans.scopeSpans.spans.startTimeUnixNano",
    "resourceSpans.scopeSpans.spans.endTimeUnixNano",
    "resourceSpans.scopeSpans.spans.attributes.key",
    "resourceSpans.scopeSpans.spans.attributes.value.stringValue",
    "resourceSpans.scopeSpans.spans.attributes.value.intValue",
    "resourceSpans.scopeSpans.spans.attributes.value.doubleValue",
    "resourceSpans.scopeSpans.spans.attributes.value.boolValue",
    "resourceSpans.scopeSpans.spans.status.code",
    "resourceSpans.scopeSpans.spans.status.message",
];
const RESOURCE_ATTRIBUTE: usize = 0;
const SCOPE_NAME: usize = 5;
const SCOPE_VERSION: usize = 6;
const TRACE_ID: usize = 7;
const SPAN_ID: usize = 8;
const PARENT_SPAN_ID: usize = 9;
const SPAN_NAME: usize = 10;
const KIND: usize = 11;
const START: usize = 12;
const END: usize = 13;
const SPAN_ATTRIBUTE: usize = 14;
const STATUS_CODE: usize = 19;
const STATUS_MESSAGE: usize = 20;

/// Hand the values of one request to `sink`.
pub fn walk<'a>(record: impl Node<'a>, sink: &mut impl Sink) -> Result<(), String> {
    record.members(|key, list| match key {
        "resourceSpans" => list.elements(|one| {
            one.members(|key, value| match key {
                "resource" => value.members(|key, value| match key {
                    "attributes" => walk_attributes(value, RESOURCE_ATTRIBUTE, sink),
                    _ => Ok(()),
                }),
                "scopeSpans" => value.elements(|one| walk_scope(one, sink)),
                _ => Ok(()),
            })
        }),
        _ => Ok(()),
    })
}

fn walk_scope<'a>(scope: impl Node<'a>, sink: &mut impl Sink) -> Result<(), String> {
    scope.members(|key, value| match key {
        "scope" => value.members(|key, value| match key {
            "name" => value.text_into(SCOPE_NAME, sink),
            "version" => value.text_into(SCOPE_VERSION, sink),
            _ => Ok(()),
        }),
        "spans" => value.elements(|span| walk_span(span, sink)),
        _ => Ok(()),
    })
}

fn walk_span<'a>(span: impl Node<'a>, sink: &mut impl Sink) -> Result<(), String> {
    span.members(|key, value| match key {
        "traceId" => value.text_into(TRACE_ID, sink),
        "spanId" => value.text_into(SPAN_ID, sink),
        "parentSpanId" => value.text_into(PARENT_SPAN_ID, sink),
        "name" => value.text_into(SPAN_NAME, sink),
        "kind" => value.integer_into(KIND, sink),
        "startTimeUnixNano" => value.text_into(START, sink),
        "endTimeUnixNano" => value.text_into(END, sink),
        "attributes" => walk_attributes(value, SPAN_ATTRIBUTE, sink),
        "status" => value.members(|key, value| match key {
            "code" => value.integer_into(STATUS_CODE, sink),
            "message" => value.text_into(STATUS_MESSAGE, sink),
            _ => Ok(()),
        }),
        _ => Ok(()),
    })
}

/// `first` is the leaf of the attributes' keys; those of their values follow it.
fn walk_attributes<'a>(
    list: impl Node<'a>,
    first: usize,
    sink: &mut impl Sink,
) -> Result<(), String> {
    list.elements(|attribute| {
        attribute.members(|key, value| match key {
            "key" => value.text_into(first, sink),
            "value" => value.members(|key, value| match key {
                "stringValue" => value.text_into(first + 1, sink),
                "intValue" => value.text_into(first + 2, sink),
                "doubleValue" => value.number_into(first + 3, sink),
                "boolValue" => value.boolean_into(first + 4, sink),
                _ => Ok(()),
            }),
            _ => Ok(()),
        })
    })
}

/// The fields as they are in the JSON.
pub fn schema() -> Schema {
    let attributes = list(vec![
        field("key", DataType::Utf8),
        field(
            "value",
            structure(vec![
                field("stringValue", DataType::Utf8),
                field("intValue", DataType::Utf8),
                field("doubleValue", DataType::Float64),
                field("boolValue", DataType::Boolean),
            ]),
        ),
    ]);
    let status = vec![
        field("code", DataType::Int64),
        field("message", DataType::Utf8),
    ];
    let span = vec![
        field("traceId", DataType::Utf8),
        field("spanId", DataType::Utf8),
        field("parentSpanId", DataType::Utf8),
        field("name", DataType::Utf8),
        field("kind", DataType::Int64),
        field("startTimeUnixNano", DataType::Utf8),
        field("endTimeUnixNano", DataType::Utf8),
        field("attributes", attributes.clone()),
        field("status", structure(status)),
    ];
    let scope = vec![
        field("name", DataType::Utf8),
        field("version", DataType::Utf8),
    ];
    let scope_spans = vec![field("scope", structure(scope)), field("spans", list(span))];
    let resource = structure(vec![field("attributes", attributes)]);
    let resource_spans = vec![
        field("resource", resource),
        field("scopeSpans", list(scope_spans)),
    ];
    Schema::new(vec![field("resourceSpans", list(resource_spans))])
}

fn field(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}

fn structure(fields: Vec<Field>) -> DataType {
    DataType::Struct(Fields::from(fields))
}

fn list(fields: Vec<Field>) -> DataType {
    DataType::List(Arc::new(field("item", structure(fields))))
}

/// One record.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a> {
    #[serde(borrow)]
    resource_spans: Vec<ResourceSpans<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    #[serde(borrow)]
    resource: Resource<'a>,
    scope_spans: Vec<ScopeSpans<'a>>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow)]
    attributes: Vec<Attribute<'a>>,
}

#[derive(Deserialize)]
struct Attribute<'a> {
    #[serde(borrow)]
    key: Option<Text<'a>>,
    value: AnyValue<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnyValue<'a> {
    #[serde(borrow)]
    string_value: Option<Text<'a>>,
    int_value: Option<Text<'a>>,
    double_value: Option<f64>,
    bool_value: Option<bool>,
}

#[derive(Deserialize)]
struct ScopeSpans<'a> {
    #[serde(borrow)]
    scope: Scope<'a>,
    spans: Vec<Span<'a>>,
}

#[derive(Deserialize)]
struct Scope<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    version: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span<'a> {
    #[serde(borrow)]
    trace_id: Option<Text<'a>>,
    span_id: Option<Text<'a>>,
    parent_span_id: Option<Text<'a>>,
    name: Option<Text<'a>>,
    kind: Option<i64>,
    start_time_unix_nano: Option<Text<'a>>,
    end_time_unix_nano: Option<Text<'a>>,
    attributes: Vec<Attribute<'a>>,
    status: Status<'a>,
}

#[derive(Deserialize)]
struct Status<'a> {
    code: Option<i64>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
}

impl Request<'_> {
    /// Hand its values to `sink`.
    pub fn give(&self, sink: &mut impl Sink) {
        for one in &self.resource_spans {
            give_attributes(&one.resource.attributes, RESOURCE_ATTRIBUTE, sink);
            for scoped in &one.scope_spans {
                give_text(&scoped.scope.name, SCOPE_NAME, sink);
                give_text(&scoped.scope.version, SCOPE_VERSION, sink);
                scoped.spans.iter().for_each(|span| span.give(sink));
            }
        }
    }
}

impl Span<'_> {
    fn give(&self, sink: &mut impl Sink) {
        give_text(&self.trace_id, TRACE_ID, sink);
        give_text(&self.span_id, SPAN_ID, sink);
        give_text(&self.parent_span_id, PARENT_SPAN_ID, sink);
        give_text(&self.name, SPAN_NAME, sink);
        give_text(&self.start_time_unix_nano, START, sink);
        give_text(&self.end_time_unix_nano, END, sink);
        give_attributes(&self.attributes, SPAN_ATTRIBUTE, sink);
        give_text(&self.status.message, STATUS_MESSAGE, sink);
        for (leaf, value) in [(KIND, self.kind), (STATUS_CODE, self.status.code)] {
            if let Some(value) = value {
                sink.integer(leaf, value);
            }
        }
    }
}

fn give_attributes(attributes: &[Attribute<'_>], first: usize, sink: &mut impl Sink) {
    for Attribute { key, value } in attributes {
        give_text(key, first, sink);
        give_text(&value.string_value, first + 1, sink);
        give_text(&value.int_value, first + 2, sink);
        if let Some(number) = value.double_value {
            sink.number(first + 3, number);
        }
        if let Some(flag) = value.bool_value {
            sink.boolean(first + 4, flag);
        }
    }
}

fn give_text(text: &Option<Text<'_>>, leaf: usize, sink: &mut impl Sink) {
    if let Some(Text(text)) = text {
        sink.text(leaf, text);
    }
}
