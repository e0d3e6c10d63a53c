from __future__ import annotations

import hashlib
import json
import statistics
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, get_args

import orjson
import pytest

from penstock.demo.events import COLUMNS, Event, Profile, events
from penstock.demo.shapes import shapes
from penstock.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROFILES: tuple[Profile, ...] = get_args(Profile)
MEAN_BYTES = {"340": 340, "1k": 1024, "8k": 8000}
DIGESTS = {
    "340": "2d35ed5fd279a82598577a607b58c06f",
    "1k": "d1bffed437b9a1dd1f91580f8c8826c0",
    "8k": "1892b948ea12bc3cccaac628299fec10",
}


def _digest(stream: Iterable[Event]) -> str:
    digest = hashlib.sha256()
    for event in stream:
        for part in (event.key, event.value, event.verdict.encode(), (event.code or "").encode()):
            digest.update(b"-" if part is None else b"+%d:" % len(part) + part)
    return digest.hexdigest()[:32]


def _leaves(value: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _leaves(inner, f"{prefix}{key}.")
        else:
            yield prefix + key


def _value(event: Event) -> bytes:
    assert event.value is not None
    return event.value


@pytest.mark.parametrize("profile", PROFILES)
def test_a_seed_gives_the_same_bytes_on_every_machine(profile: Profile) -> None:
    """Benchmarks and crash tests compare runs by seed, so a change of the stream must be on purpose."""
    stream = events(profile, 2000, 11, malformed=0.02, drifting=0.02, tombstones=0.01)
    assert _digest(stream) == DIGESTS[profile]


@pytest.mark.parametrize("profile", PROFILES)
def test_another_seed_gives_other_events(profile: Profile) -> None:
    """No event of one seed is in another's stream: the ids differ."""
    assert not {_value(e) for e in events(profile, 100, 1)} & {_value(e) for e in events(profile, 100, 2)}


@pytest.mark.parametrize("profile", PROFILES)
def test_the_mean_size_is_what_the_profile_says(profile: Profile) -> None:
    """Within five per cent."""
    mean = statistics.fmean(len(_value(event)) for event in events(profile, 5000, 3))
    assert mean == pytest.approx(MEAN_BYTES[profile], rel=0.05)


def test_content_has_the_escapes_of_markdown_and_code() -> None:
    """One per 20 to 45 bytes, as in real messages: unescaping must cost here what it costs there."""
    values = [_value(event) for event in events("8k", 1000, 3)]
    assert 20 < sum(map(len, values)) / sum(value.count(b"\\") for value in values) < 45


def test_a_longer_run_begins_with_the_shorter_one() -> None:
    """A count cuts the stream and changes nothing in it."""
    assert list(islice(events("340", 2000, 5), 700)) == list(events("340", 700, 5))


def test_faults_replace_events_and_leave_the_others_alone() -> None:
    """Runs with and without faults can be compared record by record."""
    clean = list(events("340", 2000, 5))
    faulty = list(events("340", 2000, 5, malformed=0.1, drifting=0.1, tombstones=0.1))
    same = [a == b for a, b in zip(clean, faulty, strict=True)]
    plain = [event.verdict == "row" and event.code is None for event in faulty]
    assert same == plain


def test_ratios_are_kept() -> None:
    """Shares of all events, to within a few standard deviations."""
    verdicts = Counter(
        (event.verdict, event.code is not None)
        for event in events("340", 20_000, 9, malformed=0.05, drifting=0.1, tombstones=0.02)
    )
    assert verdicts["dead_letter", True] == pytest.approx(1000, rel=0.15)
    assert verdicts["row", True] == pytest.approx(2000, rel=0.1)
    assert verdicts["tombstone", False] == pytest.approx(400, rel=0.2)
    assert sum(verdicts.values()) == 20_000


@pytest.mark.parametrize("profile", PROFILES)
def test_every_row_is_an_object_and_every_dead_letter_is_not(profile: Profile) -> None:
    """Judged by another parser than the pipeline's own; only its code's name is ours."""
    codes: Counter[str] = Counter()
    for event in events(profile, 2000, 4, malformed=0.3, drifting=0.3):
        if event.verdict == "row":
            assert isinstance(orjson.loads(_value(event)), dict)
            continue
        assert event.code is not None
        codes[event.code] += 1
        try:
            accepted = isinstance(orjson.loads(_value(event)), dict)
        except orjson.JSONDecodeError:
            accepted = False
        assert not accepted, event
    assert set(codes) == {"empty_value", "not_an_object", "invalid_utf8", "lone_surrogate", "invalid_json"}


def test_each_rejection_code_names_the_first_thing_that_is_wrong() -> None:
    """Each code's rule, checked with the standard library."""
    for event in events("1k", 2000, 4, malformed=1.0):
        value = _value(event)
        match event.code:
            case "empty_value":
                assert value == b""
            case "not_an_object":
                assert not isinstance(json.loads(value), dict)
            case "invalid_utf8":
                with pytest.raises(UnicodeDecodeError):
                    value.decode()
            case "lone_surrogate":
                with pytest.raises(UnicodeEncodeError):
                    json.dumps(json.loads(value), ensure_ascii=False).encode()
            case "invalid_json":
                value.decode()
                with pytest.raises(orjson.JSONDecodeError):
                    orjson.loads(value)
            case unexpected:
                pytest.fail(f"unknown code {unexpected}")


@pytest.mark.parametrize("profile", PROFILES)
def test_the_columns_cover_every_key(profile: Profile) -> None:
    """Only a drifting event has something for the residue."""
    declared = {name if isinstance(column, str) else column["path"] for name, column in COLUMNS.items()}
    for event in events(profile, 1000, 6):
        assert declared.issuperset(_leaves(orjson.loads(_value(event))))


def test_drift_is_a_latency_of_another_type_or_an_unknown_key() -> None:
    """The reason says which."""
    declared = {name if isinstance(column, str) else column["path"] for name, column in COLUMNS.items()}
    reasons: set[str | None] = set()
    for event in events("340", 1000, 6, drifting=1.0):
        reasons.add(event.code)
        parsed = orjson.loads(_value(event))
        if event.code == "type_mismatch":
            assert isinstance(parsed["latency_ms"], bool) or not isinstance(parsed["latency_ms"], int | float)
        else:
            assert not declared.issuperset(_leaves(parsed))
    assert reasons == {"type_mismatch", "unknown_key"}


def test_a_tombstone_has_a_key_and_no_value() -> None:
    """It says: forget this session."""
    for event in events("340", 50, 6, tombstones=1.0):
        assert event.value is None
        assert event.key


def test_every_shape_occurs() -> None:
    """Producers, kinds of event and optional keys, in each profile."""
    found = {tuple(orjson.loads(_value(event))) for event in events("340", 20_000, 8)}
    assert len(found) >= len({shape.template for shape in shapes(content=False)[0]}) // 2
    spaced = sum(b'": ' in _value(event) for event in events("340", 3000, 8))
    assert 800 < spaced < 1200


def test_totals_add_up() -> None:
    """What belongs together is drawn together."""
    for event in events("340", 1000, 2):
        if usage := orjson.loads(_value(event)).get("usage"):
            assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


@pytest.mark.parametrize("ratios", [{"malformed": 1.1}, {"drifting": -0.1}, {"malformed": 0.6, "tombstones": 0.6}])
def test_impossible_ratios_are_refused(ratios: dict[str, float]) -> None:
    """They are shares of one whole."""
    with pytest.raises(UsageError, match="add up to at most 1"):
        events("340", 1, 1, **ratios)


def test_an_unknown_profile_is_refused() -> None:
    """With the ones there are."""
    with pytest.raises(UsageError, match="340, 1k, 8k"):
        events("2k", 1, 1)  # type: ignore[arg-type]
