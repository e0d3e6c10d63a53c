"""The bench of the decoder, small: what is read, how answers are checked, what is printed."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pytest

from bench import decode
from bench.decoding import child, programs
from bench.decoding.corpora import CORPORA
from bench.decoding.digest import Digest, digest
from bench.decoding.expected import difference, expected_table, read_expected, write_expected
from bench.decoding.measured import Input, Measured, measure
from bench.decoding.python_readers import PYTHON_READERS
from bench.decoding.results import Run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BYTES = 60_000
CONTENT = re.compile(rb'"content": ?"((?:[^"\\]|\\.)*)"')
SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("number", pa.int64()),
        ("float", pa.float64()),
        ("spans", pa.list_(pa.struct([("name", pa.string()), ("ok", pa.bool_())]))),
    ]
)
ROWS: list[dict[str, Any]] = [
    {"text": "a", "number": -7, "float": 0.5, "spans": [{"name": "x", "ok": True}, {"name": None, "ok": False}]},
    {"text": None, "number": 2, "float": None, "spans": []},
    {"text": "ä", "number": 9, "float": -1.5, "spans": None},
    {"text": "b", "number": None, "float": 2.0, "spans": [{"name": "y", "ok": None}]},
]


@pytest.fixture(autouse=True)
def _directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(decode, "DIRECTORY", tmp_path / "corpora")


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, SCHEMA)


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=CORPORA)
def test_corpus_is_json_of_its_schema(corpus: Any, tmp_path: Path) -> None:
    """As large as it should be, the same every time, every leaf has values, and no key is left out."""
    records = corpus.write(BYTES, tmp_path)
    written = (tmp_path / f"{corpus.name}.ndjson").read_bytes()
    assert written.splitlines() == records == corpus.write(BYTES, tmp_path)
    assert BYTES * 0.8 < len(written) <= BYTES
    assert all(set(orjson.loads(record)) <= set(corpus.schema.names) for record in records)
    found = digest(expected_table(corpus.write(10 * BYTES, tmp_path), corpus.schema))
    assert [leaf for leaf, (values, _, _) in found.leaves.items() if not values] == []


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("1k", 25, 33), ("8k", 25, 33), ("inner_json", 4.5, 6.5), ("spaced", 25, 33), ("non_ascii", 1000, 10**9)],
)
def test_text_has_the_escapes_that_are_promised(name: str, least: float, most: float, tmp_path: Path) -> None:
    """Bytes of `content` per escape."""
    texts = CONTENT.findall(b"\n".join(CORPORA[name].write(500_000, tmp_path)))
    escapes = sum(text.count(b"\\") - text.count(b"\\\\") for text in texts)
    assert least <= sum(map(len, texts)) / max(1, escapes) <= most


def test_corpora_are_hard_where_they_say_so(tmp_path: Path) -> None:
    """Shapes that do not come again, and bytes outside of ASCII."""
    shapes = Counter(tuple(orjson.loads(record)) for record in CORPORA["all_distinct"].write(500_000, tmp_path))
    assert max(shapes.values()) <= 2
    written = b"".join(CORPORA["non_ascii"].write(500_000, tmp_path))
    assert 0.25 < sum(byte > 127 for byte in written) / len(written) < 0.35


def test_expected_table_comes_back_from_its_file(tmp_path: Path) -> None:
    """It is what children compare with."""
    write_expected(_table(ROWS), tmp_path / "rows.arrow")
    assert read_expected(tmp_path / "rows.arrow").equals(_table(ROWS))


def _changed(row: int, **values: Any) -> list[dict[str, Any]]:
    return [{**one, **values} if number == row else one for number, one in enumerate(ROWS)]


def test_same_table_is_right_in_any_text_type_and_chunks() -> None:
    """Columns in another order too."""
    table = pa.concat_tables([_table(ROWS[:1]), _table(ROWS[1:])]).select(["spans", "float", "text", "number"])
    for kind in (pa.string_view(), pa.large_string()):
        assert difference(table.set_column(2, "text", table["text"].cast(kind)), _table(ROWS)) is None


WRONG: list[tuple[list[dict[str, Any]], str, str]] = [
    (ROWS[:3], "3 rows, not 4", "3 rows, not 4"),
    ([*ROWS, ROWS[0]], "5 rows, not 4", "5 rows, not 4"),
    (_changed(0, text="A"), "text differs in 1 rows, the first is 0", "text has other values"),
    (_changed(0, text="aa"), "text differs in 1 rows, the first is 0", "text has 5 bytes of text, not 4"),
    (_changed(2, text=None), "text differs in 1 rows, the first is 2", "text has 2 values, not 3"),
    (_changed(0, number=7), "number differs in 1 rows", "number has other values"),
    (_changed(2, float=-1.25), "float differs in 1 rows, the first is 2", "float has other values"),
    ([ROWS[3], *ROWS[1:3], ROWS[0]], "text differs in 2 rows", "text has other values"),
    (_changed(3, spans=[{"name": "z", "ok": None}]), "spans differs", "spans.name has other values"),
    (_changed(3, spans=[{"name": "y", "ok": True}]), "spans differs", "spans.ok has 3 values, not 2"),
    (_changed(2, spans=[]), "spans differs", ""),  # A digest does not tell an empty list from none.
]


@pytest.mark.parametrize(("rows", "by_value", "by_digest"), WRONG)
def test_wrong_answer_is_noticed(rows: list[dict[str, Any]], by_value: str, by_digest: str) -> None:
    """Value by value, and by the digest of those who make no table."""
    assert by_value in (difference(_table(rows), _table(ROWS)) or "")
    assert by_digest in (digest(_table(ROWS)).difference(digest(_table(rows))) or "")


def test_wrong_columns_are_noticed() -> None:
    """One too many, one too few, one of another type."""
    table = _table(ROWS)
    assert difference(table.append_column("more", table["text"]), table) == "column more should not be there"
    assert difference(table.drop_columns("float"), table) == "column float is missing"
    told = difference(table.set_column(1, "number", table["text"]), table)
    assert (told or "").startswith("column number is string: ")


def test_digest_is_what_other_languages_compute() -> None:
    """The figures are from `bench/micro`: CRC-32 of text, bits of floats, weights by row and place."""
    found = digest(_table(ROWS))
    assert found.rows == 4
    assert found.leaves["number"] == [3, 0, (-7 * 1 + 2 * (2 * 1_000_004 + 1) + 9 * (2 * 2_000_008 + 1)) % 2**64]
    assert found.leaves["spans.ok"] == [2, 0, 1]
    assert found.leaves["text"][:2] == [3, 4]


class _Stub:
    """A reader whose answer is `table`."""

    def __init__(self, table: pa.Table) -> None:
        self.answer = table

    def read(self) -> pa.Table:
        return self.answer

    def table(self, found: pa.Table) -> pa.Table:
        return found


def _answer(
    change: Callable[[pa.Table], pa.Table], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> dict[str, object]:
    corpus = CORPORA["340"]
    expected = expected_table(corpus.write(BYTES, tmp_path), corpus.schema)
    write_expected(expected, tmp_path / "340.arrow")
    monkeypatch.setitem(PYTHON_READERS, "stub", lambda _source: _Stub(change(expected)))
    return child.run("stub", "340", tmp_path, 0)


def test_child_says_that_a_reader_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With its figures all the same."""
    assert _answer(lambda table: table, monkeypatch, tmp_path)["wrong"] is None
    found = _answer(lambda table: table.slice(1), monkeypatch, tmp_path)
    assert "rows, not" in str(found["wrong"])
    assert float(str(found["seconds"])) > 0


