"""One mistake, and the words pydantic's findings are put in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel

from penstock.config.model import Config
from penstock.config.show import did_you_mean, show
from penstock.config.source import KINDS
from penstock.config.transform import STEPS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

KeyPath = tuple[str | int, ...]

SECRETS: KeyPath = ("source", "sasl")
COLUMNS: KeyPath = ("decode", "columns")
TRANSFORM = "transform"
WANTED = {
    "string_type": "a string; write it in quotes",
    "bool_type": "true or false",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "tuple_type": 'a list; write ["..."]',
}
BOUNDS = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake at a key. The message names the value and what to write; `origin` is its layer if not the file."""

    path: KeyPath
    message: str
    origin: str | None = None


def dotted(path: KeyPath) -> str:
    """`decode.columns."a.b".type`: segments joined by dots, those with a dot in quotes."""
    return ".".join(f'"{part}"' if "." in str(part) else str(part) for part in path)


def from_pydantic(details: ErrorDetails) -> Problem:
    """The same finding in our words. Values below `source.sasl` are never quoted."""
    where: KeyPath = details["loc"]
    path = written(where)
    context = details.get("ctx", {})
    match details["type"]:
        case "union_tag_not_found":
            message = f"type is missing; write {_one_of(STEPS)}"
        case "union_tag_invalid":
            kinds = STEPS if path[:1] == (TRANSFORM,) else [kind for kind in KINDS if kind != "memory"]
            kind = details["input"].get("type")
            message = f"{show(kind)} is not {_one_of(kinds)}{did_you_mean(kind, kinds)}"
            path = (*path, "type")
        case "missing":
            message = _missing(where)
        case "extra_forbidden":
            message = _unknown(where)
        case "value_error":
            message = str(context["error"])
        case kind:
            value = "the value" if path[:2] == SECRETS else show(details["input"])
            message = f"{value} {_mismatch(kind, path, context)}"
            if kind == "literal_error" and path[:2] != SECRETS:
                message += did_you_mean(details["input"], choices(where))
    return Problem(path, message)


def _one_of(names: Iterable[str]) -> str:
    *most, last = (f'"{name}"' for name in names)
    return f"{', '.join(most)} or {last}"


def _mismatch(kind: str, path: KeyPath, context: dict[str, Any]) -> str:
    """Why a value does not fit, after the value."""
    if kind == "literal_error":
        return f"is not {context['expected']}".replace("'", '"')
    if kind in BOUNDS:
        limit, words = BOUNDS[kind]
        return f"is out of range; it must be {words} {context[limit]}"
    if kind == "tuple_type" and path == (TRANSFORM,):
        return "is not a list of steps; write [[transform]] and its keys below it"
    if kind in WANTED:
        return f"is not {WANTED[kind]}"
    if path[:1] == (TRANSFORM,):
        steps = len(path) < 3  # noqa: PLR2004 - name, number
        return "is not a step; write [[transform]] and its keys below it" if steps else "is not a table; write { ... }"
    return f"is not a section; write [{dotted(path)}] and its keys below it"


def written(path: KeyPath) -> KeyPath:
    """The path in the file: pydantic puts the kind behind `source` and behind a step's number."""
    if _in_step(path):
        return (*path[:2], *path[3:])
    return ("source", *path[2:]) if path[:1] == ("source",) and path[1:2] and path[1] in KINDS else path


def _in_step(path: KeyPath) -> bool:
    return len(path) > 2 and path[0] == TRANSFORM and path[2] in STEPS  # noqa: PLR2004 - name, number, type


def model_at(path: KeyPath) -> type[BaseModel] | None:
    """The section's model at one of pydantic's paths, if a section is there."""
    model: type[BaseModel] = Config
    if path[:1] == ("source",) and written(path) != path:
        model, path = KINDS[str(path[1])], path[2:]
    elif _in_step(path):
        model, path = STEPS[str(path[2])], path[3:]
    for depth, part in enumerate(path):
        if isinstance(part, int):
            continue
        field = model.model_fields.get(str(part))
        if path[:depth] == COLUMNS:
            continue
        inner = _model_in(field.annotation) if field else None
        if inner is None:
            return None
        model = inner
    return None if path == COLUMNS else model


def choices(path: KeyPath) -> list[str]:
    """The strings a key takes, if it takes only some."""
    model = model_at(path[:-1])
    field = model.model_fields.get(str(path[-1])) if model else None
    annotation = field.annotation if field else None
    return [str(choice) for choice in get_args(annotation)] if get_origin(annotation) is Literal else []


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The model an annotation is, may be or holds: `Cut`, `Tls | None`, `dict[str, Column]`."""
    kinds = (annotation, *get_args(annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _missing(path: KeyPath) -> str:
    model = model_at(path)
    if model is None:
        return "required key is missing"
    path = written(path)
    needed = [name for name, field in model.model_fields.items() if field.is_required()]
    return f"section [{dotted(path)}] is missing; it needs {' and '.join(needed)}"


def _unknown(path: KeyPath) -> str:
    model, name = model_at(path[:-1]), path[-1]
    keys = list(model.model_fields) if model else []
    if len(path) == 1:
        return f"unknown section{did_you_mean(name, keys, '[{}]') or ';'} Sections: {', '.join(keys)}"
    section = dotted(written(path)[:-1])
    return f"unknown key{did_you_mean(name, keys) or ';'} Keys of [{section}]: {', '.join(keys)}"
