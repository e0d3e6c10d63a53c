//! What expressions mean, and what is said of those that mean nothing.

#![allow(clippy::unwrap_used, clippy::panic, clippy::too_many_lines)]

use std::sync::{Arc, LazyLock};

use arrow_array::types::{Decimal128Type, Int64Type, TimestampMillisecondType};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray,
    PrimitiveArray, StringViewArray,
};

use super::{Named, compile, evaluate};
use crate::columns::ColumnKind;

static COLUMNS: LazyLock<Vec<(&str, ColumnKind)>> = LazyLock::new(|| {
    let columns = [
        ("yes", "bool"),
        ("maybe", "bool"),
        ("n", "int64"),
        ("x", "float64"),
        ("level", "string"),
        ("price", "decimal(10, 2)"),
        ("at", "timestamp[ms, UTC]"),
        ("day", "date"),
        ("items", "list<int64>"),
    ];
    columns
        .map(|(name, kind)| (name, kind.parse().unwrap()))
        .into()
});

fn named() -> Vec<Named<'static>> {
    let columns = COLUMNS.iter().enumerate();
    columns
        .map(|(slot, (name, kind))| Named { name, kind, slot })
        .collect()
}

/// One row: yes = true, maybe = NULL, n = 7, x = -0.0, level = 'Warn', price = 12.50, at = 1970-01-02T00:00:00.5Z,
/// day = 1970-01-02, items = [].
fn row() -> Vec<Option<ArrayRef>> {
    let price: PrimitiveArray<Decimal128Type> = Decimal128Array::from(vec![1250]);
    let at: PrimitiveArray<TimestampMillisecondType> = vec![86_400_500].into();
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(BooleanArray::from(vec![Some(true)])),
        Arc::new(BooleanArray::from(vec![None::<bool>])),
        Arc::new(Int64Array::from(vec![7])),
        Arc::new(Float64Array::from(vec![-0.0])),
        Arc::new(StringViewArray::from(vec!["Warn"])),
        Arc::new(price.with_precision_and_scale(10, 2).unwrap()),
        Arc::new(at.with_timezone("UTC")),
        Arc::new(Date32Array::from(vec![1])),
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([
            Some([]),
        ])),
    ];
    arrays.into_iter().map(Some).collect()
}

fn value(text: &str) -> Option<bool> {
    let (condition, _) = compile(text, &named())
        .map_err(|mistakes| format!("{text}: {mistakes:?}"))
        .unwrap();
    evaluate(&condition, &row(), 1)
        .unwrap()
        .iter()
        .next()
        .unwrap()
}

fn all_true(texts: &[&str]) {
    for text in texts {
        assert_eq!(value(text), Some(true), "{text}");
    }
}

fn mistake(text: &str) -> (u64, u64, String) {
    let mistakes = compile(text, &named())
        .err()
        .unwrap_or_else(|| panic!("{text} compiles"));
    (
        mistakes[0].line,
        mistakes[0].column,
        mistakes[0].message.clone(),
    )
}

/// SQL's tables of AND, OR and NOT over true, false and NULL.
#[test]
fn logic_has_three_values() {
    let values = [("TRUE", Some(true)), ("FALSE", Some(false)), ("NULL", None)];
    for (left, a) in values {
        assert_eq!(value(&format!("NOT {left}")), a.map(|a| !a));
        for (right, b) in values {
            let and = if a == Some(false) || b == Some(false) {
                Some(false)
            } else {
                a.zip(b).map(|_| true)
            };
            let or = if a == Some(true) || b == Some(true) {
                Some(true)
            } else {
                a.zip(b).map(|_| false)
            };
            assert_eq!(
                value(&format!("{left} AND {right}")),
                and,
                "{left} AND {right}"
            );
            assert_eq!(
                value(&format!("{left} OR {right}")),
                or,
                "{left} OR {right}"
            );
            assert_eq!(
                value(&format!("{left} = {right}")),
                a.zip(b).map(|(a, b)| a == b)
            );
            assert_eq!(
                value(&format!("{left} IS DISTINCT FROM {right}")),
                Some(a != b)
            );
        }
        assert_eq!(value(&format!("{left} IS TRUE")), Some(a == Some(true)));
        assert_eq!(
            value(&format!("{left} IS NOT FALSE")),
            Some(a != Some(false))
        );
        assert_eq!(value(&format!("{left} IS UNKNOWN")), Some(a.is_none()));
    }
    assert_eq!(value("maybe"), None);
    assert_eq!(value("yes AND maybe IS NULL"), Some(true));
}

