"""The packages of a release, into `dist`: the sources, a wheel for x86_64 built from them, and one for arm64.

Both wheels are linked by zig against an old glibc, so they run on every Linux since; the native module is for all
versions of Python from 3.11 on. What their names promise is checked, and each is installed and used.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

from scripts.aarch64 import wheel as arm64
from scripts.aarch64.debian import MissingError
from scripts.aarch64.tools import COMPATIBILITY, GLIBC, ROOT, FailedError, run, set_up
from scripts.wheels.check import problems

PROFILE: Final = "release"
TARGET: Final = "x86_64-unknown-linux-gnu"
DIST: Final = ROOT / "dist"
_USE: Final = "from penstock._native import Engine, build_info; print(build_info())"


def main() -> int:
    """Build them; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.wheels", description=(__doc__ or "").partition("\n")[0])
    parser.parse_args()
    try:
        tools = set_up()
        made = _sources_and_x86_64()
        made.append(arm64.build(tools, out=DIST, profile=PROFILE))
        arm64.install(tools, made[-1])
        arm64.test(tools)
    except (MissingError, FailedError) as failure:
        print(failure, file=sys.stderr)
        return 1
    print(*(path.relative_to(ROOT) for path in made), sep="\n")
    return 0


def _sources_and_x86_64() -> list[Path]:
    binaries = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "CARGO_TARGET_DIR": str(ROOT / "target" / "wheels"),
    }
    with tempfile.TemporaryDirectory() as folder:
        command = ["maturin", "build", "--sdist", "--profile", PROFILE, "--target", TARGET, "--locked", "--zig"]
        run([*command, "--compatibility", COMPATIBILITY, "--out", folder], environment)
        (sources,), (wheel,) = Path(folder).glob("*.tar.gz"), Path(folder).glob("*.whl")
        if found := problems(wheel, "x86_64", GLIBC):
            raise FailedError("\n".join(found))
        _use(wheel, Path(folder) / "venv")
        DIST.mkdir(exist_ok=True)
        return [path.replace(DIST / path.name) for path in (sources, wheel)]


def _use(wheel: Path, folder: Path) -> None:
    """Install `wheel` where nothing else is, and import it from there."""
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel], os.environ)
    run([python, "-I", "-c", _USE], os.environ)
    run([folder / "bin/penstock", "--version"], os.environ)


if __name__ == "__main__":
    sys.exit(main())
