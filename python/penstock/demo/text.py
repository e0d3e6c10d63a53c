"""Invented message text: the prose, markdown, code and JSON that agents write, with the escapes it costs in JSON."""

from __future__ import annotations

import json
import random
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_POOL_SIZE: Final = 600
_POOL_SEED: Final = 20260105
"""The pool is one and the same for every caller; the caller's seed decides which paragraphs are picked."""

_QUOTED: Final = 0.4
_NAMED: Final = 0.02
"""Shares of sentences with a quoted word, with a name outside ASCII."""

_WORDS: Final = tuple(
    """
    the agent order customer invoice retry queue schema file branch test result because after before which should
    request response latency budget token cache index shipment refund policy summary document section step plan tool
    call search query row column partition offset value error timeout model answer context window page draft review
    checks writes reads returns compares updates finds keeps drops merges opens closes waits reports needs explains
    """.split()  # noqa: SIM905 - words, not a wall of quotes
)
_NAMES: Final = ("José", "Zoë", "Åsa", "Łukasz", "Renée", "Jürgen", "Søren", "Chloë")
_OTHER_SCRIPTS: Final = (
    "注文の状態を確認してから返信します。在庫は三日以内に更新されます。",
    "Заказ проверен, возврат оформлен; подробности отправлены клиенту.",
    "تم التحقق من الطلب وسيصل الرد خلال يوم واحد.",
    "Done 🎉 the tests pass ✅ and the deploy 🚀 is waiting for review 👀.",
)


def _sentence(rng: random.Random) -> str:
    words = rng.choices(_WORDS, k=rng.randrange(7, 16))
    place = rng.randrange(1, len(words) - 1)
    if rng.random() < _QUOTED:
        words[place] = f'"{words[place]}"'
    elif rng.random() < _NAMED:
        words[place] = rng.choice(_NAMES)
    words[0] = words[0].capitalize()
    return " ".join(words) + "."


def _prose(rng: random.Random) -> str:
    return " ".join(_sentence(rng) for _ in range(rng.randrange(3, 6)))


def _list(rng: random.Random) -> str:
    items = (f"- **{rng.choice(_WORDS)}**: {_sentence(rng)}" for _ in range(rng.randrange(3, 6)))
    return f"## {rng.choice(_WORDS).capitalize()}\n" + "\n".join(items)


def _code(rng: random.Random) -> str:
    name, argument, key = rng.choices(_WORDS, k=3)
    lines = (
        f"def {name}_{argument}({argument}: str) -> dict[str, int]:",
        f'\t"""Count what the {key} has; a\\b is not a separator."""',
        f'\tpattern = re.compile(r"^{key}\\s*=\\s*(\\d+)$")',
        f'\tif {argument} == "" or len({argument}) > {rng.randrange(10, 9999)}:',
        f'\t\traise ValueError(f"bad {argument}: {{{argument}!r}}")',
        f'\treturn {{"{key}": int(pattern.match({argument})[1]) & 0xff}}',
    )
    return "```python\n" + "\n".join(lines[: rng.randrange(4, 7)]) + "\n```"


def _inner_json(rng: random.Random) -> str:
    choices = (rng.randrange(10_000), _sentence(rng), True, None)
    arguments = {word: rng.choice(choices) for word in rng.choices(_WORDS, k=5)}
    return json.dumps({"tool": rng.choice(_WORDS), "arguments": arguments})


def _other_script(rng: random.Random) -> str:
    return " ".join(rng.choices(_OTHER_SCRIPTS, k=rng.randrange(1, 4)))


_KINDS: Final[tuple[Callable[[random.Random], str], ...]] = (_prose, _list, _code, _inner_json, _other_script)
_WEIGHTS: Final = (54, 24, 16, 5, 1)


@cache
def paragraphs() -> tuple[str, ...]:
    """The pool: 600 paragraphs of about 270 characters each, always the same."""
    rng = random.Random(_POOL_SEED)
    return tuple(kind(rng) for kind in rng.choices(_KINDS, weights=_WEIGHTS, k=_POOL_SIZE))
