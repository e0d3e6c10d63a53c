//! A typed part of an expression, and how two of them become one type.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array,
    StringViewArray, new_null_array,
};
use arrow_schema::{DataType, TimeUnit};

use super::Expression;
use crate::columns::{ScalarKind, parse_date, parse_instant, parse_timestamp, timestamps};
use crate::json;

/// Most digits of a decimal literal.
const MAX_DIGITS: usize = 38;

/// A part of an expression with its type. A literal keeps its text: what it is depends on what it meets.
#[derive(Clone, Debug)]
pub struct Operand {
    pub expression: Expression,
    pub kind: ScalarKind,
    pub literal: Option<Literal>,
    /// As messages call it: `` `level` (string) ``.
    pub shown: String,
}

/// A value that stands in the text.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Null,
    Bool,
    Number(String),
    Text(String),
    Typed,
}

impl Operand {
    pub fn column(name: &str, kind: ScalarKind, slot: usize) -> Self {
        Self {
            expression: Expression::Column(slot),
            kind,
            literal: None,
            shown: format!("`{name}` ({kind})"),
        }
    }

    /// The result of an operation that messages call `what`.
    pub fn computed(expression: Expression, kind: ScalarKind, what: &str) -> Self {
        Self {
            expression,
            kind,
            literal: None,
            shown: format!("{what} ({kind})"),
        }
    }

    pub fn null() -> Self {
        Self::literal(
            new_null_array(&ScalarKind::Bool.data_type(), 1),
            ScalarKind::Bool,
            Literal::Null,
            "NULL",
        )
    }

    pub fn bool(value: bool) -> Self {
        let shown = if value { "TRUE" } else { "FALSE" };
        Self::literal(
            Arc::new(BooleanArray::from(vec![value])),
            ScalarKind::Bool,
            Literal::Bool,
            shown,
        )
    }

    pub fn text(value: &str) -> Self {
        let array = Arc::new(StringViewArray::from(vec![value]));
        Self::literal(
            array,
            ScalarKind::String,
            Literal::Text(value.into()),
            "text",
        )
    }

    pub fn typed(array: ArrayRef, kind: ScalarKind) -> Self {
        Self::literal(array, kind, Literal::Typed, &kind.to_string())
    }

    fn time(array: ArrayRef, kind: ScalarKind, text: &str) -> Self {
        Self::literal(array, kind, Literal::Text(text.into()), &kind.to_string())
    }

    /// A number: int64 without point and exponent, a decimal with a point, else float64. `None` if it is beyond all.
    pub fn number(digits: &str) -> Option<Self> {
        let (array, kind): (ArrayRef, _) = if let Ok(value) = digits.parse::<i64>() {
            (Arc::new(Int64Array::from(vec![value])), ScalarKind::Int64)
        } else if let Some((value, scale)) = decimal(digits) {
            decimal_array(value, scale)
        } else {
            let value = digits
                .parse()
                .ok()
                .filter(|value: &f64| value.is_finite())?;
            (
                Arc::new(Float64Array::from(vec![value])),
                ScalarKind::Float64,
            )
        };
        Some(Self::literal(
            array,
            kind,
            Literal::Number(digits.into()),
            digits,
        ))
    }

    fn literal(array: ArrayRef, kind: ScalarKind, literal: Literal, shown: &str) -> Self {
        Self {
            expression: Expression::Literal(array),
            kind,
            literal: Some(literal),
            shown: shown.into(),
        }
    }

    pub fn is_null(&self) -> bool {
        self.literal == Some(Literal::Null)
    }

    pub fn is_text(&self) -> bool {
        matches!(self.kind, ScalarKind::String | ScalarKind::Json)
    }

    pub fn is_number(&self) -> bool {
        matches!(
            self.kind,
            ScalarKind::Int64 | ScalarKind::Float64 | ScalarKind::Decimal { .. }
        )
    }

    /// The same with the type of a NULL literal settled.
    #[must_use]
    pub fn or_null_of(self, kind: ScalarKind) -> Self {
        if !self.is_null() {
            return self;
        }
        Self {
            expression: Expression::Literal(new_null_array(&kind.data_type(), 1)),
            kind,
            ..self
        }
    }

    /// A number as float64.
    #[must_use]
    pub fn into_float(self) -> Self {
        if self.kind == ScalarKind::Float64 {
            return self;
        }
        let value = match &self.literal {
            Some(Literal::Number(digits)) => digits.parse::<f64>().ok(),
            _ => None,
        };
        let expression = match value {
            Some(value) => Expression::Literal(Arc::new(Float64Array::from(vec![value]))),
            None => Expression::Call(super::Function::Float, vec![self.expression]),
        };
        Self {
            expression,
            kind: ScalarKind::Float64,
            ..self
        }
    }

    /// An int64 or decimal as a decimal that arithmetic takes.
    #[must_use]
    pub fn into_decimal(self) -> Self {
        if self.kind != ScalarKind::Int64 {
            return self;
        }
        let to = ScalarKind::Decimal {
            precision: 19,
            scale: 0,
        };
        Self {
            expression: Expression::Cast {
                of: Box::new(self.expression),
                from: ScalarKind::Int64,
                to,
            },
            kind: to,
            ..self
        }
    }

