"""Local storage: one winner per name, whole content, nothing left behind, errors that say what to do."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NoReturn

import pytest

from penstock.errors import InternalError, PenstockError, UnavailableError
from penstock.sink.local import LocalStorage
from penstock.sink.storage import FileLostError, OutageError, storage_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    """A new folder."""
    made = LocalStorage(tmp_path / "table")
    made.make()
    return made


def leftovers(storage: LocalStorage) -> list[str]:
    """Temporary files, anywhere in the table."""
    return [path.name for path in storage.root.rglob(".*")]


def failing(monkeypatch: pytest.MonkeyPatch, call: str, code: int) -> None:
    """Let an `os` call fail from now on."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, fail)


# ---- one winner


def test_only_the_first_creates(storage: LocalStorage) -> None:
    """What is there stays as it is."""
    assert storage.create_if_absent("_penstock/origin/a.json", b"one")
    assert not storage.create_if_absent("_penstock/origin/a.json", b"two")
    assert storage.read("_penstock/origin/a.json") == b"one"
    assert leftovers(storage) == []


def test_threads_that_create_one_name_have_one_winner(storage: LocalStorage) -> None:
    """And all of them read what it wrote."""
    barrier = threading.Barrier(8)

    def create(number: int, name: str) -> tuple[bool, bytes | None]:
        barrier.wait()
        return storage.create_if_absent(name, b"%d" % number * 1000), storage.read(name)

    with ThreadPoolExecutor(8) as threads:
        for race in range(20):
            name = f"_penstock/race-{race}/table.json"
            answers = list(threads.map(create, range(8), [name] * 8))
            winners = [number for number, (won, _) in enumerate(answers) if won]
            assert len(winners) == 1
            assert {content for _, content in answers} == {b"%d" % winners[0] * 1000}
    assert leftovers(storage) == []


RACER = """
import sys
from penstock.sink.local import LocalStorage
storage = LocalStorage(sys.argv[1])
for race in sys.stdin:
    file = storage.open_unpublished(f"race-{race.strip()}", sys.argv[2])
    file.write(sys.argv[2].encode() * 5000)
    file.sync()
    print("won" if storage.publish(file, f"race-{race.strip()}") else "lost", flush=True)
    file.discard()
"""


def test_processes_that_publish_one_name_have_one_winner(storage: LocalStorage) -> None:
    """The file is the winner's, byte for byte, and the others left nothing."""
    names = ("a", "b", "c", "d")
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(storage.root), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for name in names
    ]
    try:
        for race in range(25):
            for racer in racers:
                assert racer.stdin
                racer.stdin.write(b"%d\n" % race)
                racer.stdin.flush()
            answers = [racer.stdout.readline().strip() for racer in racers if racer.stdout]
            assert sorted(answers) == [b"lost", b"lost", b"lost", b"won"]
            assert storage.read(f"race-{race}") == names[answers.index(b"won")].encode() * 5000
    finally:
        for racer in racers:
            racer.communicate()
    assert [racer.returncode for racer in racers] == [0] * 4
    assert leftovers(storage) == []


# ---- crashes

CRASHER = """
import os, signal, sys
from penstock.sink.local import LocalStorage
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
storage = LocalStorage(sys.argv[1])
step = sys.argv[2]
file = storage.open_unpublished("data", "attempt")
if step == "opened": die()
file.write(b"x" * 100_000)
if step == "written": die()
file.sync()
if step == "synced": die()
if step == "linked": os.fsync = die
storage.publish(file, "data")
die()
"""


@pytest.mark.parametrize(
    ("step", "visible"),
    [("opened", False), ("written", False), ("synced", False), ("linked", True), ("published", True)],
)
def test_a_killed_writer_leaves_all_or_nothing(storage: LocalStorage, step: str, *, visible: bool) -> None:
    """What it left is swept, and the name is free unless the file is there whole."""
    died = subprocess.run([sys.executable, "-c", CRASHER, str(storage.root), step], check=False)
    assert died.returncode == -signal.SIGKILL
    assert storage.read("data") == (b"x" * 100_000 if visible else None)
    assert storage.remove_abandoned("da") == [".data.attempt.tmp"]
    assert leftovers(storage) == []
    assert storage.create_if_absent("data", b"next") is not visible


