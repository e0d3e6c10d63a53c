"""The one build of the core for arm64: its tests, and the example that runs the kernels."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.aarch64.tools import PROFILE, ROOT, TARGET, FailedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scripts.aarch64.tools import Tools

KERNELS = "kernels"


@dataclass(frozen=True, slots=True)
class Binary:
    """A program that Cargo has built."""

    name: str
    path: Path
    folder: Path
    """Where Cargo would run it."""


@dataclass(frozen=True, slots=True)
class Built:
    """What there is to run."""

    tests: list[Binary]
    kernels: Binary


def build(tools: Tools) -> Built:
    """Build the whole workspace: the wheel then finds its libraries built, with the same features."""
    command = ["cargo", "test", "--no-run", "--workspace", "--locked", "--profile", PROFILE, "--target", TARGET]
    done = subprocess.run(
        [*command, "--message-format", "json-render-diagnostics"],
        env=tools.environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise FailedError("The workspace can't be built for arm64.")
    return binaries(done.stdout.splitlines())


def binaries(messages: Iterable[str]) -> Built:
    """Those that Cargo's messages name."""
    tests, kernels = list[Binary](), None
    for line in messages:
        message: dict[str, Any] = json.loads(line)
        if message["reason"] != "compiler-artifact" or not message["executable"]:
            continue
        name = message["target"]["name"]
        binary = Binary(name, Path(message["executable"]), Path(message["manifest_path"]).parent)
        if message["profile"]["test"]:
            tests.append(binary)
        elif message["target"]["kind"] == ["example"] and name == KERNELS:
            kernels = binary
    if not tests or kernels is None:
        raise FailedError(f"Cargo has built no tests, or no example `{KERNELS}`.")
    return Built(tests, kernels)
