"""Apache Kafka's jars, fetched once by Maven into the checkout's cache folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
JARS = CACHE / "kafka-libs"
_POM = Path(__file__).parent / "kafka-libs" / "pom.xml"


class KafkaUnavailableError(Exception):
    """This machine can't run a broker. The message says what is missing."""


def jars() -> Path:
    """The folder of jars; blocks while another process fetches them. Raises `KafkaUnavailableError`."""
    for program, package in (("java", "a JDK, 17 or newer"), ("mvn", "Maven")):
        if shutil.which(program) is None:
            raise KafkaUnavailableError(f"Apache Kafka needs {package}: no `{program}` on PATH.")
    with one_at_a_time("kafka-libs"):
        stamp = JARS / "pom.xml"
        if not stamp.exists() or stamp.read_bytes() != _POM.read_bytes():
            _fetch()
            shutil.copyfile(_POM, stamp)
    return JARS


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """What makes something in the cache, among all processes of this checkout."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch() -> None:
    shutil.rmtree(JARS, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", os.fspath(_POM), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={JARS}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise KafkaUnavailableError(f"Maven could not fetch Apache Kafka:\n{(done.stdout + done.stderr)[-2000:]}")