/// IN and BETWEEN are what they are short for, NULLs included.
#[test]
fn in_and_between_know_null() {
    all_true(&[
        "n IN (1, 7)",
        "n NOT IN (1, 2)",
        "n BETWEEN 7 AND 8",
        "n NOT BETWEEN 8 AND 9",
        "level IN ('Warn')",
    ]);
    assert_eq!(value("n IN (1, NULL)"), None);
    assert_eq!(value("n IN (7, NULL)"), Some(true));
    assert_eq!(value("n NOT IN (1, NULL)"), None);
    assert_eq!(value("n BETWEEN NULL AND 8"), None);
    assert_eq!(value("n BETWEEN NULL AND 6"), Some(false));
}

/// Numbers of different types compare by what they are worth, decimals and large integers without rounding.
#[test]
fn numbers_compare_exactly() {
    all_true(&[
        "n = 7",
        "n = 7.0",
        "n < 7.0000000000000001",
        "n > 6.5",
        "n = 7e0",
        "x = 0",
        "x = 0.0",
        "NOT x < 0",
        "price = 12.5",
        "price > 12.49999999999",
        "price < 13",
        "price = x + 12.5",
        "n < 9223372036854775808",
        "9007199254740993 > 9007199254740992",
        "0.1 + 0.2 = 0.3",
        "n < 1e300",
        "-n = -7",
        "-7 = -n",
        "+n = 7",
    ]);
}

/// Integers stay integers, decimals stay exact, and what has no value is NULL.
#[test]
fn arithmetic_is_exact_or_null() {
    all_true(&[
        "n / 2 = 3",
        "-n / 2 = -3",
        "n % 4 = 3",
        "-n % 4 = -3",
        "n * 1.5 = 10.5",
        "price * 2 = 25.00",
        "price - n = 5.5",
        "price % 5 = 2.5",
        "price / 2 = 6.25",
        "n / 2.0 = 3.5",
        "(n + 1) * 2 = 16",
        "9223372036854775807 % -1 = 0",
    ]);
    for text in [
        "n / 0",
        "n % 0",
        "x / 0",
        "x / x",
        "x % 0",
        "price / 0",
        "price % 0",
        "9223372036854775807 + n",
        "-9223372036854775808 - n",
        "9223372036854775807 * n",
        "abs(-9223372036854775807 - 1)",
        "1e308 * 10",
        "cast('99999999999999999999999999999999999999' AS DECIMAL(38, 0)) * 10",
        "cast('x' AS BIGINT)",
        "n + NULL",
    ] {
        assert_eq!(value(&format!("{text} IS NULL")), Some(true), "{text}");
    }
}

/// Times compare with RFC 3339 text, whatever the unit of the column, and dates are midnights.
#[test]
fn times_compare_with_their_text() {
    all_true(&[
        "at = '1970-01-02T00:00:00.5Z'",
        "at = TIMESTAMP '1970-01-02T02:00:00.500+02:00'",
        "at > '1970-01-02T00:00:00.499999999Z'",
        "at < '1970-01-02T00:00:00.500000001Z'",
        "at <> '1970-01-02T00:00:00.500000001Z'",
        "at < '9999-12-31T23:59:59.999999999Z'",
        "day = '1970-01-02'",
        "day = DATE '1970-01-02'",
        "'1970-01-01' < day",
        "at > day",
        "day < TIMESTAMP '1970-01-02T00:00:00.5Z'",
        "at BETWEEN '1970-01-01T00:00:00Z' AND '1971-01-01T00:00:00Z'",
        "day IN ('1970-01-02')",
        "cast(at AS varchar) = '1970-01-02T00:00:00.500Z'",
        "cast(day AS varchar) = '1970-01-02'",
    ]);
}

