"""Packages of Debian, unpacked into a folder: nothing is installed, nobody has to be root.

`apt-get` is given lists and a cache of its own below that folder, the machine's sources and keys. Only what a package
needs and the machine has not is downloaded; for another release or another processor everything is, down to the libc.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KEYS: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
_NEEDED: Final = ("apt-get", "dpkg-deb")
_INSTALLED: Final = re.compile(r"^Inst (\S+)", re.MULTILINE)


class MissingError(Exception):
    """What this machine lacks, for the person at it."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where packages come from."""

    name: str
    """Also of the folder of its lists."""
    architectures: tuple[str, ...]
    """The first one is what a package is for that says nothing else."""
    release: str | None = None
    """A release of Debian, whole; None: the machine's own sources, and what it has installed counts as there."""


MACHINE: Final = Source("machine", ("amd64", "arm64"))


def unpack(source: Source, packages: Sequence[str], folder: Path, *, work: Path) -> None:
    """Unpack `packages` of `source` and what they need into `folder`, unless that is what it holds already.

    `work` is for apt's lists. A package may be `name`, `name:architecture`, or `=name` for one without what it needs.
    """
    stamp = folder / ".packages"
    wanted = "\n".join([source.release or "", *source.architectures, *packages])
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    for program in _NEEDED:
        if shutil.which(program) is None:
            raise MissingError(f"There is no {program} here: this works on Debian 12 and what is made of it.")
    shutil.rmtree(folder, ignore_errors=True)
    apt = _Apt(source, work / source.name)
    apt("update")
    closure = [name for name in packages if not name.startswith("=")]
    needed = _INSTALLED.findall(apt("install", "--simulate", *closure)) if closure else []
    archives = work / source.name / "archives"
    shutil.rmtree(archives, ignore_errors=True)
    archives.mkdir()
    apt("download", *needed, *(name[1:] for name in packages if name.startswith("=")), cwd=archives)
    for archive in sorted(archives.iterdir()):
        subprocess.run(["dpkg-deb", "--extract", archive, folder], check=True)
    shutil.rmtree(archives)
    stamp.write_text(wanted)


class _Apt:
    """`apt-get` with a configuration of its own. Raises `MissingError` with apt's words when it fails."""

    def __init__(self, source: Source, folder: Path) -> None:
        for part in ("lists/partial", "cache/archives/partial", "sources.d"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        settings = {
            "APT::Architecture": source.architectures[0],
            "APT::Architectures": ",".join(source.architectures),
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "APT::Get::Assume-Yes": "true",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Acquire::IndexTargets::deb::CNF::DefaultEnabled": "false",
            "Dir::State::lists": folder / "lists",
            "Dir::Cache": folder / "cache",
            "Debug::NoLocking": "true",
        }
        if source.release is not None:
            (folder / "sources.list").write_text(
                f"deb [signed-by={KEYS}] {_mirror(folder.parent)} {source.release} main\n"
            )
            (folder / "status").touch()
            settings |= {
                "Dir::Etc::sourcelist": folder / "sources.list",
                "Dir::Etc::sourceparts": folder / "sources.d",
                "Dir::Etc::preferencesparts": folder / "sources.d",
                "Dir::State::status": folder / "status",
            }
        file = folder / "apt.conf"
        file.write_text("".join(f'{name} "{value}";\n' for name, value in settings.items()))
        self._environment = {**os.environ, "APT_CONFIG": str(file), "LC_ALL": "C"}

    def __call__(self, *arguments: str, cwd: Path | None = None) -> str:
        command = ["apt-get", "--quiet", *arguments]
        done = subprocess.run(command, env=self._environment, cwd=cwd, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MissingError(
                f"`{' '.join(command)}` failed:\n{done.stderr.strip()}\n"
                "What is needed is in Debian 12 with its security updates, and read through the machine's own apt."
            )
        return done.stdout


def _mirror(work: Path) -> str:
    """Where the machine has its own release from."""
    apt = _Apt(MACHINE, work / MACHINE.name)
    apt("update")
    listed = apt("indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(SITE)", "Created-By: Packages")
    for line in listed.splitlines():
        origin, label, site = line.split("|")
        if (origin, label) == ("Debian", "Debian"):
            return site
    raise MissingError("apt has no archive of Debian among its sources: this works on Debian 12.")