def test_files_of_the_living_are_not_swept(storage: LocalStorage) -> None:
    """Not those of this process either; its publication still works."""
    file = storage.open_unpublished("data", "attempt")
    file.write(b"content")
    file.sync()
    assert storage.remove_abandoned("") == []
    assert storage.publish(file, "data")
    assert storage.remove_abandoned("") == []
    file.discard()
    assert leftovers(storage) == []


def test_only_unfinished_files_of_the_prefix_are_swept(storage: LocalStorage) -> None:
    """Others' files, folders and links stay."""
    (storage.root / "a").mkdir()
    for name in (".a-1.x.tmp", ".b-1.x.tmp", ".a-hidden", "a-1.tmp"):
        (storage.root / name).touch()
    (storage.root / ".a-link.x.tmp").symlink_to(storage.root / "a-1.tmp")
    assert storage.remove_abandoned("a-") == [".a-1.x.tmp"]
    assert sorted(path.name for path in storage.root.iterdir()) == [
        ".a-hidden",
        ".a-link.x.tmp",
        ".b-1.x.tmp",
        "a",
        "a-1.tmp",
    ]


def test_a_sweep_between_creation_and_lock_costs_only_another_file(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer notices that its name is gone and makes it again."""
    real = fcntl.flock
    swept: list[str] = []

    def flock(descriptor: int, operation: int) -> None:
        if not swept and operation == fcntl.LOCK_EX:
            swept.append("once")
            swept.extend(storage.remove_abandoned(""))
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    file = storage.open_unpublished("data", "attempt")
    assert swept == ["once", ".data.attempt.tmp"]
    file.write(b"content")
    file.sync()
    assert storage.publish(file, "data")
    file.discard()
    assert storage.read("data") == b"content"


def test_without_locks_in_the_file_system_nothing_is_swept(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As nobody can tell the living from the dead there; writing works."""

    def flock(*_: object) -> NoReturn:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", flock)
    file = storage.open_unpublished("data", "attempt")
    assert storage.remove_abandoned("") == []
    file.sync()
    assert storage.publish(file, "data")


# ---- names and access


def test_names_are_sorted_files_of_one_folder(storage: LocalStorage) -> None:
    """Links to files count, folders and broken links do not."""
    for name in ("b-2", "b-1", "c"):
        storage.create_if_absent(name, b"")
    storage.create_if_absent("sub/b-3", b"")
    (storage.root / "b-link").symlink_to(storage.root / "c")
    (storage.root / "b-broken").symlink_to(storage.root / "nothing")
    assert storage.names("b-") == ["b-1", "b-2", "b-link"]
    assert storage.names("sub/") == ["sub/b-3"]
    assert storage.names("absent/") == []


def test_a_listing_is_made_durable_before_it_is_trusted(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever linked the newest file may have died before its fsync."""
    failing(monkeypatch, "fsync", errno.EIO)
    with pytest.raises(OutageError, match="I/O error"):
        storage.names("")


def test_folders_are_only_for_their_owner(tmp_path: Path) -> None:
    """Missing parents too: tables hold what users said."""
    storage = LocalStorage(tmp_path / "a" / "b")
    storage.make()
    storage.create_if_absent("_penstock/origin/x.json", b"")
    for folder in ("a", "a/b", "a/b/_penstock", "a/b/_penstock/origin"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700
    assert stat.S_IMODE((storage.root / "_penstock/origin/x.json").stat().st_mode) == 0o600


def test_a_link_to_a_folder_is_followed_once(tmp_path: Path) -> None:
    """The table stays where it was when it was opened."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "link").symlink_to("one")
    storage = LocalStorage(tmp_path / "link")
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("two")
    storage.create_if_absent("x", b"")
    assert (tmp_path / "one" / "x").exists()


def test_a_link_inside_the_table_leads_nowhere(storage: LocalStorage, tmp_path: Path) -> None:
    """Nothing is written outside of the table's folder."""
    (tmp_path / "elsewhere").mkdir()
    (storage.root / "_penstock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnavailableError, match=r"_penstock/table.json: .*Replace it|not a folder"):
        storage.create_if_absent("_penstock/table.json", b"")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "broken link"])
def test_what_is_in_the_way_of_a_name_is_told(storage: LocalStorage, kind: str) -> None:
    """It is no other worker's commit, however often one tries."""
    if kind == "folder":
        (storage.root / "data").mkdir()
    else:
        (storage.root / "data").symlink_to("nothing")
    with pytest.raises(UnavailableError, match=r"table/data is in the way"):
        storage.create_if_absent("data", b"")


def test_a_replaced_folder_is_not_written_to(storage: LocalStorage) -> None:
    """A volume that was unmounted under a running pipeline leaves an empty folder: that is not the table."""
    storage.create_if_absent("a", b"")
    storage.root.rename(storage.root.with_name("moved"))
    storage.root.mkdir()
    for call in (lambda: storage.create_if_absent("b", b""), lambda: storage.names(""), lambda: storage.read("a")):
        with pytest.raises(UnavailableError, match="not the folder it was"):
            call()
    assert list(storage.root.iterdir()) == []


def test_a_removed_folder_is_not_an_empty_table(storage: LocalStorage) -> None:
    """Neither to readers nor to writers."""
    storage.root.rmdir()
    for call in (lambda: storage.names(""), lambda: storage.read("a"), lambda: storage.names("_penstock/origin/")):
        with pytest.raises(UnavailableError, match="Was the folder moved"):
            call()


def test_places_that_are_no_folder_are_refused(tmp_path: Path) -> None:
    """With the path, and code 69."""
    (tmp_path / "file").touch()
    cases: list[tuple[Callable[[], None], str]] = [
        (LocalStorage(tmp_path / "file").make, "file is not a folder"),
        (LocalStorage(tmp_path / "file" / "sub").make, "a part of the path is not a folder"),
        (LocalStorage(tmp_path / "absent").check, "absent does not exist"),
        (LocalStorage(tmp_path / ("x" * 300)).make, "name is too long"),
    ]
    for call, words in cases:
        with pytest.raises(UnavailableError, match=words) as raised:
            call()
        assert raised.value.exit_code == 69


def test_an_unwritable_folder_is_refused(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is read from Kafka."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UnavailableError, match="is not writable"):
        storage.make()


# ---- errors


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (errno.ENOSPC, OutageError, "the disk is full. Free some space"),
        (errno.EDQUOT, OutageError, "quota"),
        (errno.EIO, OutageError, "I/O error"),
        (errno.EMFILE, OutageError, "ulimit -n"),
        (errno.EROFS, UnavailableError, "read-only"),
        (errno.EACCES, UnavailableError, "permission denied"),
        (errno.EPERM, UnavailableError, "hard links"),
        (errno.EFBIG, UnavailableError, r"ulimit -f.*sink.cut.bytes"),
        (errno.EXDEV, UnavailableError, "[Cc]ross-device"),
    ],
)
def test_errors_say_what_to_do(code: int, kind: type[PenstockError], words: str) -> None:
    """Those that may pass are told from those that need a human."""
    error = storage_error("/data/events", OSError(code, os.strerror(code)))
    assert type(error) is kind
    assert error.exit_code == {OutageError: 75, UnavailableError: 69}[kind]
    with pytest.raises(kind, match=rf"^/data/events: .*{words}"):
        raise error