/// Each function, with NULL where its argument is, and characters instead of bytes.
#[test]
fn functions_do_what_sql_says() {
    all_true(&[
        "lower(level) = 'warn'",
        "upper('straße') = 'STRASSE'",
        "length('aé😀') = 3",
        "trim('  a b ') = 'a b'",
        "substr('héllo', 2) = 'éllo'",
        "substr('héllo', 2, 3) = 'éll'",
        "substr('hello', 0, 3) = 'he'",
        "substr('hello', -1) = 'hello'",
        "substr('hello', 9) = ''",
        "substring('hello' FROM 2 FOR 2) = 'el'",
        "substr('hello', 2, -1) IS NULL",
        "starts_with(level, 'Wa')",
        "abs(-7) = n",
        "abs(-1.5) = 1.5",
        "abs(x) = 0",
        "round(2.5) = 3",
        "round(-2.5) = -3",
        "round(2.345, 2) = 2.35",
        "round(price) = 13",
        "round(x) = 0",
        "round(n) = 7",
        "cast('12' AS BIGINT) = 12",
        "cast(12.0 AS BIGINT) = 12",
        "cast(12.5 AS BIGINT) IS NULL",
        "n::varchar = '7'",
        "cast(n AS DOUBLE) = 7",
        "cast('1.50' AS DECIMAL(5, 2)) = 1.5",
        "cast('true' AS BOOLEAN)",
        "cast(NULL AS BIGINT) IS NULL",
        "concat(level, '-', NULL, 'x') = 'Warn-x'",
        "(level || NULL) IS NULL",
        "level || '!' = 'Warn!'",
        "coalesce(NULL, maybe, yes)",
        "coalesce(cast('x' AS BIGINT), 3) = 3",
        "coalesce(n, 1.5) = 7",
        "coalesce(cast('x' AS BIGINT), x, 1) = 0",
        "regexp_like(level, '^W.r+n$')",
        "NOT regexp_like(level, '^w')",
        "level LIKE 'W%n'",
        "level LIKE 'Wa__'",
        "level NOT LIKE 'w%'",
        "level ILIKE 'w%'",
        "'50%' LIKE '50\\%'",
        "lower(cast(NULL AS varchar)) IS NULL",
        "length(NULL) IS NULL",
        "coalesce(NULL, NULL) IS NULL",
    ]);
}

