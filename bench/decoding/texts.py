"""Texts of the harder corpora, written as JSON strings: JSON inside of JSON, and scripts other than Latin."""

from __future__ import annotations

import json
import random
from typing import Final

from bench.job import SEED

_POOL: Final = 512
_KEYS: Final = ("id", "op", "path", "ok", "line", "tags", "unit", "from", "to", "kind", "score", "ref")
_WORDS: Final = ("read", "write", "src/a.py", "main", "retry", "done", "k8s", "cache", "eu-west", "v2", "none", "job")
_ENGLISH: Final = "the order was checked and the reply is on its way; nothing else has to be done before Monday. "
_OTHER: Final = (
    "注文の状態を確認してから返信します。在庫は三日以内に更新されます。",
    "Заказ проверен, возврат оформлен; подробности отправлены клиенту. ",
    "تم التحقق من الطلب وسيصل الرد خلال يوم واحد. ",
    "Über die Rücksendung für Łódź entscheidet später André. ",
    "🎉✅🚀👀📦🧾",
)


def inner_json_texts() -> tuple[bytes, ...]:
    """Compact JSON of short keys and values, as tools are called with: nearly all of its escapes are of quotes."""
    rng = random.Random(SEED)
    return tuple(json.dumps(_compact(_arguments(rng))).encode() for _ in range(_POOL))


def _arguments(rng: random.Random) -> dict[str, object]:
    def leaf() -> object:
        return rng.choice((rng.choice(_WORDS), rng.choice(_WORDS), rng.randrange(100), rng.sample(_WORDS, 3)))

    return {
        "calls": [{key: leaf() for key in rng.sample(_KEYS, 6)} for _ in range(rng.randrange(3, 10))],
        "more": {key: leaf() for key in rng.sample(_KEYS, 4)},
    }


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def non_ascii_texts() -> tuple[bytes, ...]:
    """Sentences of many scripts and some English, unescaped."""
    rng = random.Random(SEED)
    sentences = (_ENGLISH, *_OTHER)
    weights = (11, 2, 2, 2, 2, 2)
    texts = ("".join(rng.choices(sentences, weights, k=rng.randrange(8, 24))) for _ in range(_POOL))
    return tuple(json.dumps(text, ensure_ascii=False).encode() for text in texts)
