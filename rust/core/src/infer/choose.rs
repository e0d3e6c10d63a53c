//! From what was seen at a place to a type, such that every value seen fits it and none is changed.

use super::place::Place;
use crate::columns::{ColumnKind, DEEPEST_KIND, ScalarKind, StructField};
use arrow_schema::TimeUnit;

/// A type and, in words, why it.
#[derive(Debug, PartialEq, Eq)]
pub struct Choice {
    pub kind: ColumnKind,
    pub reason: String,
}

impl Choice {
    fn scalar(kind: ScalarKind, reason: impl Into<String>) -> Self {
        Self {
            kind: ColumnKind::Scalar(kind),
            reason: reason.into(),
        }
    }

    fn json(reason: impl Into<String>) -> Self {
        Self::scalar(ScalarKind::Json, reason)
    }

    fn is_json(&self) -> bool {
        self.kind == ColumnKind::Scalar(ScalarKind::Json)
    }
}

/// The type of the values at `place`, inside `depth` lists, structs and maps. `json` wherever no other takes all.
pub fn choose(place: &Place, depth: usize) -> Choice {
    let kinds = kinds(place);
    match kinds.as_slice() {
        [] => Choice::json("always null in the sample"),
        _ if place.deep > 0 || depth > DEEPEST_KIND => Choice::json("nested too deep for a type"),
        ["bool"] => Choice::scalar(ScalarKind::Bool, "always true or false"),
        ["number"] => number(place),
        ["string"] => string(place),
        _ if depth == DEEPEST_KIND => Choice::json("nested too deep for a type"),
        ["array"] => array(place, depth),
        ["object"] => object(place, depth),
        several => Choice::json(format!("values of several kinds: {}", several.join(", "))),
    }
}

fn kinds(place: &Place) -> Vec<&'static str> {
    let numbers = place.integers + place.wide + place.huge + place.fractions;
    [
        ("bool", place.bools),
        ("number", numbers),
        ("string", place.strings),
        ("array", place.arrays),
        ("object", place.objects),
        ("deeper", place.deep),
    ]
    .into_iter()
    .filter(|&(_, count)| count > 0)
    .map(|(kind, _)| kind)
    .collect()
}

fn number(place: &Place) -> Choice {
    if place.huge > 0 {
        Choice::json("numbers that no numeric type holds")
    } else if place.fractions == 0 && place.wide == 0 {
        Choice::scalar(ScalarKind::Int64, "always integers of int64")
    } else if place.fractions == 0 {
        let (precision, scale) = (38, 0);
        Choice::scalar(
            ScalarKind::Decimal { precision, scale },
            "integers, some beyond int64",
        )
    } else if place.inexact > 0 {
        Choice::json("fractions, and integers that float64 would change")
    } else if place.integers + place.wide > 0 {
        Choice::scalar(ScalarKind::Float64, "integers and fractions")
    } else {
        Choice::scalar(ScalarKind::Float64, "always fractions")
    }
}

fn string(place: &Place) -> Choice {
    if place.microseconds == place.strings {
        let kind = ScalarKind::Timestamp(TimeUnit::Microsecond);
        Choice::scalar(kind, "always RFC 3339 timestamps")
    } else if place.nanoseconds == place.strings {
        let kind = ScalarKind::Timestamp(TimeUnit::Nanosecond);
        Choice::scalar(
            kind,
            "always RFC 3339 timestamps, some finer than microseconds",
        )
    } else if place.nanoseconds.max(place.microseconds) > 0 {
        Choice::scalar(
            ScalarKind::String,
            "strings, some of them RFC 3339 timestamps",
        )
    } else {
        Choice::scalar(ScalarKind::String, "always strings")
    }
}

fn array(place: &Place, depth: usize) -> Choice {
    let Some(item) = &place.item else {
        return Choice::json("always empty arrays");
    };
    let item = choose(item, depth + 1);
    if item.is_json() {
        return Choice::json(format!("arrays; in them {}", item.reason));
    }
    Choice {
        kind: ColumnKind::List(Box::new(item.kind)),
        reason: format!("always arrays; in them {}", item.reason),
    }
}

fn object(place: &Place, depth: usize) -> Choice {
    if let Some(values) = &place.members.many {
        let value = choose(values, depth + 1);
        if value.is_json() {
            return Choice::json(format!("objects of many keys; under them {}", value.reason));
        }
        return Choice {
            kind: ColumnKind::Map(Box::new(value.kind)),
            reason: format!("objects of many keys; under them {}", value.reason),
        };
    }
    let fields: Vec<StructField> = place
        .members
        .each
        .iter()
        .map(|(key, member)| StructField {
            name: key.clone(),
            kind: choose(member, depth + 1).kind,
        })
        .collect();
    if fields.is_empty() {
        return Choice::json("always empty objects");
    }
    Choice {
        reason: format!("objects of {} keys in all", fields.len()),
        kind: ColumnKind::Struct(fields),
    }
}