def test_child_says_why_a_reader_can_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a line, and nothing else."""

    def refuse(_table: pa.Table) -> pa.Table:
        raise ValueError("too deep\nfor me")

    assert _answer(refuse, monkeypatch, tmp_path) == {"reason": "ValueError: too deep"}


def _script(tmp_path: Path, text: str) -> Path:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return program


INPUTS = [Input(name, 2, 1000, Digest(2, {"text": [2, 3, 4]})) for name in ("340", "1k", "8k")]


def test_program_is_held_against_the_digest(tmp_path: Path) -> None:
    """One right, one wrong, one that it can't read."""
    timed = '"seconds": 1e-6, "memcpy_seconds": 1e-7, "rows": 2, "way": "fast"'
    program = _script(
        tmp_path,
        f"""echo '{{"corpus": "340", {timed}, "digest": {{"text": [2, 3, 4], "none": [0, 0, 0]}}}}'
        echo '{{"corpus": "1k", {timed}, "digest": {{"text": [2, 3, 5]}}}}'
        echo '{{"corpus": "8k", "reason": "too long"}}'""",
    )
    found = list(measure("simdjson", program, INPUTS, tmp_path, seconds=0, limit_seconds=60))
    assert [one.as_object() for one in found] == [
        {
            "corpus": "340",
            "reader": "simdjson",
            "gigabytes_per_second": 1.0,
            "ratio_to_memcpy": 0.1,
            "correct": True,
        },
        {
            "corpus": "1k",
            "reader": "simdjson",
            "gigabytes_per_second": 1.0,
            "ratio_to_memcpy": 0.1,
            "correct": False,
            "reason": "text has other values",
        },
        {
            "corpus": "8k",
            "reader": "simdjson",
            "gigabytes_per_second": None,
            "ratio_to_memcpy": None,
            "correct": False,
            "reason": "too long",
        },
    ]


