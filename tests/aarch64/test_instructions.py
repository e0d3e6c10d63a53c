"""What cachegrind writes, read; and counts held against those that are committed."""

from __future__ import annotations

import json

import pytest

from scripts.aarch64.instructions import (
    COMMITTED,
    PASSES,
    bytes_read,
    differences,
    per_byte,
    per_kernel,
    table,
)
from scripts.aarch64.tools import FailedError

CACHEGRIND = """\
desc: Command: kernels
cmd: kernels
events: Ir
fl=kernels.rs
fn=kernels::kernel_digits
7 100
8 250
fn=kernels::main
9 1000
fl=other.rs
fn=kernels::kernel_digits
12 50
fn=kernels::kernel_string_end::h0123
1 8
fn=kernels::kernel_utf8
1 8
summary: 1408
"""


def test_instructions_are_added_up_by_kernel() -> None:
    """Lines of a kernel in several files are one kernel's; other functions and the summary are nobody's."""
    assert per_kernel(CACHEGRIND.splitlines()) == {"digits": 400, "string_end": 8}


def test_count_is_divided_by_the_bytes_that_the_program_says() -> None:
    printed = (
        "neon   kernel_string_end      8 bytes 1.5 GB/s\n"
        "neon   kernel_digits        500 bytes\n"
        "neon   kernel_copy          500 bytes\n"
    )
    read = bytes_read(printed)
    assert read == {"string_end": 8, "digits": 500}
    assert per_byte({"digits": 400 * PASSES, "string_end": 8 * PASSES}, read) == {"digits": 0.8, "string_end": 1.0}


@pytest.mark.parametrize("read", [{"digits": 1}, {"digits": 1, "utf8": 1, "unescape": 1}])
def test_kernel_that_is_only_counted_or_only_reported_is_an_error(read: dict[str, int]) -> None:
    with pytest.raises(FailedError, match=r"utf8|unescape"):
        per_byte({"digits": 400, "utf8": 8}, read)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"digits": 1.02, "utf8": 0.98}, []),
        ({"digits": 1.03, "utf8": 1.0}, ["digits takes 3.0% more"]),
        ({"digits": 1.0, "utf8": 0.97}, ["utf8 takes 3.0% fewer"]),
        ({"digits": 1.0}, ["utf8 is gone"]),
        ({"digits": 1.0, "utf8": 1.0, "unescape": 1.0}, ["unescape is new"]),
    ],
)
def test_two_percent_are_let_pass(now: dict[str, float], said: list[str]) -> None:
    assert differences(now, {"digits": 1.0, "utf8": 1.0}) == said


def test_table_has_kernels_of_both_sides() -> None:
    lines = table({"digits": 0.4}, {"utf8": 0.5}).splitlines()[1:]
    assert [line.split() for line in lines] == [["digits", "0.4000", "-"], ["utf8", "-", "0.5000"]]


def test_committed_counts_say_their_compiler() -> None:
    committed = json.loads(COMMITTED.read_text())
    assert committed["compiler"].startswith("rustc 1.")
    assert all(count > 0 for count in committed["instructions_per_byte"].values())
