"""Filters against a plain Python definition of SQL's three values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transform.table import transformed

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS = {"id": "int64", "n": "int64", "m": "int64", "s": "string", "yes": "bool"}
LARGEST = 2**63 - 1

Row = dict[str, Any]


@dataclass(frozen=True)
class Sql:
    """An expression with what it means for a row; `None` is NULL."""

    text: str
    value: Callable[[Row], Any]

    def __repr__(self) -> str:
        return self.text


def _column(name: str) -> Sql:
    return Sql(name, lambda row: row[name])


def _number(value: int) -> Sql:
    return Sql(str(value), lambda _row: value)


def _text(value: str) -> Sql:
    quoted = value.replace("'", "''")
    return Sql(f"'{quoted}'", lambda _row: value)


def _strict(text: str, operation: Callable[..., Any], *of: Sql) -> Sql:
    """NULL if any operand is."""

    def value(row: Row) -> Any:
        values = [operand.value(row) for operand in of]
        return None if None in values else operation(*values)

    return Sql(text, value)


def _calculated(symbol: str, left: Sql, right: Sql) -> Sql:
    def calculate(a: int, b: int) -> int | None:
        if symbol in "/%":
            if b == 0:
                return None
            quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
            result = quotient if symbol == "/" else a - b * quotient
        else:
            result = {"+": a + b, "-": a - b, "*": a * b}[symbol]
        return result if -LARGEST - 1 <= result <= LARGEST else None

    return _strict(f"({left} {symbol} {right})", calculate, left, right)


def _compared(symbol: str, left: Sql, right: Sql) -> Sql:
    operations: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda a, b: a == b,
        "<>": lambda a, b: a != b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }
    return _strict(f"({left} {symbol} {right})", operations[symbol], left, right)


def _and(left: Sql, right: Sql) -> Sql:
    def value(row: Row) -> bool | None:
        values = (left.value(row), right.value(row))
        return False if False in values else None if None in values else True

    return Sql(f"({left} AND {right})", value)


def _or(left: Sql, right: Sql) -> Sql:
    def value(row: Row) -> bool | None:
        values = (left.value(row), right.value(row))
        return True if True in values else None if None in values else False

    return Sql(f"({left} OR {right})", value)


def _not(of: Sql) -> Sql:
    return _strict(f"(NOT {of})", lambda a: not a, of)


def _is_null(of: Sql) -> Sql:
    return Sql(f"({of} IS NULL)", lambda row: of.value(row) is None)


def _in(of: Sql, items: list[Sql]) -> Sql:
    found = _compared("=", of, items[0])
    for item in items[1:]:
        found = _or(found, _compared("=", of, item))
    return Sql(f"({of} IN ({', '.join(map(str, items))}))", found.value)


def _between(of: Sql, low: Sql, high: Sql) -> Sql:
    inside = _and(_compared(">=", of, low), _compared("<=", of, high))
    return Sql(f"({of} BETWEEN {low} AND {high})", inside.value)


INTEGERS = st.one_of(st.integers(-5, 5), st.sampled_from([LARGEST, -LARGEST - 1, LARGEST // 2]))
TEXTS = st.text("aAbé😀 ", max_size=3)
NULL = Sql("NULL", lambda _row: None)

numbers = st.recursive(
    st.one_of(st.sampled_from([_column("n"), _column("m")]), st.integers(-5, 5).map(_number)),
    lambda inner: st.builds(_calculated, st.sampled_from("+-*/%"), inner, inner),
    max_leaves=3,
)
texts = st.recursive(
    st.one_of(st.just(_column("s")), TEXTS.map(_text)),
    lambda inner: st.one_of(
        inner.map(lambda of: _strict(f"lower({of})", str.lower, of)),
        inner.map(lambda of: _strict(f"trim({of})", lambda text: text.strip(" "), of)),
        st.builds(lambda a, b: _strict(f"({a} || {b})", lambda x, y: x + y, a, b), inner, inner),
    ),
    max_leaves=2,
)
lengths = texts.map(lambda of: _strict(f"length({of})", len, of))
comparisons = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
conditions = st.recursive(
    st.one_of(
        st.just(_column("yes")),
        st.just(NULL),
        st.builds(_compared, comparisons, numbers, numbers | lengths),
        st.builds(_compared, comparisons, texts, texts),
        st.builds(_in, numbers, st.lists(numbers, min_size=1, max_size=3)),
        st.builds(_between, numbers, numbers, numbers),
        st.builds(_is_null, numbers | texts),
        st.builds(lambda of, start: _strict(f"starts_with({of}, {start})", str.startswith, of, start), texts, texts),
    ),
    lambda inner: st.one_of(
        st.builds(_and, inner, inner), st.builds(_or, inner, inner), inner.map(_not), inner.map(_is_null)
    ),
    max_leaves=5,
)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.none() | INTEGERS,
            "m": st.none() | INTEGERS,
            "s": st.none() | TEXTS,
            "yes": st.none() | st.booleans(),
        }
    ),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(conditions, rows)
def test_a_filter_keeps_the_rows_for_which_its_condition_is_true(condition: Sql, given_rows: list[Row]) -> None:
    """Every operator, NULLs and overflows included, before text and after a step that changes a column."""
    records = [{"id": number, **row} for number, row in enumerate(given_rows)]
    expected = [record["id"] for record in records if condition.value(record) is True]
    first: list[dict[str, Any]] = [{"type": "filter", "where": condition.text}]
    later = [{"type": "select", "cast": {"n": "string"}}, {"type": "select", "cast": {"n": "int64"}}, *first]
    for steps in (first, later):
        table = transformed(COLUMNS, steps, records)
        assert [row["id"] for row in table.rows] == expected
        assert table.report.filtered == len(records) - len(expected)
        assert table.report.drift["filter_undecided"] == 0


@settings(deadline=None)
@given(st.lists(st.sampled_from([3, 30, None, "drift", [1], "absent"]), max_size=20))
def test_a_row_stays_if_a_drifted_value_leaves_it_open(values: list[object]) -> None:
    """NULL drops a row; a value that is there but does not fit does not."""
    records = [{"id": n} if value == "absent" else {"id": n, "n": value} for n, value in enumerate(values)]
    table = transformed(COLUMNS, [{"type": "filter", "where": "n > 10"}], records)
    drifted = [n for n, value in enumerate(values) if isinstance(value, list) or value == "drift"]
    assert [row["id"] for row in table.rows] == [n for n, value in enumerate(values) if value == 30 or n in drifted]
    assert table.report.drift["filter_undecided"] == len(drifted)
