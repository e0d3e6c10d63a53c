"""Which of the files that Cargo builds are tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.aarch64.core_tests import Binary, binaries


def message(name: str, *, test: bool, executable: str | None) -> dict[str, Any]:
    return {
        "reason": "compiler-artifact",
        "manifest_path": "/p/rust/core/Cargo.toml",
        "target": {"name": name},
        "profile": {"test": test},
        "executable": executable,
    }


def test_only_executables_of_the_test_profile_are_run() -> None:
    messages = [
        message("serde", test=False, executable=None),
        {"reason": "build-script-executed"},
        message("build-script-build", test=False, executable="/t/build"),
        message("decode_records", test=True, executable="/t/decode_records-1"),
        {"reason": "build-finished", "success": True},
    ]
    assert binaries(map(json.dumps, messages)) == [
        Binary("decode_records", Path("/t/decode_records-1"), Path("/p/rust/core"))
    ]
