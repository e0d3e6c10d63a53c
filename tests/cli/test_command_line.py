"""The command line as its users meet it: help, results, failures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
import pytest

import penstock.daemon.run
from penstock.cli.main import cli, invoke
from penstock.errors import DeadLetterLimitError, PenstockError, PositionError, UnavailableError
from tests.cli.program import modules_of
from tests.cli.program import penstock as program

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.config import Config
    from penstock.daemon.run import RunOptions

VERBS = ["init", "lint", "explain", "run", "verify", "demo"]
PIPELINE = """
[pipeline]
name = "a"
[source]
brokers = ["localhost:1"]
topics = ["a"]
[decode.columns]
a = "string"
[sink]
path = "events"
"""


@dataclass(frozen=True, slots=True)
class Call:
    """What the daemon was asked to do."""

    config: Config
    options: RunOptions


@pytest.fixture
def pipeline(tmp_path: Path) -> str:
    path = tmp_path / "pipeline.toml"
    path.write_text(PIPELINE, encoding="utf-8")
    return str(path)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """The daemon replaced by one that has nothing to do."""
    made: list[Call] = []

    def run(config: Config, options: RunOptions) -> penstock.daemon.run.RunResult:
        made.append(Call(config, options))
        return penstock.daemon.run.RunResult(1200, 1190, 7, 0, 3, 2, 400_000, 90_000, 1.5)

    monkeypatch.setattr(penstock.daemon.run, "run", run)
    return made


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """A daemon that ends with the given failure."""

    def fail_with(error: BaseException) -> None:
        def run(_config: object, _options: object) -> NoReturn:
            raise error

        monkeypatch.setattr(penstock.daemon.run, "run", run)

    return fail_with


def test_help_lists_the_verbs_of_this_version(capsys: pytest.CaptureFixture[str]) -> None:
    """No verb that does not exist yet."""
    assert invoke(["--help"]) == 0
    out, err = capsys.readouterr()
    assert cli.list_commands(click.Context(cli)) == VERBS
    assert all(f"  {verb} " in out for verb in VERBS)
    assert "78  wrong configuration" in out
    assert err == ""


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_has_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Something to copy."""
    assert invoke([verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"Examples:\n    penstock {verb}" in out
    assert "--output [text|json]" in out


def test_version_says_what_was_built(capsys: pytest.CaptureFixture[str]) -> None:
    """Enough for a report."""
    assert invoke(["--version"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("penstock ")
    assert "arrow " in out


def test_help_imports_nothing_heavy() -> None:
    """It must answer at once."""
    heavy = ("pyarrow", "aiokafka", "rich", "pydantic", "asyncio", "confluent_kafka", "penstock._native")
    script = (
        "import sys\nfrom penstock.cli.main import invoke\ninvoke(['run', '--help'])\n"
        f"print(sorted(set({heavy!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_run_imports_what_it_needs(tmp_path: Path) -> None:
    """Each of these costs start-up that no record is read for."""
    (tmp_path / "events.ndjson").write_bytes(b'{"n": 1}\n')
    (tmp_path / "a.toml").write_text(
        '[pipeline]\nname = "a"\n[source]\ntype = "file"\npath = "events.ndjson"\n[decode.columns]\nn = "int64"\n'
        '[sink]\npath = "out"\n'
    )
    imported = modules_of("run", "a.toml", cwd=tmp_path)
    assert {path.suffix for path in (tmp_path / "out").iterdir()} >= {".parquet"}
    assert not imported & {"pyarrow", "numpy", "aiokafka", "confluent_kafka", "rich", "structlog", "orjson"}
    assert not imported & {"penstock.cli.lint", "penstock.cli.demo"}
    assert not imported & {"penstock.decode.schema", "penstock.daemon.sample", "penstock.telemetry.server"}


def test_run_hands_the_options_to_the_daemon(pipeline: str, calls: list[Call]) -> None:
    """Flags are laid over the file."""
    flags = ["--until-end", "--max-records", "5", "--dry-run", "--take-over", "--set", "sink.cut.rows=9"]
    assert invoke(["run", pipeline, *flags, "--output", "json"]) == 0
    (call,) = calls
    options = call.options
    assert (options.until_end, options.max_records, options.dry_run, options.take_over) == (True, 5, True, True)
    assert options.output == "json"
    assert call.config.sink.cut.rows == 9


def test_run_ends_with_one_object(pipeline: str, calls: list[Call], capsys: pytest.CaptureFixture[str]) -> None:
    """For programs."""
    assert invoke(["run", pipeline, "--output", "json"]) == 0
    assert calls
    assert json.loads(capsys.readouterr().out) == {
        "records": 1200,
        "rows": 1190,
        "dead_letters": 7,
        "filtered": 0,
        "tombstones": 3,
        "commits": 2,
        "bytes_in": 400_000,
        "bytes_out": 90_000,
        "seconds": 1.5,
    }


def test_run_ends_with_a_short_table(pipeline: str, calls: list[Call], capsys: pytest.CaptureFixture[str]) -> None:
    """For people."""
    assert invoke(["run", pipeline]) == 0
    assert calls
    out, err = capsys.readouterr()
    assert "records         1,200\nrows            1,190\ndead letters        7\n" in out
    assert err == ""


def test_mistakes_of_a_file_are_told_on_stderr(
    pipeline: str, calls: list[Call], capsys: pytest.CaptureFixture[str]
) -> None:
    """Each on its own line; nothing runs."""
    assert invoke(["run", pipeline, "--set", "sink.path=1", "--set", "source.start=never"]) == 78
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.partition(": ")[0] for line in err.splitlines()] == ["error", "       --set"]
    assert calls == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "error: Missing argument 'FILE'."),
        (["rum"], "error: No such command 'rum'."),
        (["run", "x", "--fast"], "error: No such option"),
        (["run", "x", "--max-records", "0"], "error: Invalid value for '--max-records'"),
        (["run", "x", "--output", "yaml"], "error: Invalid value for '--output'"),
    ],
)
def test_a_wrong_command_line_exits_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And says where help is."""
    assert invoke(arguments) == 2
    out, err = capsys.readouterr()
    assert err.startswith(message)
    assert "\nhint: see `penstock" in err
    assert out == ""


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (UnavailableError("Broker localhost:1 refused."), "unavailable"),
        (DeadLetterLimitError("Too many."), "dead_letter_limit"),
        (PositionError("a-0: gap."), "position"),
    ],
)
def test_a_failure_is_one_message_and_its_exit_code(
    error: PenstockError,
    word: str,
    pipeline: str,
    failing: Callable[[BaseException], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same on stderr and, when asked for, as an object on stdout."""
    failing(error)
    assert invoke(["run", pipeline]) == error.exit_code
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"error: {error}\n")
    assert invoke(["run", pipeline, "--output=json"]) == error.exit_code
    out, err = capsys.readouterr()
    assert err == f"error: {error}\n"
    assert json.loads(out) == {"error": {"code": word, "message": str(error)}}


