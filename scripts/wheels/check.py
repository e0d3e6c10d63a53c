"""What a wheel promises by its name, held against what is in it."""

from __future__ import annotations

import re
import subprocess
import tempfile
import zipfile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_SYMBOL_VERSION: Final = re.compile(r"\bGLIBC_(\d+)\.(\d+)")
_NEEDED: Final = re.compile(r"\(NEEDED\).*\[(.+)\]")
_MACHINE: Final = re.compile(r"Machine:\s+(.+)")
_MACHINES: Final = {"x86_64": "Advanced Micro Devices X86-64", "aarch64": "AArch64"}
_SYSTEM: Final = re.compile(r"(libc|libm|libdl|librt|libpthread|libgcc_s|ld-linux.*)\.so\.\d+")
"""What every Linux of the promised glibc has."""


def problems(wheel: Path, architecture: str, glibc: tuple[int, int]) -> list[str]:
    """What is wrong with `wheel`, which is to run on `architecture` from `glibc` on, with any Python from 3.11."""
    promised = f"cp311-abi3-manylinux_{glibc[0]}_{glibc[1]}_{architecture}.whl"
    found = [] if wheel.name.endswith(f"-{promised}") else [f"{wheel.name} is not named ...-{promised}"]
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        libraries = [name for name in archive.namelist() if name.endswith(".so")]
        if libraries != ["penstock/_native.abi3.so"]:
            found.append(f"{wheel.name} has {libraries}, not one native module for all versions of Python")
        for name in libraries:
            library = archive.extract(name, folder)
            read = ["readelf", "--wide", "--file-header", "--dynamic", "--version-info", library]
            printed = subprocess.run(read, capture_output=True, text=True, check=True, env={"LC_ALL": "C"}).stdout
            found += [f"{wheel.name}: {name} {what}" for what in library_problems(printed, architecture, glibc)]
    return found


def library_problems(printed: str, architecture: str, glibc: tuple[int, int]) -> list[str]:
    """What is wrong with a library, by what readelf says of its header, its dynamic section and its versions."""
    found = []
    machine = _MACHINE.search(printed)
    if machine is None or machine[1] != _MACHINES[architecture]:
        found.append(f"is not for {architecture}")
    foreign = [name for name in _NEEDED.findall(printed) if not _SYSTEM.fullmatch(name)]
    if foreign:
        found.append(f"needs {', '.join(foreign)}")
    newest = newest_glibc(printed)
    if newest > glibc:
        found.append(f"needs glibc {newest[0]}.{newest[1]}")
    return found


def newest_glibc(printed: str) -> tuple[int, int]:
    """The newest glibc that the library's symbols are of; (0, 0) if they are of none."""
    return max(((int(major), int(minor)) for major, minor in _SYMBOL_VERSION.findall(printed)), default=(0, 0))
