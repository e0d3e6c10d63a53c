"""`kill -9` of jobs over files: after a restart the table has every record once (fault matrix 1 to 7, 10 and 30)."""

from __future__ import annotations

import random
import signal
from typing import TYPE_CHECKING

import pytest

from penstock.failpoint import NAMES
from tests.broker.records import CHANGED_COLUMNS, CHANGED_DECODE
from tests.broker.source_log import data_files
from tests.source.files import FileJob, large, troubled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SMALL = {"rows": 100, "age": "300ms"}
_STEPS = NAMES[:7]


@pytest.fixture
def file_job(tmp_path: Path) -> Iterator[FileJob]:
    """Twelve small files and a large one, of several blocks and so of several commits; some are compressed."""
    job = FileJob(tmp_path)
    for number in range(12):
        job.write(f"{number:02}.ndjson{'.gz' if number % 3 == 0 else ''}", troubled(120, number))
    job.write("large.ndjson", large(4500, 12))
    yield job
    job.close()
    print(job.report())  # noqa: T201 (pytest shows it when the test fails)


@pytest.mark.parametrize(("name", "passes"), [(name, passes) for name in _STEPS for passes in (1, 4)])
def test_crash_at_a_step_loses_nothing(file_job: FileJob, name: str, passes: int) -> None:
    """Killed at the first pass and at a later one, in the middle of files."""
    file_job.reads(sink={"cut": _SMALL})
    assert file_job.start(failpoint=f"{name}:{passes}").wait_exit() == -signal.SIGKILL
    file_job.run_to_end()
    file_job.assert_exact()


@pytest.mark.parametrize("name", _STEPS)
def test_crash_then_growth_and_other_verdicts(file_job: FileJob, name: str) -> None:
    """The pipeline changes after the crash, so that rows become dead letters, and a file grew and was renamed."""
    columns = CHANGED_COLUMNS | {"level": "string"}
    file_job.reads(sink={"cut": _SMALL})
    assert file_job.start(failpoint=f"{name}:3").wait_exit() == -signal.SIGKILL
    file_job.write("01.ndjson", troubled(30, 99), append=True)
    (file_job.files / "02.ndjson").rename(file_job.files / "zz.ndjson")
    file_job.reads(sink={"cut": _SMALL}, decode=CHANGED_DECODE | {"max_bytes": 1700, "columns": columns})
    file_job.run_to_end()
    renamed = str(file_job.files / "02.ndjson")
    found = file_job.compare(changed=True)
    # Of a file that the table had not seen at all, the first name is the new one.
    strange = [position for position in found.unexpected if position.topic == str(file_job.files / "zz.ndjson")]
    assert len(strange) in (0, 120)
    lost = [position for position in found.lost if position.topic == renamed]
    assert len(lost) == sum(position.topic == renamed for position in file_job.log.entries) * bool(strange)
    assert (found.lost, found.unexpected) == (lost, strange)
    assert (found.duplicated, found.wrong_value) == ([], [])


@pytest.mark.timeout(300)
def test_random_kills_lose_nothing(file_job: FileJob) -> None:
    """Lives that end at a random step or after a random number of commits, until the job is done."""
    chance = random.Random(7)
    for number in range(20, 50):
        file_job.write(f"{number}.ndjson", troubled(200, number))
    file_job.reads(sink={"cut": _SMALL})
    killed = 0
    while not file_job.complete():
        step = chance.choice(["", *_STEPS])
        wanted = len(data_files(file_job.table)) + chance.randrange(1, 4)
        daemon = file_job.start(failpoint=f"{step}:{chance.randrange(1, 5)}" if step else "")
        daemon.wait_for_exit_or(lambda goal=wanted: len(data_files(file_job.table)) >= goal)  # type: ignore[misc]
        daemon.kill()
        killed += daemon.process.returncode == -signal.SIGKILL
    assert killed >= 3
    file_job.run_to_end()
    file_job.assert_exact()


@pytest.mark.parametrize("name", ["", *_STEPS])
def test_two_processes_of_one_job(file_job: FileJob, name: str) -> None:
    """Both read every file: each range has one winner, also when one crashes at a step."""
    pipeline = file_job.reads(sink={"cut": _SMALL})
    first = file_job.start(pipeline=pipeline, failpoint=f"{name}:2" if name else "")
    second = file_job.start(pipeline=pipeline)
    assert second.wait_exit() == 0
    first.wait_exit()
    file_job.run_to_end()
    file_job.assert_exact()