def test_exit_codes_are_the_documented_ones() -> None:
    """Scripts depend on them."""
    kinds = PenstockError.__subclasses__()
    assert {kind.__name__: kind.exit_code for kind in kinds if kind.__module__ == "penstock.errors"} == {
        "UsageError": 2,
        "DeadLetterLimitError": 65,
        "UnavailableError": 69,
        "InternalError": 70,
        "GaveUpError": 75,
        "PositionError": 76,
        "ConfigError": 78,
    }


def test_notes_of_a_failure_are_hints(
    pipeline: str, failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """What to do, apart from what happened."""
    error = UnavailableError("Topic a is missing.")
    error.add_note("create it first")
    failing(ExceptionGroup("tasks", [error]))
    assert invoke(["run", pipeline]) == 69
    assert capsys.readouterr().err == "error: Topic a is missing.\nhint: create it first\n"


@pytest.mark.parametrize("level", ["info", "debug"])
def test_a_bug_is_told_by_type_and_place(
    level: str, pipeline: str, failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its text may hold a payload; the traceback is for who asks."""
    failing(KeyError("payload"))
    assert invoke(["run", pipeline, "--set", f"telemetry.log_level={level}"]) == 70
    err = capsys.readouterr().err
    assert "error: this is a bug in Penstock: KeyError at run.py:" in err
    assert ("Traceback" in err) is (level == "debug")
    assert ("payload" in err) is (level == "debug")
    assert ("hint: run again with PENSTOCK_TRACEBACK=1" in err) is (level == "info")


def test_a_traceback_can_be_asked_for(
    pipeline: str,
    failing: Callable[[BaseException], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By the environment, which needs no change of a file."""
    monkeypatch.setenv("PENSTOCK_TRACEBACK", "1")
    failing(KeyError("payload"))
    assert invoke(["run", pipeline]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_no_bug(
    pipeline: str, failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C before the daemon minds signals."""
    failing(KeyboardInterrupt())
    assert invoke(["run", pipeline]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


def test_a_reader_that_leaves_is_no_error() -> None:
    """`penstock --help | head -0`; a failure is still told to the log."""
    assert _without_reader("--help") == (141, b"")
    code, err = _without_reader("run", "nothing.toml", "--output", "json")
    assert code == 78
    assert err.splitlines() == [b"error: nothing.toml: no such file; give the path of a pipeline file"]


def _without_reader(*arguments: str) -> tuple[int, bytes]:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "penstock.cli.main", *arguments]
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stderr


def test_a_broken_connection_is_not_taken_for_a_reader_that_left(
    pipeline: str, failing: Callable[[BaseException], None], capfd: pytest.CaptureFixture[str]
) -> None:
    """It must not end in silence."""
    failing(BrokenPipeError())
    assert invoke(["run", pipeline]) == 70
    assert "BrokenPipeError" in capfd.readouterr().err


def test_the_module_is_the_program(tmp_path: Path) -> None:
    """`python -m penstock.cli.main` ends with the exit code."""
    missing = tmp_path / "nothing.toml"
    command = [sys.executable, "-m", "penstock.cli.main", "run", str(missing)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == f"error: {missing}: no such file; give the path of a pipeline file\n"


@dataclass(frozen=True, slots=True)
class Report:
    """What a check of two tables may find."""

    files: int
    rows: int
    findings: list[str]
    notes: list[str]


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, object]]:
    """The check replaced by one with a finding in tables called `bad`; what it was asked to check."""
    asked: list[tuple[object, object]] = []

    def verify(location: Path, dead_letters: Path | None) -> Report:
        asked.append((location, dead_letters))
        findings = ["a-0: offsets 5 to 7 are missing."] if location.name == "bad" else []
        return Report(3, 20, findings, ["a-1: is being written."])

    module = types.ModuleType("penstock.verify.verify")
    monkeypatch.setattr(module, "verify", verify, raising=False)
    monkeypatch.setitem(sys.modules, "penstock.verify.verify", module)
    return asked


def test_verify_exits_1_when_something_is_found(
    checked: list[tuple[object, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Findings come one by one, as data; notes after them, which are no reason to fail."""
    assert invoke(["verify", "good", "--dead-letters", "dead"]) == 0
    assert invoke(["verify", "bad"]) == 1
    assert checked == [(Path("good"), Path("dead")), (Path("bad"), None)]
    out = capsys.readouterr().out
    assert out.endswith("a-0: offsets 5 to 7 are missing.\nnote: a-1: is being written.\n")
    assert out.count("missing") == 1


def test_verify_prints_one_object(checked: list[tuple[object, object]], capsys: pytest.CaptureFixture[str]) -> None:
    """For programs."""
    assert invoke(["verify", "bad", "--output", "json"]) == 1
    assert checked
    assert json.loads(capsys.readouterr().out) == {
        "files": 3,
        "rows": 20,
        "findings": ["a-0: offsets 5 to 7 are missing."],
        "notes": ["a-1: is being written."],
    }


def test_a_shell_can_complete_words(tmp_path: Path) -> None:
    """As the README says."""
    environment = {"_PENSTOCK_COMPLETE": "bash_complete", "COMP_WORDS": "penstock ex", "COMP_CWORD": "1"}
    done = program(cwd=tmp_path, environment=environment)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "plain,explain", "")
