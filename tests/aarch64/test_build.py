"""Which of the files that Cargo builds are run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.aarch64.build import Binary, Built, binaries
from scripts.aarch64.tools import FailedError


def message(name: str, *, executable: str | None, test: bool = False, kind: str = "lib") -> dict[str, Any]:
    return {
        "reason": "compiler-artifact",
        "manifest_path": "/p/rust/core/Cargo.toml",
        "target": {"name": name, "kind": [kind]},
        "profile": {"test": test},
        "executable": executable,
    }


MESSAGES = [
    message("serde", executable=None),
    {"reason": "build-script-executed"},
    message("build-script-build", executable="/t/build", kind="custom-build"),
    message("decode_records", executable="/t/decode_records-1", test=True, kind="test"),
    message("kernels", executable="/t/kernels", kind="example"),
    {"reason": "build-finished", "success": True},
]


def test_tests_and_the_kernels_are_run() -> None:
    folder = Path("/p/rust/core")
    assert binaries(map(json.dumps, MESSAGES)) == Built(
        [Binary("decode_records", Path("/t/decode_records-1"), folder)], Binary("kernels", Path("/t/kernels"), folder)
    )


@pytest.mark.parametrize("missing", ["decode_records", "kernels"])
def test_build_without_them_has_failed(missing: str) -> None:
    with pytest.raises(FailedError, match="no tests, or no example `kernels`"):
        binaries(json.dumps(message) for message in MESSAGES if missing not in json.dumps(message))
