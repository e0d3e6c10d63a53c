"""Steps, and how records are fetched, as people read them. The rest of the text is seen in `tests/cli/test_explain`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from penstock.explain.explain import explain
from penstock.explain.text import text
from penstock.source.fetch_mode import Fetching
from tests.config.pipeline_text import pipeline_text, write

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.explain.explain import Explained
    from penstock.source.fetch_mode import FetchMode


def fetching(explained: Explained, mode: FetchMode, problem: str | None) -> str:
    fetching = Fetching(mode, mode != "records" and problem is None, problem)
    lines = text(replace(explained, explanation=replace(explained.explanation, fetching=fetching)))
    (line,) = (line for line in lines if "fetch_mode = " in line and "source.fetch_mode" not in line)
    return line.strip()


class Step(BaseModel):
    """A step of a pipeline."""

    type: str
    where: str | None = None
    drop: tuple[str, ...] = ()


def test_a_step_has_its_settings_what_it_reads_and_what_it_gives(tmp_path: Path) -> None:
    """Where nothing changes, nothing is repeated; long lists are on several lines."""
    explained = explain(write(tmp_path, pipeline_text({}))[0], environment={})
    decoded = explained.explanation.decoded
    assert decoded is not None
    many: list[dict[str, Any]] = [{"name": f"c_{number}", "type": "string"} for number in range(11)]
    steps = (Step(type="filter", where="a <> 'b'"), Step(type="select", drop=("event_id", "x")))
    facts: list[dict[str, Any]] = [
        {"type": "filter", "runs": "before text", "reads": ["a"], "schema": decoded},
        {"type": "select", "runs": "on columns", "reads": [], "schema": many},
    ]
    changed = replace(
        explained,
        config=explained.config.model_copy(update={"transform": steps}),
        explanation=replace(explained.explanation, steps=facts),
    )
    lines = list(text(changed))
    at = lines.index("transform: 2 steps")
    assert lines[at + 1 : at + 9] == [
        "  1. filter, before text",
        "     where  \"a <> 'b'\"",
        "     reads  a",
        "     gives  the same columns",
        "  2. select, on columns",
        '     drop   ["event_id", "x"]',
        "     gives  " + "".join(f"c_{number} string, " for number in range(8)).rstrip(),
        "            c_8 string, c_9 string, c_10 string",
    ]


def test_what_the_mode_of_fetching_comes_to(tmp_path: Path) -> None:
    """And why: the setting, or the aiokafka that is installed."""
    explained = explain(write(tmp_path, pipeline_text({}))[0], environment={})
    why = 'and the installed aiokafka does not allow batches: "x" is gone'
    allowed = "and the installed aiokafka allows it"
    expected: dict[tuple[FetchMode, str | None], str] = {
        ("auto", None): f'fetches record batches as they are: fetch_mode = "auto", {allowed}',
        ("fast", None): f'fetches record batches as they are: fetch_mode = "fast", {allowed}',
        ("auto", '"x" is gone'): f'fetches records one by one, which takes more CPU: fetch_mode = "auto", {why}',
        ("fast", '"x" is gone'): f'will not start: fetch_mode = "fast", {why}',
        ("records", None): 'fetches records one by one, which takes more CPU: fetch_mode = "records"',
    }
    for (mode, problem), line in expected.items():
        assert fetching(explained, mode, problem) == line
