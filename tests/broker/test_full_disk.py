"""A sink that takes nothing: on a small file system of its own."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.broker.scraping import TELEMETRY, Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.broker.daemon import Job
    from tests.broker.producing import Source
    from tests.broker.topics import Topics

_MEBIBYTE = 2**20
_TRIES = 5
"""Of a partition, within the first third of the time after which a daemon gives up."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A mounted file system of 16 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        assert not os.environ.get("CI"), mounted.stderr
        pytest.skip("Mounting a small file system needs root.")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_full_disk_is_waited_out(topics: Topics, job: Job, source: Source, small_disk: Path) -> None:
    """While the disk is full nothing is lost and memory stays bounded; when there is space again all of it arrives."""
    topic = topics.create(partitions=4)
    _use(job, small_disk)
    source.produce(topic, 100, partitions=range(4))
    job.configure(topic, pipeline={"memory_limit": "32MiB"})
    job.run_to_end()
    ballast = _fill(small_disk)
    for _ in range(5):
        source.produce(topic, 2000, partitions=range(4))
    daemon = job.start()
    daemon.wait_for(lambda: daemon.stderr.count("the disk is full") >= _TRIES * 4, "every partition tries again")
    assert daemon.running
    assert daemon.peak_memory_bytes() < (300 + 32) * _MEBIBYTE
    ballast.unlink()
    job.wait_visible(seconds=90)
    assert daemon.peak_memory_bytes() < (300 + 32) * _MEBIBYTE
    assert daemon.terminate() == 0
    job.assert_exact()


def test_disk_that_stays_full_ends_with_75(topics: Topics, job: Job, source: Source, small_disk: Path) -> None:
    """A drain that can't write gives up with 75; started again with space, the job has lost nothing."""
    topic = topics.create()
    _use(job, small_disk)
    source.produce(topic, 500)
    job.configure(topic)
    job.run_to_end()
    ballast = _fill(small_disk)
    source.produce(topic, 500)
    job.configure(topic, pipeline={"shutdown_grace": "3s"})
    daemon = job.start("--until-end")
    assert daemon.wait_exit(120) == 75
    assert str(small_disk) in daemon.stderr
    ballast.unlink()
    job.run_to_end()
    job.assert_exact()


def test_full_disk_is_not_ready(topics: Topics, job: Job, source: Source, small_disk: Path) -> None:
    """While commits fail the daemon says so, with the reason; it is ready again when they get through."""
    topic = topics.create()
    _use(job, small_disk)
    source.produce(topic, 100)
    job.configure(topic, telemetry=TELEMETRY)
    job.run_to_end()
    ballast = _fill(small_disk)
    told = Telemetry(job.start())
    told.wait_ready()
    source.produce(topic, 500)
    assert "space" in told.wait_ready(ready=False)
    assert told.health("/healthz")[0] == 200
    assert told.total("penstock_storage_errors_total") > 0
    assert told.total("penstock_uncommitted_age_seconds") > 0
    ballast.unlink()
    told.wait_ready()
    job.wait_visible()
    told.wait_total(500, "penstock_records_total", stage="commit")
    assert told.total("penstock_records_total", stage="decode") > 500


def _use(job: Job, disk: Path) -> None:
    job.table, job.dead_letters = disk / "table", disk / "dead"


def _fill(disk: Path) -> Path:
    """Leave no byte, and return what to delete."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        size = 65536
        while size:
            try:
                file.write(os.urandom(size))
            except OSError:
                size //= 2
    return ballast
