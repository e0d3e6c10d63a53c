"""An explanation for people: the stages in their order, aligned, one screen for a small pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.config.kafka import KafkaSource
from penstock.config.units import duration_text, size_text
from penstock.explain.settings import value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import BaseModel

    from penstock.config import Config
    from penstock.explain.explain import Column, Explained, Explanation
    from penstock.source.fetch_mode import Fetching

INDENT = "  "
GAP = "  "
LONGEST_LINE = 110
ROWS_RATIO = 10_000
"""Of the dead-letter limit: `penstock.dead_letter`."""


def text(explained: Explained) -> Iterator[str]:
    """Lines without line ends."""
    config, explanation = explained.config, explained.explanation
    yield f"{explanation.pipeline}: {explanation.file}"
    for title, lines in (
        (f"source: {config.source.type}", _source(config, explanation)),
        (f"decode: {config.decode.format}, {_columns_title(explanation)}", _decode(config, explanation)),
        (f"transform: {_count(len(explanation.steps), 'step')}", _transform(config, explanation)),
        (f"sink: {config.sink.type}, {config.sink.path}", _sink(config, explanation)),
        (f"dead letters: {config.dead_letter.path}", _dead_letters(config)),
        (f"memory: {size_text(explanation.memory.limit_bytes)}", _memory(explanation)),
        (f"plan: {explanation.plan_digest or 'known with the columns'}", ()),
        ("settings", _settings(explanation)),
    ):
        yield ""
        yield title
        for line in lines:
            yield f"{INDENT}{line}".rstrip()


def _source(config: Config, explanation: Explanation) -> Iterator[str]:
    source = config.source
    fields = {name: value for name, value in source.model_dump().items() if name != "type" and value is not None}
    shown = ("brokers", "topics", "topics_regex", "group", "path")
    yield from _aligned([(name, _listed(fields[name])) for name in shown if fields.get(name)])
    if isinstance(source, KafkaSource):
        encrypted = "encrypted" if source.tls else "not encrypted"
        user = f"{source.sasl.mechanism} as {source.sasl.user}" if source.sasl else "no login"
        yield f"begins at {source.start}, once, when the table is new; {encrypted}, {user}"
    if explanation.fetching is not None:
        yield _fetching(explanation.fetching)


def _fetching(fetching: Fetching) -> str:
    why = f'fetch_mode = "{fetching.mode}"'
    if fetching.problem is not None:
        why += f", and the installed aiokafka does not allow batches: {fetching.problem}"
    if fetching.fast:
        return f"fetches record batches as they are: {why}, and the installed aiokafka allows it"
    if fetching.mode == "fast":
        return f"will not start: {why}"
    return f"fetches records one by one, which takes more CPU: {why}"


def _columns_title(explanation: Explanation) -> str:
    match explanation.columns_from:
        case "file":
            return f"{_count(len(explanation.columns), 'column')}, declared"
        case "sample":
            return f"{_count(len(explanation.columns), 'column')}, inferred from the sample"
    return "columns inferred"


def _decode(config: Config, explanation: Explanation) -> Iterator[str]:
    if explanation.columns_from == "first records":
        yield f"The first {config.decode.infer_records:,} records decide, once; then the table keeps the columns."
        yield "With --sample FILE.ndjson this says what would be inferred from that file."
    else:
        yield from _aligned([_column(column, explanation.sample_records) for column in explanation.columns])
    if explanation.sample_rejections:
        yield f"{_count(explanation.sample_rejections, 'record')} of the sample can't be decoded: dead letters."
    rest = "kept in _residue" if config.decode.residue else "dropped"
    yield f"Keys that no column declares, and values that do not fit theirs: {rest}."
    yield f"A record larger than {size_text(config.decode.max_bytes)} or not a JSON object is a dead letter."


def _column(column: Column, records: int | None) -> tuple[str, ...]:
    cells = [column.name, column.type, "required" if column.required else "", _path(column.path)]
    if column.present is not None and records:
        cells += [f"in {_share(column.present, records)}", column.reason or ""]
    return tuple(cells)


def _path(path: Sequence[str]) -> str:
    return ".".join(f'"{key}"' if "." in key else key for key in path)


def _transform(config: Config, explanation: Explanation) -> Iterator[str]:
    if explanation.columns_from == "first records" and config.transform:
        yield "Where each step runs is known with the columns."
    before = explanation.decoded
    for number, step in enumerate(explanation.steps):
        yield f"{number + 1}. {step['type']}, {step['runs']}"
        given = [f"{column['name']} {column['type']}" for column in step["schema"]]
        details = [
            *_step_settings(config.transform[number]),
            ("reads", step["reads"]),
            ("gives", ["the same columns"] if step["schema"] == before else given),
        ]
        yield from (f"   {line}" for line in _listing(details))
        before = step["schema"]


def _step_settings(step: BaseModel) -> list[tuple[str, Sequence[str]]]:
    written = [name for name in type(step).model_fields if name in step.model_fields_set and name != "type"]
    return [(name, [value_text(getattr(step, name))]) for name in written]


def _sink(config: Config, explanation: Explanation) -> Iterator[str]:
    cut = config.sink.cut
    rows = f", {cut.rows:,} rows" if cut.rows else ""
    columns: Sequence[Mapping[str, Any]] | None = explanation.tables["main"]["columns"]
    if columns is not None:
        yield from _aligned([(c["name"], c["type"], "" if c["nullable"] else "never null") for c in columns])
    yield f"A file is committed at {size_text(cut.bytes)}{rows} or {duration_text(cut.age)}, whatever comes first."


def _dead_letters(config: Config) -> Iterator[str]:
    limit = config.dead_letter.limit
    yield "The record is kept as it came." if config.dead_letter.raw == "keep" else "Only why and where is kept."
    yield (
        f"The pipeline stops at {limit.run:,} in a row, or more than {limit.ratio * 100:g} % of the last "
        f"{ROWS_RATIO:,} records."
    )


def _memory(explanation: Explanation) -> Iterator[str]:
    memory = explanation.memory
    early = size_text(memory.early_cut_bytes // 2**20 * 2**20 or memory.early_cut_bytes)
    yield f"From {early} on the largest open file is cut early; partitions are paused only if nothing can be cut."
    yield (
        f"An open file holds up to {size_text(memory.row_group_bytes)} before it is encoded: "
        f"{_count(memory.row_groups, 'full one')} fit."
    )
    if memory.fetch_bytes is not None:
        yield f"One answer of a broker has up to {size_text(memory.fetch_bytes)}; it counts until it is decoded."


def _settings(explanation: Explanation) -> Iterator[str]:
    return _aligned([(f"{setting.key} = {setting.value}", setting.origin) for setting in explanation.settings])


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Cells in columns; cells that all rows leave empty take no room."""
    width = max(map(len, rows), default=0)
    table = [(*row, *[""] * (width - len(row))) for row in rows]
    widths = [max(len(row[at]) for row in table) for at in range(width)]
    for row in table:
        yield GAP.join(f"{cell:<{room}}" for cell, room in zip(row, widths, strict=True) if room).rstrip()


def _listing(rows: Sequence[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """A name and its items, on as many lines as they need."""
    room = max((len(name) for name, items in rows if items), default=0) + len(GAP)
    for name, items in rows:
        line = f"{name:<{room}}"
        for number, item in enumerate(items, start=1):
            if len(line) > room and len(line) + len(item) > LONGEST_LINE:
                yield line
                line = " " * room
            line += item if number == len(items) else f"{item}, "
        if items:
            yield line


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number or 'no'} {noun}s"


def _share(part: int, whole: int) -> str:
    return "all" if part >= whole else f"{100 * part / whole:.3g} %"
