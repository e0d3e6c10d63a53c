//! `decode.coerce`: values of another kind that say exactly what the column wants.
//!
//! - A string that is `true` or `false` is a bool.
//! - A string that is one JSON number, without anything around it, is that number: for int64, float64, decimals, and
//!   timestamps in their unit. So `"007"`, `"+1"`, `" 1"`, `"1,5"`, `"NaN"` and `""` stay what they are.
//! - A number written with a fraction or an exponent is an integer if it stands for one: `12.0`, `12e3`.
//! - A number or a bool is a string as written.
//!
//! A number of whatever kind is of the right kind here, so one that the column can't hold exactly is out of range.

use arrow_schema::DECIMAL128_MAX_PRECISION;

use super::findings::Findings;
use super::kind::ScalarKind;
use super::scalar::{Misfit, Value, plain_text};
use super::time;
use crate::json::{self, Kind, Token};

/// What the value at `token` of `text`, which is of another kind, is in `kind`.
///
/// # Errors
/// If it is nothing in it.
pub fn fit(
    kind: ScalarKind,
    token: Token,
    text: &str,
    findings: &mut Findings,
) -> Result<Value, Misfit> {
    match (kind, token.kind) {
        (ScalarKind::String, Kind::Number { .. } | Kind::Bool(_)) => Ok(Value::Verbatim(token)),
        (ScalarKind::Bool, Kind::String { .. }) => {
            match plain_text(token, text, &mut findings.plain) {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(Misfit::TypeMismatch),
            }
        }
        (_, Kind::String { .. }) => {
            let mut plain = std::mem::take(&mut findings.plain);
            let literal = plain_text(token, text, &mut plain);
            let value = match json::is_integer(literal) {
                Some(integer) => number(kind, literal, integer, findings),
                None => Err(Misfit::TypeMismatch),
            };
            findings.plain = plain;
            value
        }
        (_, Kind::Number { integer }) => number(kind, token.of(text), integer, findings),
        _ => Err(Misfit::TypeMismatch),
    }
}

fn number(
    kind: ScalarKind,
    literal: &str,
    integer: bool,
    findings: &mut Findings,
) -> Result<Value, Misfit> {
    Ok(match kind {
        ScalarKind::Int64 => Value::Int64(whole(literal, integer)?),
        ScalarKind::Float64 => Value::Float64(json::to_float64(literal, integer)?),
        ScalarKind::Decimal { precision, scale } => {
            findings.decimal(json::to_decimal(literal, precision, scale)?)
        }
        ScalarKind::Timestamp(unit) => {
            Value::Int64(time::check_timestamp(whole(literal, integer)?, unit)?)
        }
        _ => return Err(Misfit::TypeMismatch),
    })
}

fn whole(literal: &str, integer: bool) -> Result<i64, Misfit> {
    if integer {
        return Ok(json::to_int64(literal)?);
    }
    let whole = json::to_decimal(literal, DECIMAL128_MAX_PRECISION, 0)?;
    i64::try_from(whole).map_err(|_| Misfit::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::super::findings::Findings;
    use super::super::kind::ScalarKind;
    use super::super::scalar::{Misfit, Value, fit};
    use crate::json::{Scanner, Scratch};
    use arrow_schema::TimeUnit;

    fn coerced(kind: ScalarKind, text: &str) -> Result<String, Misfit> {
        let mut scratch = Scratch::default();
        let token = Scanner::new(text, 1, false, &mut scratch).value(0);
        let Ok(token) = token else {
            return Err(Misfit::TypeMismatch);
        };
        assert!(
            fit(kind, token, text, &mut Findings::new(false)).is_err(),
            "{text}"
        );
        let mut findings = Findings::new(true);
        let value = fit(kind, token, text, &mut findings);
        assert_eq!(findings.coerced, u64::from(value.is_ok()));
        value.map(|value| match value {
            Value::Verbatim(token) => token.of(text).to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Int64(value) => value.to_string(),
            Value::Float64(value) => value.to_string(),
            Value::Decimal(index) => findings.decimals[index as usize].to_string(),
            other => format!("{other:?}"),
        })
    }

    /// What says exactly what the column wants is taken.
    #[test]
    fn exact_values_are_coerced() {
        let decimal = ScalarKind::Decimal {
            precision: 5,
            scale: 2,
        };
        let milliseconds = ScalarKind::Timestamp(TimeUnit::Millisecond);
        for (kind, text, expected) in [
            (ScalarKind::Int64, r#""12""#, "12"),
            (
                ScalarKind::Int64,
                r#""-9223372036854775808""#,
                "-9223372036854775808",
            ),
            (ScalarKind::Int64, "12.0", "12"),
            (ScalarKind::Int64, "12e3", "12000"),
            (ScalarKind::Int64, r#""1.20e1""#, "12"),
            (ScalarKind::Int64, r#""\u0031""#, "1"),
            (ScalarKind::Float64, r#""1.5""#, "1.5"),
            (decimal, r#""1.5""#, "150"),
            (milliseconds, r#""1700000000000""#, "1700000000000"),
            (milliseconds, "1.7e12", "1700000000000"),
            (ScalarKind::Bool, r#""true""#, "true"),
            (ScalarKind::String, "1.50", "1.50"),
            (ScalarKind::String, "false", "false"),
        ] {
            assert_eq!(coerced(kind, text).as_deref(), Ok(expected), "{text}");
        }
    }

    /// What would have to be guessed or rounded is not.
    #[test]
    fn nothing_is_guessed() {
        for text in [
            r#""007""#, r#""+1""#, r#"" 1""#, r#""1 ""#, r#""""#, r#""NaN""#, r#""0x1""#,
            r#""1,5""#, "true", "[1]",
        ] {
            assert_eq!(
                coerced(ScalarKind::Int64, text),
                Err(Misfit::TypeMismatch),
                "{text}"
            );
        }
        for text in [
            "1.5",
            r#""1.5""#,
            r#""9223372036854775808""#,
            "1e19",
            "1e400",
        ] {
            assert_eq!(
                coerced(ScalarKind::Int64, text),
                Err(Misfit::OutOfRange),
                "{text}"
            );
        }
        for text in [r#""9007199254740993""#, r#""1e400""#] {
            assert_eq!(
                coerced(ScalarKind::Float64, text),
                Err(Misfit::OutOfRange),
                "{text}"
            );
        }
        for text in [r#""True""#, r#""1""#, "1", "0"] {
            assert_eq!(
                coerced(ScalarKind::Bool, text),
                Err(Misfit::TypeMismatch),
                "{text}"
            );
        }
        for text in ["0", r#""20000""#, r#""2026-01-01T00:00:00Z""#] {
            assert_eq!(
                coerced(ScalarKind::Date, text),
                Err(Misfit::TypeMismatch),
                "{text}"
            );
        }
        assert_eq!(coerced(ScalarKind::String, "{}"), Err(Misfit::TypeMismatch));
    }
}
