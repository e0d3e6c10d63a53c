"""The README's pipeline file and commands do what it says, in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.docs.page import blocks
from tests.docs.runner import ROOT, Runner

if TYPE_CHECKING:
    from pathlib import Path

ENDLESS = "penstock run pipeline.toml  "
"""A daemon; here it stops at the topic's end."""

FIRST = "penstock init --from events.ndjson "
"""Here it writes another file than the one shown, which is there already."""


def test_the_commands_work_on_the_pipeline_shown(tmp_path: Path) -> None:
    """On the sample records of an example, of which it finds the columns it can."""
    shown = blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    (pipeline,) = (block.text for block in shown if block.language == "toml")
    (commands,) = (block.text for block in shown if ENDLESS in block.text)
    (tmp_path / "pipeline.toml").write_text(pipeline, encoding="utf-8")
    script = "\n".join(
        [
            "exec 2> errors.log",
            "cp examples/llm-gateway/events.ndjson .",
            "python examples/produce.py agent-events < events.ndjson",
            commands.replace(ENDLESS, f"{ENDLESS} --until-end ")
            .replace(FIRST, f"{FIRST} first.toml ")
            .replace("penstock lint", "env -u PENSTOCK__SOURCE__SESSION_TIMEOUT penstock lint"),
        ]
    )
    with Runner(tmp_path, 1) as runner:
        printed = runner.render(f"```sh\n{script}\n```\n\n```text\n```\n")
    assert '"service":"code-review"' in printed
    assert "findings       0" in printed