def test_a_failed_write_loses_the_file(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The space is free again at once."""
    file = storage.open_unpublished("data", "attempt")
    file.write(b"part")
    with monkeypatch.context() as patch:
        failing(patch, "write", errno.ENOSPC)
        with pytest.raises(OutageError, match=r"\.data\.attempt\.tmp: the disk is full"):
            file.write(b"more")
    assert leftovers(storage) == []
    with pytest.raises(FileLostError):
        file.write(b"more")


def test_a_failed_fsync_is_never_repeated(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel forgets the pages it could not write; a second call would succeed."""
    file = storage.open_unpublished("data", "attempt")
    file.write(b"part")
    with monkeypatch.context() as patch:
        failing(patch, "fsync", errno.EIO)
        with pytest.raises(OutageError, match="I/O error"):
            file.sync()
    with pytest.raises(FileLostError):
        file.sync()
    with pytest.raises(InternalError, match="before it was synced"):
        storage.publish(file, "data")
    assert storage.names("") == []


def test_a_short_write_is_continued(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk that is nearly full."""
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
        storage.create_if_absent("data", bytes(range(256)))
    assert storage.read("data") == bytes(range(256))


def test_a_publication_that_fails_can_be_repeated(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file lives until it is discarded."""
    file = storage.open_unpublished("data", "attempt")
    file.sync()
    with monkeypatch.context() as patch:
        failing(patch, "link", errno.ENOSPC)
        with pytest.raises(OutageError):
            storage.publish(file, "data")
    assert storage.names("data") == []
    assert storage.publish(file, "data")


def test_a_publication_without_an_answer_may_have_happened(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link is made, the folder's fsync fails: looking tells, and then the name is taken."""
    file = storage.open_unpublished("data", "attempt")
    file.sync()
    with monkeypatch.context() as patch:
        failing(patch, "fsync", errno.EIO)
        with pytest.raises(OutageError):
            storage.publish(file, "data")
    assert storage.names("data") == ["data"]
    assert not storage.publish(file, "data")


def test_a_file_that_somebody_removed_is_lost(storage: LocalStorage) -> None:
    """Publishing it again is of no use."""
    file = storage.open_unpublished("data", "attempt")
    file.sync()
    (storage.root / ".data.attempt.tmp").unlink()
    with pytest.raises(FileLostError, match="somebody removed"):
        storage.publish(file, "data")


def test_discard_after_publish_keeps_the_file(storage: LocalStorage) -> None:
    """Only the unpublished name goes, also twice."""
    file = storage.open_unpublished("data", "attempt")
    file.write(memoryview(b"content"))
    file.sync()
    assert storage.publish(file, "data")
    file.discard()
    file.discard()
    assert storage.read("data") == b"content"
    assert leftovers(storage) == []


def test_files_larger_than_allowed_say_so(storage: LocalStorage) -> None:
    """`ulimit -f` is met by write, not by a signal."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    file = storage.open_unpublished("data", "attempt")
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(UnavailableError, match="ulimit -f"):
            file.write(b"x" * 20_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert leftovers(storage) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        if os.environ.get("CI"):
            pytest.fail("The full-disk tests need the right to mount a tmpfs.")
        pytest.skip("Mounting a tmpfs needs root.")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_loses_nothing_but_the_file(small_disk: Path) -> None:
    """It may be written again once there is space."""
    storage = LocalStorage(small_disk / "table")
    storage.make()
    (small_disk / "ballast").write_bytes(b"x" * 600_000)
    file = storage.open_unpublished("data", "one")
    with pytest.raises(OutageError, match="the disk is full"):
        file.write(b"x" * 800_000)
    assert leftovers(storage) == []
    (small_disk / "ballast").unlink()
    assert storage.create_if_absent("data", b"x" * 800_000)


def test_a_read_only_file_system_needs_a_human(small_disk: Path) -> None:
    """Before the start as well as in the middle."""
    storage = LocalStorage(small_disk / "table")
    storage.make()
    file = storage.open_unpublished("data", "one")
    file.sync()
    file.discard()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for call in (storage.make, lambda: storage.create_if_absent("data", b"")):
        with pytest.raises(UnavailableError, match=r"read-only|not writable"):
            call()
