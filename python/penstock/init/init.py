"""Writes the files. Never over one that is there, unless it is told to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.config.decode import Decode
from penstock.decode.sample_file import Sample, infer, read_sample
from penstock.demo.events import events
from penstock.errors import UnavailableError, UsageError
from penstock.init.pipeline_file import FileOrigin, TopicOrigin, pipeline_text

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE_NAME = "sample-events.ndjson"
SAMPLE_RECORDS = 500
PIPELINE_NAME = "sample-events"
FAULTS = 0.02
"""Share of malformed and of drifting sample events, each: so that dead letters and `_residue` have something."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written. `sample_file` only where the events are ours; `damage` says why a sample was cut short."""

    file: str
    sample_file: str | None
    columns: int
    records: int
    undecodable: int
    damage: str | None


def init(file: Path, origin: str | None, *, force: bool) -> Written:
    """Write a pipeline file for the records of `origin`: a path, `kafka://host:port/topic`, or sample events of ours.

    Blocks. Raises `UsageError` for an origin that is none and for files that exist, `UnavailableError` where the origin
    can't be read or the files can't be written.
    """
    _check_free(file, force=force)
    source, sample, made = _sample(file, origin)
    if made is not None:
        _check_free(made, force=force)
    inferred = infer(sample, Decode())
    name = PIPELINE_NAME if made else _name(source)
    text = pipeline_text(str(file), name, source, sample.name, inferred)
    if made is not None:
        _write(made, b"\n".join(_sample_lines(FAULTS)) + b"\n", force=force)
    _write(file, text.encode(), force=force)
    return Written(
        file=str(file),
        sample_file=None if made is None else str(made),
        columns=len(inferred.columns),
        records=inferred.records,
        undecodable=len(inferred.rejections),
        damage=sample.damage,
    )


def _sample(file: Path, origin: str | None) -> tuple[FileOrigin | TopicOrigin, Sample, Path | None]:
    """Where records come from, some of them, and the file to write if they are ours."""
    if not _is_text(f"{file}{origin or ''}"):
        raise UsageError("A name that is not UTF-8 can't be written into a pipeline file; rename it.")
    if origin is None:
        made = file.parent / SAMPLE_NAME
        # Without faults: a pipeline's columns are what its events should be.
        return FileOrigin(str(made)), Sample(str(made), list(_sample_lines(0))), made
    if "://" in origin:
        from penstock.init.kafka_sample import parse, read_topic  # noqa: PLC0415 - the client is imported if needed

        topic = parse(origin)
        return topic, read_topic(topic), None
    return FileOrigin(origin), read_sample(Path(origin), Decode()), None


def _is_text(name: str) -> bool:
    """Whether the bytes of a name are UTF-8; Python keeps others as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _sample_lines(faults: float) -> Iterator[bytes]:
    values = (event.value for event in events("340", SAMPLE_RECORDS, 1, malformed=faults, drifting=faults))
    return islice((value for value in values if value and b"\n" not in value), SAMPLE_RECORDS)


def _name(origin: FileOrigin | TopicOrigin) -> str:
    """The topic's name, or the file's without its suffixes."""
    if isinstance(origin, TopicOrigin):
        return origin.topic
    return Path(origin.path).name.partition(".")[0].strip() or "events"


def _check_free(file: Path, *, force: bool) -> None:
    if file.is_dir():
        raise UsageError(f"{file} is a directory; name the file to write.")
    if file.exists() and not force:
        raise UsageError(f"{file} exists. Name another file, or write over it with --force.")


def _write(file: Path, content: bytes, *, force: bool) -> None:
    try:
        with file.open("wb" if force else "xb") as opened:
            opened.write(content)
    except FileExistsError:
        raise UsageError(f"{file} exists. Name another file, or write over it with --force.") from None
    except FileNotFoundError:
        raise UsageError(f"{file}: the directory {file.parent} does not exist; create it first.") from None
    except OSError as error:
        raise UnavailableError(f"{file} can't be written: {error.strerror or error}.") from None
