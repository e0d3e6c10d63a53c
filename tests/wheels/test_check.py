"""A library held against what its wheel promises, by what readelf says of it."""

from __future__ import annotations

import pytest

from scripts.wheels.check import library_problems, newest_glibc

GOOD = """\
  Machine:                           AArch64
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]
 0x0000000000000001 (NEEDED)             Shared library: [ld-linux-aarch64.so.1]
  0x0010:   Name: GLIBC_2.17  Flags: none  Version: 3
  0x0020:   Name: GLIBC_2.28  Flags: none  Version: 2
  0x0030:   Name: GCC_3.0  Flags: none  Version: 4
"""


def test_library_for_every_linux_of_its_time_is_fine() -> None:
    assert library_problems(GOOD, "aarch64", (2, 28)) == []


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        (GOOD.replace("AArch64", "Advanced Micro Devices X86-64"), "is not for aarch64"),
        ("", "is not for aarch64"),
        (GOOD.replace("libc.so.6", "libzstd.so.1"), "needs libzstd.so.1"),
        (GOOD.replace("GLIBC_2.17", "GLIBC_2.34"), "needs glibc 2.34"),
    ],
)
def test_broken_promise_is_named(printed: str, said: str) -> None:
    assert library_problems(printed, "aarch64", (2, 28)) == [said]


def test_versions_are_compared_as_numbers() -> None:
    assert newest_glibc("GLIBC_2.4 GLIBC_2.17 GLIBC_2.3.4 GLIBC_PRIVATE") == (2, 17)
    assert newest_glibc("") == (0, 0)
