"""The reference pages say what the code says, all of it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from penstock.cli.failure import CODES
from penstock.cli.main import EPILOG
from penstock.config import Column, ColumnType, Config
from penstock.config.listen import Address
from penstock.config.units import parse_size
from penstock.errors import PenstockError
from penstock.explain.settings import value_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

DOCS = Path(__file__).parents[2] / "docs"
ROWS = re.compile(r"^\| `(?P<key>\w+)` \| (?P<type>.+?) \| (?P<default>.+?) \| (?P<meaning>.+) \|$", re.MULTILINE)
DERIVED = {
    ("source", "group"): "*`pipeline.name`*",
    ("dead_letter", "path"): "*`sink.path` with `-dead`*",
    ("decode", "columns", "path"): "*the column's name*",
}
PRIVATE = {'[source] type = "memory"'}
"""Only for `penstock.testing`."""

WORDS: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "true or false",
    Path: "path",
    timedelta: "duration",
    datetime: "time",
    tuple: "list",
    dict: "table",
    Address: "address",
    ColumnType: "column type",
}


def sections() -> Iterator[tuple[str, tuple[str, ...], type[BaseModel]]]:
    """Heading, path and model of every section and kind of section."""
    yield from _inner(Config, ())


def _inner(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...], type[BaseModel]]]:
    for name, field in model.model_fields.items():
        for inner in _models(field.annotation):
            here = (*path, name)
            brackets = "[[{}]]" if get_origin(field.annotation) is tuple else "[{}]"
            kind = inner.model_fields.get("type") if inner is not Column else None
            heading = brackets.format(".".join(here)) + (f' type = "{get_args(kind.annotation)[0]}"' if kind else "")
            if heading not in PRIVATE:
                yield heading, here, inner
                yield from () if get_origin(field.annotation) is tuple else _inner(inner, here)


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def keys(path: tuple[str, ...], model: type[BaseModel]) -> dict[str, tuple[set[str], str]]:
    """Type words and default of every key that is not a section itself."""
    return {
        name: (_words(path, name, field), _default(path, name, field))
        for name, field in model.model_fields.items()
        if get_origin(field.annotation) is tuple or not _models(field.annotation) or path == ("transform",)
    }


def _words(path: tuple[str, ...], name: str, field: FieldInfo) -> set[str]:
    if (*path, name) in (("decode", "columns", "path"), ("source", "path")):
        return {"string", "list"}
    if any(getattr(part, "func", None) is parse_size for part in field.metadata):
        return {"size"}
    return set(_annotated(field.annotation))


def _annotated(annotation: Any) -> Iterator[str]:
    origin = get_origin(annotation)
    if origin is Literal:
        yield from (f'`"{choice}"`' for choice in get_args(annotation))
    elif origin in (tuple, dict) or annotation in WORDS:
        yield WORDS[origin or annotation]
    elif annotation is not type(None):
        for part in (part for part in get_args(annotation) if isinstance(part, type) or get_origin(part)):
            yield from _annotated(part)


def _default(path: tuple[str, ...], name: str, field: FieldInfo) -> str:
    if (*path, name) in DERIVED:
        return DERIVED[(*path, name)]
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return "none"
    return "none" if field.default is None else f"`{value_text(field.default, field)}`"


def documented() -> dict[str, dict[str, tuple[set[str], str]]]:
    """What the page says, by heading."""
    page = (DOCS / "pipeline-file.md").read_text(encoding="utf-8")
    found = {}
    for part in page.split("\n## `")[1:]:
        heading, _, text = part.partition("`\n")
        rows = ROWS.finditer(text)
        found[heading] = {row["key"]: (set(row["type"].split(", ")), row["default"]) for row in rows}
    return found


def test_every_section_of_the_file_is_documented() -> None:
    """None is missing, none is made up."""
    assert set(documented()) == {heading for heading, _, _ in sections()}


@pytest.mark.parametrize(("heading", "path", "model"), list(sections()), ids=[heading for heading, *_ in sections()])
def test_every_key_is_documented(heading: str, path: tuple[str, ...], model: type[BaseModel]) -> None:
    """With what it takes and its default."""
    assert documented()[heading] == keys(path, model)


def help_codes() -> dict[int, str]:
    """What the help says about exit codes."""
    return {int(code): text for code, text in re.findall(r"^  (\d+) +(.+)$", EPILOG, re.MULTILINE)}


def test_every_exit_code_is_documented_in_the_words_of_the_help() -> None:
    """One list, in three places."""
    page = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    headings = {int(code): text for code, text in re.findall(r"^## (\d+): (.+)$", page, re.MULTILINE)}
    assert headings == help_codes()
    kinds = [kind for kind in PenstockError.__subclasses__() if kind.__module__ == "penstock.errors"]
    assert set(headings) == {0, 1} | {kind.exit_code for kind in kinds}
    for code, word in CODES.items():
        section = re.search(rf"^(## {code}: .*?|\| {code} .*?)(?=^## |^\||\Z)", page, re.MULTILINE | re.DOTALL)
        assert section is not None, code
        assert f"(`{word}`)" in section[0]


def test_every_exit_code_says_what_to_do() -> None:
    """And shows a message."""
    page = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        if section[0].isdigit() and not section.startswith("0:"):
            assert all(part in section for part in ("**Happened:**", "**Safe:**", "**Do:**", "```text\n")), section[:40]
