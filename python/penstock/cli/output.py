"""Data goes to stdout, as text for people or as one JSON object."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

JSON_FLAGS = ("--output", "json")


def output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--output text|json`, the same on every verb."""
    return click.option(
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Form of the result on stdout.",
    )(command)


def set_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--set SECTION.KEY=VALUE`, the same on every verb that reads a pipeline file."""
    return click.option(
        "--set",
        "flags",
        multiple=True,
        metavar="SECTION.KEY=VALUE",
        help="Override a key of the file; may be repeated.",
    )(command)


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether the result was asked for as JSON, also when the rest of the command line can't be read."""
    return "--output=json" in arguments or JSON_FLAGS in pairwise(arguments)


def show(fields: Mapping[str, object], output: str) -> None:
    """Print one result: a JSON object on one line, or a short table."""
    if output == "json":
        click.echo(json.dumps(fields, default=str))
        return
    texts = {name: _text(value) for name, value in fields.items() if value is not None}
    names = max(map(len, texts), default=0)
    values = max((len(text) for name, text in texts.items() if _is_number(fields[name])), default=0)
    for name, text in texts.items():
        cell = f"{text:>{values}}" if _is_number(fields[name]) else text
        click.echo(f"{name.replace('_', ' '):<{names}}  {cell}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.1f}"
    return str(value)
