"""The values events are filled from, encoded: who runs, which model, how long it took. Always the same pools."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from typing import Final

from penstock.demo.shapes import PRODUCERS
from penstock.demo.text import paragraphs

_POOL_SEED: Final = 20260106
_SESSIONS: Final = 10_000
_CALLS: Final = 4_096

_SERVICES: Final = ("checkout-agent", "support-triage", "code-review", "research", "data-steward", "scheduler")
_GIVEN: Final = (
    "ada",
    "amal",
    "bruno",
    "chen",
    "dana",
    "elif",
    "farid",
    "greta",
    "hana",
    "ivo",
    "june",
    "kofi",
    "lena",
)
_FAMILY: Final = ("adler", "brandt", "castro", "dubois", "eriksen", "fischer", "garcia", "haddad", "ito", "jansen")
_MODELS: Final = ("sonata-4-large", "sonata-4-mini", "cantata-2", "etude-7b-instruct", "fugue-embed-3")
_MODEL_WEIGHTS: Final = (40, 30, 15, 10, 5)
_LEVELS: Final = (b"info", b"info", b"info", b"info", b"info", b"info", b"debug", b"debug", b"notice", b"warn")
_TOOLS: Final = (b"search", b"read_file", b"write_file", b"run_tests", b"sql_query", b"http_get", b"send_email")
_OUTCOMES: Final = (
    (b"timeout", b"No answer within 30 s."),
    (b"rate_limited", b"Too many requests: retry in 2 s."),
    (b"overloaded", b"The model is at capacity."),
    (b"invalid_arguments", b'Argument \\"path\\" is missing.'),
)


@dataclass(frozen=True, slots=True)
class Pools:
    """What belongs together is one tuple."""

    sessions: tuple[tuple[bytes, bytes, bytes, bytes], ...]
    """service, agent id, session id, user e-mail."""
    calls: tuple[tuple[bytes, bytes, bytes, bytes], ...]
    """model, input tokens, output tokens, total tokens."""
    latencies: tuple[bytes, ...]
    """Milliseconds."""
    export_delays: tuple[int, ...]
    """Milliseconds between an event's time and its arrival."""
    levels: tuple[bytes, ...]
    tools: tuple[bytes, ...]
    outcomes: tuple[tuple[bytes, bytes], ...]
    """status, error text, of an event that failed."""
    texts: tuple[tuple[bytes, ...], ...]
    """Per producer the paragraphs, as it writes them inside a string."""


def _session(rng: random.Random) -> tuple[bytes, bytes, bytes, bytes]:
    service = rng.choice(_SERVICES)
    email = f"{rng.choice(_GIVEN)}.{rng.choice(_FAMILY)}{rng.randrange(100)}@example.com"
    return service.encode(), b"agent-%05d" % rng.randrange(2_000), rng.randbytes(8).hex().encode(), email.encode()


def _call(rng: random.Random) -> tuple[bytes, bytes, bytes, bytes]:
    model = rng.choices(_MODELS, _MODEL_WEIGHTS)[0]
    prompt, answer = int(rng.lognormvariate(7.2, 1.1)) + 12, int(rng.lognormvariate(5.2, 0.9)) + 1
    return model.encode(), b"%d" % prompt, b"%d" % answer, b"%d" % (prompt + answer)


@cache
def pools() -> Pools:
    """Make them once."""
    rng = random.Random(_POOL_SEED)
    return Pools(
        sessions=tuple(_session(rng) for _ in range(_SESSIONS)),
        calls=tuple(_call(rng) for _ in range(_CALLS)),
        latencies=tuple(b"%.1f" % rng.lognormvariate(6.6, 0.9) for _ in range(_CALLS)),
        export_delays=tuple(int(rng.uniform(0, 5_000)) for _ in range(_CALLS)),
        levels=_LEVELS,
        tools=_TOOLS,
        outcomes=_OUTCOMES,
        texts=tuple(tuple(producer.dumps(text)[1:-1] for text in paragraphs()) for producer in PRODUCERS),
    )
