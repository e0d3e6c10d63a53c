"""How a mistaken value is quoted back to its writer."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 60


def show(value: object) -> str:
    """The value as TOML would write it, short; lists and tables only by kind."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else text[: LONGEST - 4] + '..."'


def did_you_mean(word: object, known: Iterable[str], form: str = '"{}"') -> str:
    """`; did you mean "x"?` or nothing."""
    close = difflib.get_close_matches(str(word).lower(), list(known), n=1)
    return f"; did you mean {form.format(close[0])}?" if close else ""