def test_program_that_dies_is_started_again_for_the_rest(tmp_path: Path) -> None:
    """Every corpus has a line, with its last words."""
    found = list(
        measure("simdjson", _script(tmp_path, "echo no >&2; exit 3"), INPUTS, tmp_path, seconds=0, limit_seconds=60)
    )
    assert [(one.corpus, one.wrong) for one in found] == [(one.name, "ended with 3: no") for one in INPUTS]


def test_program_that_does_not_end_is_killed(tmp_path: Path) -> None:
    """Whatever it is doing."""
    program = _script(tmp_path, "exec sleep 600")
    found = list(measure("simdjson", program, INPUTS[:1], tmp_path, seconds=0, limit_seconds=0.5))
    assert [one.wrong for one in found] == ["not done after 0 s"]


def test_missing_compiler_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody who lacks a tool sees an error: the readers are in the table without figures."""
    monkeypatch.setattr(programs, "_CACHE", tmp_path / "cache")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    for build in (programs.simdjson_program, programs.rust_program):
        with pytest.raises(programs.MissingProgramError, match=r"no C\+\+ compiler|no Rust toolchain"):
            build()


def test_bench_without_compilers_still_has_a_line_for_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0, and the reason."""

    def missing() -> Path:
        raise programs.MissingProgramError("no C++ compiler")

    monkeypatch.setitem(programs.PROGRAMS, "simdjson", missing)
    arguments = f"--corpus 340 --reader memcpy --reader simdjson --bytes {BYTES} --quick --output json"
    assert decode.main(arguments.split()) == 0
    memcpy, simdjson = json.loads(capsys.readouterr().out)
    assert (memcpy["ratio_to_memcpy"], memcpy["correct"]) == (1.0, True)
    assert (simdjson["gigabytes_per_second"], simdjson["reason"]) == (None, "no C++ compiler")


def test_python_readers_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    """On every corpus: ours both ways, and all that need nothing to be built."""
    readers = [reader for reader in decode.READERS if reader in PYTHON_READERS]
    chosen = [argument for reader in readers for argument in ("--reader", reader)]
    assert decode.main([*chosen, "--bytes", str(BYTES), "--quick", "--output", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    keys = ["corpus", "reader", "gigabytes_per_second", "ratio_to_memcpy", "correct"]
    assert [(one["corpus"], one["reader"]) for one in found] == [
        (corpus, reader) for corpus in CORPORA for reader in readers
    ]
    assert [one for one in found if list(one) != keys or not one["correct"]] == []


def test_table_marks_who_is_wrong() -> None:
    """A reason is told once for all the corpora it is the reason for."""
    found = (
        Measured("340", "a", 2.0, 0.2, None, "slow way"),
        Measured("340", "b", 3.0, 0.3, "2 rows, not 3"),
        Measured("340", "c", None, None, "no compiler"),
        Measured("1k", "a", 2.0, 0.25, None, "fast way"),
        Measured("1k", "b", 3.0, 0.35, "2 rows, not 3"),
        Measured("1k", "c", None, None, "no compiler"),
    )
    lines = Run(found, BYTES, "").as_text().splitlines()
    assert [line.split() for line in lines[1:5]] == [
        ["340", "1k"],
        ["a", "0.200", "0.250"],
        ["b", "0.300!", "0.350!"],
        ["c", "-", "-"],
    ]
    told = [line for line in lines[11:] if line]
    assert told == [
        "b, 340, 1k: 2 rows, not 3",
        "c, 340, 1k: no compiler",
        "a, 340: fastest slow way",
        "a, 1k: fastest fast way",
    ]


def test_section_of_a_results_file_says_what_it_depends_on() -> None:
    """Machine, versions, flags, data, both tables, and what is wrong."""
    found = (Measured("340", "a", 2.0, 0.2, None), Measured("340", "b", None, None, "no compiler"))
    section = Run(found, BYTES, "bench/decode.py --quick").as_markdown("plot.svg")
    for told in ("- Machine: ", "simd-json 0.", "-march=native", "flat events", "| a | 0.200 |", "| b | - |"):
        assert told in section
    assert "- b, 340: no compiler" in section
    assert section.rstrip().endswith("![Share of memcpy](plot.svg)")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--corpus", "2k"], "invalid choice: '2k'"),
        (["--reader", "jq"], "invalid choice: 'jq'"),
        (["--bytes", "0"], "'0' is not a whole number above 0"),
    ],
)
def test_mistaken_argument_is_told(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 2, before anything starts."""
    with pytest.raises(SystemExit) as exit_:
        decode.main(arguments)
    assert exit_.value.code == 2
    assert told in capsys.readouterr().err