    fn scale(&self) -> u8 {
        match self.kind {
            ScalarKind::Decimal { scale, .. } => scale,
            _ => 0,
        }
    }
}

/// Both operands as one type that compares as their values do, or why there is none.
pub fn comparable(left: &Operand, right: &Operand) -> Result<(Expression, Expression), String> {
    let (left, right) = (
        left.clone().or_null_of(right.kind),
        right.clone().or_null_of(left.kind),
    );
    if left.is_text() && right.is_text() {
        return Ok((left.expression, right.expression));
    }
    if left.is_number() && right.is_number() {
        return Ok(numbers(left, right));
    }
    let (left, right) = (at_the_time_of(left, right.kind)?, right);
    let (right, left) = (at_the_time_of(right, left.kind)?, left);
    match (left.kind, right.kind) {
        (ScalarKind::Binary(_), ScalarKind::Binary(_)) => Ok((left.expression, right.expression)),
        (one, other) if one == other => Ok((left.expression, right.expression)),
        (
            ScalarKind::Timestamp(_) | ScalarKind::Date,
            ScalarKind::Timestamp(_) | ScalarKind::Date,
        ) => Ok((
            Expression::Nanoseconds(Box::new(left.expression)),
            Expression::Nanoseconds(Box::new(right.expression)),
        )),
        _ => Err(format!(
            "can't compare {} with {}; cast one of them",
            left.shown, right.shown
        )),
    }
}

fn numbers(left: Operand, right: Operand) -> (Expression, Expression) {
    if left.kind == right.kind {
        return (left.expression, right.expression);
    }
    if left.kind == ScalarKind::Float64 || right.kind == ScalarKind::Float64 {
        return (left.into_float().expression, right.into_float().expression);
    }
    let scale = left.scale().max(right.scale()) as i8;
    (
        Expression::Wide(Box::new(left.expression), scale),
        Expression::Wide(Box::new(right.expression), scale),
    )
}

/// A text literal that meets a date or a timestamp is one; a `TIMESTAMP` literal takes the unit of what it meets.
fn at_the_time_of(operand: Operand, kind: ScalarKind) -> Result<Operand, String> {
    let Some(Literal::Text(text)) = &operand.literal else {
        return Ok(operand);
    };
    match kind {
        ScalarKind::Date if operand.kind != ScalarKind::String => Ok(operand),
        ScalarKind::Date => date(text),
        ScalarKind::Timestamp(unit) => timestamp(text, unit),
        _ => Ok(operand),
    }
}

/// A date literal.
pub fn date(text: &str) -> Result<Operand, String> {
    let days = parse_date(text)
        .map_err(|_| format!("'{text}' is not a date; write it like '2026-01-31'"))?;
    let array = Date32Array::from(vec![days]);
    Ok(Operand::typed(Arc::new(array), ScalarKind::Date))
}

/// An instant; in nanoseconds as a decimal if `unit` can't hold it exactly.
pub fn timestamp(text: &str, unit: TimeUnit) -> Result<Operand, String> {
    let kind = ScalarKind::Timestamp(unit);
    if let Ok(units) = parse_timestamp(text, unit) {
        let array = timestamps(&Int64Array::from(vec![units]), unit);
        return Ok(Operand::time(array, kind, text));
    }
    let nanoseconds = parse_instant(text).map_err(|_| {
        format!("'{text}' is not a time; write it like '2026-01-31T23:59:59Z', with Z or an offset")
    })?;
    let array =
        Decimal128Array::from(vec![nanoseconds]).with_data_type(DataType::Decimal128(38, 0));
    // Of another unit than the column, so that they meet in nanoseconds.
    let other = if unit == TimeUnit::Second {
        TimeUnit::Nanosecond
    } else {
        TimeUnit::Second
    };
    Ok(Operand::time(
        Arc::new(array),
        ScalarKind::Timestamp(other),
        text,
    ))
}

fn decimal(digits: &str) -> Option<(i128, u8)> {
    let plain = digits.strip_prefix('-').unwrap_or(digits);
    let (whole, fraction) = plain.split_once('.')?;
    if !plain
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
        || whole.len() + fraction.len() > MAX_DIGITS
    {
        return None;
    }
    let scale = fraction.len() as u8;
    json::to_decimal(digits, MAX_DIGITS as u8, scale)
        .ok()
        .map(|value| (value, scale))
}

fn decimal_array(value: i128, scale: u8) -> (ArrayRef, ScalarKind) {
    let digits = value
        .unsigned_abs()
        .checked_ilog10()
        .map_or(1, |log| log as u8 + 1);
    let kind = ScalarKind::Decimal {
        precision: digits.max(scale).max(1),
        scale,
    };
    let array = Decimal128Array::from(vec![value]).with_data_type(kind.data_type());
    (Arc::new(array), kind)
}