/// Every kind of mistake: where it is, and what to write.
#[test]
fn mistakes_say_where_and_what() {
    for (text, place, message) in [
        ("", (1, 1), "is empty; write a condition"),
        (
            "level <> 'debug' AND",
            (1, 21),
            "expected an expression, found the end",
        ),
        (
            "n > 1 n",
            (1, 7),
            "expected an operator or the end, found `n`",
        ),
        ("level = 'a", (1, 9), "Unterminated string literal"),
        (
            "n > 1\nAND levl = 'a'",
            (2, 5),
            "there is no column `levl`; did you mean \"level\"?; columns here: yes, maybe, n,",
        ),
        (
            "level = \"warning\"",
            (1, 9),
            "there is no column `warning` (text is written in single quotes)",
        ),
        (
            "usage.tokens > 1",
            (1, 1),
            "`usage.tokens` is not a column; declare one with that path",
        ),
        (
            "lowr(level) = 'a'",
            (1, 1),
            "there is no function `lowr`; did you mean \"lower\"?; functions: lower, upper,",
        ),
        (
            "lower(level, 1) = 'a'",
            (1, 1),
            "`lower` does not take 2 arguments; it takes one",
        ),
        (
            "n = 'a'",
            (1, 1),
            "can't compare `n` (int64) with text; cast one of them",
        ),
        (
            "yes > n",
            (1, 1),
            "can't compare `yes` (bool) with `n` (int64)",
        ),
        (
            "at > 5",
            (1, 1),
            "can't compare `at` (timestamp[ms, UTC]) with 5",
        ),
        (
            "at > '2026-01-31'",
            (1, 1),
            "'2026-01-31' is not a time; write it like '2026-01-31T23:59:59Z'",
        ),
        (
            "day > 'soon'",
            (1, 1),
            "'soon' is not a date; write it like '2026-01-31'",
        ),
        (
            "n",
            (1, 1),
            "`n` (int64) is not a condition; compare it with something",
        ),
        ("yes AND n", (1, 9), "`n` (int64) is not a condition"),
        (
            "level + 1 > 2",
            (1, 1),
            "can't calculate with `level` (string); it is not a number",
        ),
        (
            "length(n) = 1",
            (1, 8),
            "length needs text, and `n` (int64) is none; cast it to string",
        ),
        (
            "n LIKE '7'",
            (1, 1),
            "LIKE needs text, and `n` (int64) is none",
        ),
        (
            "abs(level) = 1",
            (1, 5),
            "abs needs a number, and `level` (string) is none",
        ),
        (
            "round(x, n) = 1",
            (1, 10),
            "round needs a number of digits from 0 to 15",
        ),
        (
            "substr(level, 'a') = 'a'",
            (1, 15),
            "substr needs whole numbers, and text is none",
        ),
        (
            "regexp_like(level, 'a(')",
            (1, 20),
            "is not a regular expression: unclosed group",
        ),
        (
            "regexp_like(level, level)",
            (1, 20),
            "the pattern of regexp_like must be 'text' written here",
        ),
        (
            "cast(yes AS DATE) = day",
            (1, 6),
            "can't cast `yes` (bool) to date",
        ),
        (
            "cast(n AS UUID) = 1",
            (1, 6),
            "can't cast to UUID; there are BIGINT, DOUBLE,",
        ),
        (
            "coalesce(n, level) = 1",
            (1, 1),
            "coalesce needs arguments of one type, and `level` (string) differs",
        ),
        (
            "n & 1 = 1",
            (1, 1),
            "the operator `&` is not available; there are",
        ),
        (
            "CASE WHEN yes THEN 1 ELSE 2 END = 1",
            (1, 1),
            "is not available in a filter",
        ),
        ("n IN (SELECT 1)", (1, 1), "is not available in a filter"),
        (
            "n = X'00'",
            (1, 5),
            "is not a value that can be used here; write a number",
        ),
    ] {
        let (line, column, said) = mistake(text);
        assert_eq!((line, column), place, "{text}: {said}");
        assert!(said.contains(message), "{text}: {said}");
    }
}

/// Nobody should have to run it five times.
#[test]
fn all_mistakes_come_at_once() {
    let mistakes = compile(
        "levl = 'a' AND (m > 1 OR lowr(level) = 'x') AND n = 'b'",
        &named(),
    )
    .unwrap_err();
    assert_eq!(
        mistakes
            .iter()
            .map(|mistake| mistake.column)
            .collect::<Vec<_>>(),
        [1, 17, 26, 49]
    );
}

/// Neither nesting nor length exhausts the stack.
#[test]
fn deep_and_long_texts_are_refused_or_taken() {
    let deep = format!("{}yes{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(mistake(&deep).2.contains("nested too deep"));
    assert_eq!(value(&vec!["n=1"; 190].join(" OR ")), Some(false));
    assert!(
        mistake(&vec!["n=1"; 2_000].join(" OR "))
            .2
            .contains("more than 200 operators in a row")
    );
    assert_eq!(
        value(&format!("n IN ({}7)", "1,".repeat(7_000))),
        Some(true)
    );
    assert!(
        mistake(&vec!["n=1"; 5_000].join(" OR "))
            .2
            .contains("longer than")
    );
}

/// What it reads is told, each column once.
#[test]
fn reads_are_told() {
    let (_, reads) = compile("level = 'a' OR level = 'b' AND n > 1", &named()).unwrap();
    assert_eq!(reads, [2, 4]);
}

/// Of a list, a struct or a map one can only ask whether it is there.
#[test]
fn nested_columns_are_null_or_not() {
    all_true(&["items IS NOT NULL", "NOT (items IS NULL)"]);
    let (line, column, message) = mistake("n > 1 AND items = 3");
    assert_eq!((line, column), (1, 11));
    assert!(
        message.starts_with("`items` is list<int64>, of which only IS NULL can be asked"),
        "{message}"
    );
}
