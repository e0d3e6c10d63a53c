//! Numbers with numbers. What has no value (division by zero, overflow) is NULL.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Decimal128Array, Float64Array, Int64Array};
use arrow_schema::DataType;

use super::operand::Operand;
use super::{Expression, Operator};
use crate::columns::ScalarKind;

const MOST_DIGITS: u8 = 38;
const DECIMAL_BOUND: i128 = 10_i128.pow(MOST_DIGITS as u32);

/// The operation with both sides as one kind of number. int64 stays int64 (its division truncates); with a decimal the
/// result is exact, except for division, which is in float64.
pub fn operation(operator: Operator, left: Operand, right: Operand) -> Operand {
    let whole = left.kind == ScalarKind::Int64 && right.kind == ScalarKind::Int64;
    let any_float = [&left, &right]
        .iter()
        .any(|operand| operand.kind == ScalarKind::Float64);
    let (left, right, kind) = if whole {
        (left, right, ScalarKind::Int64)
    } else {
        let (left, right) = (left.into_decimal(), right.into_decimal());
        match scale_of(operator, left.kind, right.kind).filter(|_| !any_float) {
            Some(scale) => {
                let kind = ScalarKind::Decimal {
                    precision: MOST_DIGITS,
                    scale,
                };
                (left, right, kind)
            }
            None => (left.into_float(), right.into_float(), ScalarKind::Float64),
        }
    };
    let expression = Expression::Arithmetic(
        operator,
        Box::new(left.expression),
        Box::new(right.expression),
    );
    Operand::computed(expression, kind, "a calculation")
}

/// The scale of an exact result, if the operation has one.
fn scale_of(operator: Operator, left: ScalarKind, right: ScalarKind) -> Option<u8> {
    let (ScalarKind::Decimal { scale: left, .. }, ScalarKind::Decimal { scale: right, .. }) =
        (left, right)
    else {
        return None;
    };
    match operator {
        Operator::Plus | Operator::Minus | Operator::Remainder => Some(left.max(right)),
        Operator::Times => Some(left + right).filter(|&scale| scale <= MOST_DIGITS),
        Operator::Divide => None,
    }
}

/// Row by row; both arrays of one kind of number and of equal length.
pub fn calculate(operator: Operator, left: &dyn Array, right: &dyn Array) -> ArrayRef {
    match left.data_type() {
        DataType::Int64 => {
            let pairs = left
                .as_primitive::<Int64Type>()
                .iter()
                .zip(right.as_primitive::<Int64Type>());
            Arc::new(
                pairs
                    .map(|(a, b)| integers(operator, a?, b?))
                    .collect::<Int64Array>(),
            )
        }
        DataType::Float64 => {
            let pairs = left
                .as_primitive::<Float64Type>()
                .iter()
                .zip(right.as_primitive::<Float64Type>());
            Arc::new(
                pairs
                    .map(|(a, b)| floats(operator, a?, b?))
                    .collect::<Float64Array>(),
            )
        }
        _ => decimals(operator, left.as_primitive(), right.as_primitive()),
    }
}

fn integers(operator: Operator, left: i64, right: i64) -> Option<i64> {
    match operator {
        Operator::Plus => left.checked_add(right),
        Operator::Minus => left.checked_sub(right),
        Operator::Times => left.checked_mul(right),
        Operator::Divide => left.checked_div(right),
        Operator::Remainder if right == -1 => Some(0),
        Operator::Remainder => left.checked_rem(right),
    }
}

fn floats(operator: Operator, left: f64, right: f64) -> Option<f64> {
    let result = match operator {
        Operator::Plus => left + right,
        Operator::Minus => left - right,
        Operator::Times => left * right,
        Operator::Divide => left / right,
        Operator::Remainder => left % right,
    };
    result.is_finite().then_some(result)
}

fn decimals(operator: Operator, left: &Decimal128Array, right: &Decimal128Array) -> ArrayRef {
    let (left_scale, right_scale) = (left.scale(), right.scale());
    let (scale, left_factor, right_factor) = if operator == Operator::Times {
        (left_scale + right_scale, 1, 1)
    } else {
        let scale = left_scale.max(right_scale);
        (
            scale,
            power_of_ten(scale - left_scale),
            power_of_ten(scale - right_scale),
        )
    };
    let pairs = left.iter().zip(right);
    let results = pairs.map(|(a, b)| {
        let (a, b) = (a?.checked_mul(left_factor)?, b?.checked_mul(right_factor)?);
        let result = match operator {
            Operator::Plus => a.checked_add(b),
            Operator::Minus => a.checked_sub(b),
            Operator::Times => a.checked_mul(b),
            Operator::Remainder => a.checked_rem(b),
            Operator::Divide => a.checked_div(b),
        };
        result.filter(|result| result.abs() < DECIMAL_BOUND)
    });
    let array: Decimal128Array = results.collect();
    Arc::new(array.with_data_type(DataType::Decimal128(MOST_DIGITS, scale)))
}

fn power_of_ten(exponent: i8) -> i128 {
    10_i128.pow(exponent.max(0) as u32)
}

/// The absolute value; NULL where int64 has none.
pub fn absolute(of: &dyn Array) -> ArrayRef {
    match of.data_type() {
        DataType::Int64 => {
            let values = of.as_primitive::<Int64Type>().iter();
            Arc::new(
                values
                    .map(|value| value?.checked_abs())
                    .collect::<Int64Array>(),
            )
        }
        DataType::Float64 => Arc::new(
            of.as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(f64::abs),
        ),
        kind => {
            let array: Decimal128Array = of.as_primitive::<Decimal128Type>().unary(i128::abs);
            Arc::new(array.with_data_type(kind.clone()))
        }
    }
}

/// Rounded to `digits` after the point, halves away from zero; of the same type.
pub fn round(of: &ArrayRef, digits: u8) -> ArrayRef {
    match of.data_type() {
        DataType::Float64 => {
            let factor = 10_f64.powi(i32::from(digits));
            let rounded = |value: f64| {
                let scaled = value * factor;
                if scaled.is_finite() {
                    scaled.round() / factor
                } else {
                    value
                }
            };
            Arc::new(
                of.as_primitive::<Float64Type>()
                    .unary::<_, Float64Type>(rounded),
            )
        }
        DataType::Decimal128(_, scale) if i16::from(*scale) > i16::from(digits) => {
            let step = power_of_ten(*scale - digits as i8);
            let rounded = |value: i128| {
                let rest = value % step;
                let down = value - rest;
                if rest.abs() * 2 >= step {
                    down.checked_add(step * value.signum())
                } else {
                    Some(down)
                }
            };
            let values = of.as_primitive::<Decimal128Type>().iter();
            let array: Decimal128Array = values.map(|value| rounded(value?)).collect();
            Arc::new(array.with_data_type(of.data_type().clone()))
        }
        _ => of.clone(),
    }
}

/// Any number as float64.
pub fn to_float(of: &ArrayRef) -> ArrayRef {
    match of.data_type() {
        DataType::Int64 => Arc::new(
            of.as_primitive::<Int64Type>()
                .unary::<_, Float64Type>(|value| value as f64),
        ),
        DataType::Decimal128(_, scale) => {
            // By way of its digits: dividing a rounded integer by a power of ten would round twice.
            let scale = i32::from(*scale);
            let float = |value: i128| format!("{value}e-{scale}").parse().unwrap_or(f64::NAN);
            Arc::new(
                of.as_primitive::<Decimal128Type>()
                    .unary::<_, Float64Type>(float),
            )
        }
        _ => of.clone(),
    }
}
