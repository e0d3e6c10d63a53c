"""Put the outputs that the blocks of docs pages have now below them: python -m tests.docs.write."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.docs.runner import Runner
from tests.docs.test_pages import PAGES


def main() -> None:
    """Rewrite the pages that are run."""
    for page, partitions in PAGES.items():
        with tempfile.TemporaryDirectory() as work, Runner(Path(work), partitions) as runner:
            page.write_text(runner.render(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
