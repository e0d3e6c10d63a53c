"""`[source]` of type file: newline-delimited JSON in files, or on standard input."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from penstock.config.section import Section, path_mistake
from penstock.config.show import show

STDIN = "-"


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _pattern(value: str) -> str:
    if mistake := path_mistake(value):
        raise ValueError(mistake)
    return value


def _stdin_alone(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise ValueError("empty list; name at least one file")
    if STDIN in values and len(values) > 1:
        raise ValueError(f"{show(STDIN)} is standard input; it can't be read together with files")
    return values


class FileSource(Section):
    """What to read: paths and glob patterns (`**` for any depth; `.gz` and `.zst` are decompressed), or `-`."""

    type: Literal["file"] = "file"
    path: Annotated[
        tuple[Annotated[str, AfterValidator(_pattern)], ...],
        Field(strict=False),
        BeforeValidator(_as_list),
        AfterValidator(_stdin_alone),
    ]

    start: ClassVar[Literal["earliest"]] = "earliest"
    on_gap: ClassVar[Literal["fail"]] = "fail"

    @property
    def stdin(self) -> bool:
        """Whether it is standard input."""
        return self.path == (STDIN,)
