"""Sizes, durations and instants as people write them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator

from penstock.config.show import show

SIZE_UNITS = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
DURATION_UNITS = {"h": "hours", "m": "minutes", "s": "seconds", "ms": "milliseconds"}

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([A-Za-z]+)", re.ASCII)
_DURATION = re.compile(r"(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m(?!s))?(?:(?P<s>\d+(?:\.\d+)?)s)?(?:(?P<ms>\d+)ms)?", re.ASCII)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_LARGEST_SIZE = 2**60
_LONGEST_HOURS = 24 * 366

Start = Literal["earliest", "latest", "group"] | datetime


def parse_size(value: object) -> int:
    """Bytes, at least one. `"128MiB"`, `"1.5GB"`, or an integer number of bytes."""
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())) and match[2] in SIZE_UNITS:
        size = round(float(match[1]) * SIZE_UNITS[match[2]])
    else:
        raise ValueError(f'{show(value)} is not a size; write it like "128MiB"')
    if not 0 < size <= _LARGEST_SIZE:
        raise ValueError(f'{show(value)} is out of range for a size; write it like "128MiB"')
    return size


def parse_duration(value: object) -> timedelta:
    """More than zero, at most a year: `"500ms"`, `"30s"`, `"5m"`, `"1h30m"`. A bare number has no unit: refused."""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or not match[0]:
        raise ValueError(f'{show(value)} is not a duration; write it like "30s", "5m" or "1h30m"')
    parts = {DURATION_UNITS[unit]: float(number) for unit, number in match.groupdict().items() if number}
    hours = parts.get("hours", 0) + parts.get("minutes", 0) / 60 + parts.get("seconds", 0) / 3600
    if hours > _LONGEST_HOURS or not any(parts.values()):
        raise ValueError(f"{show(value)} is out of range for a duration: more than zero, at most a year")
    return timedelta(**parts)


def parse_start(value: object) -> Start:
    """Where a new table begins: a policy, or an instant with its UTC offset."""
    match value:
        case "earliest" | "latest" | "group":
            return value
        case str() if _RFC_3339.fullmatch(value):
            try:
                return datetime.fromisoformat(value.upper())
            except ValueError as error:
                raise ValueError(f"{show(value)} is not a time: {error}") from None
    raise ValueError(
        f'{show(value)} is not a start; write "earliest", "latest", "group" or a time like "2026-01-31T00:00:00Z"'
    )


def size_text(size: int) -> str:
    """As a file would say it, in the largest binary unit that keeps it whole: `128MiB`, `1500B`."""
    units = (unit for unit in ("TiB", "GiB", "MiB", "KiB") if size % SIZE_UNITS[unit] == 0)
    unit = next(units, "B")
    return f"{size // SIZE_UNITS[unit]}{unit}"


def duration_text(duration: timedelta) -> str:
    """As a file would say it: `1h30m`, `45s`, `1s500ms`."""
    rest = duration // timedelta(milliseconds=1)
    parts = []
    for unit, milliseconds in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, milliseconds)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


Size = Annotated[int, BeforeValidator(parse_size)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
StartAt = Annotated[Start, BeforeValidator(parse_start)]
