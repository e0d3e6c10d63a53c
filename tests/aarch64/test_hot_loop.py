"""Loops, cut out of assembly."""

from __future__ import annotations

import pytest

from scripts.aarch64.cycles import Modelled, total_cycles
from scripts.aarch64.hot_loop import Loop, functions, innermost_loops

ASSEMBLY = """\
\t.text
\t.type\t_ZN7kernels13kernel_digits17h0123456789abcdefE,@function
_ZN7kernels13kernel_digits17h0123456789abcdefE:
\t.cfi_startproc
\tmov\tx8, xzr
.LBB0_1:
\tldp\tq0, q1, [x0]\t// two vectors
.LBB0_2:
\tldr\tq2, [x1], #16
\tld1\t{ v3.16b, v4.16b }, [x2]
\tldr\tx3, [x4]
\tsubs\tx5, x5, #1
\tb.ne\t.LBB0_2
\tcbnz\tx6, .LBB0_1
\ttbz\tw7, #3, .LBB0_3
\tb\t.LBB0_3
.LBB0_3:
\tret
\t.cfi_endproc
next_function:
\tb\tnext_function
"""


def test_function_is_its_labels_and_instructions() -> None:
    found = dict(functions(ASSEMBLY))
    assert list(found) == ["_ZN7kernels13kernel_digits17h0123456789abcdefE", "next_function"]
    body = found["_ZN7kernels13kernel_digits17h0123456789abcdefE"]
    assert body[:3] == ["mov x8, xzr", ".LBB0_1:", "ldp q0, q1, [x0]"]
    assert body[-1] == "ret"
    assert innermost_loops(found["next_function"]) == []


def test_only_the_innermost_loop_is_cut_out() -> None:
    """A jump forward makes no loop; a loop with another one inside is not looked at."""
    (_, body), _ = functions(ASSEMBLY)
    (loop,) = innermost_loops(body)
    assert loop.instructions[0] == "ldr q2, [x1], #16"
    assert loop.for_model().splitlines()[-2:] == ["subs x5, x5, #1", "b.ne #-4"]


@pytest.mark.parametrize(
    ("instruction", "loaded"),
    [
        ("ldr q2, [x1], #16", 16),
        ("ldur q2, [x1, #-3]", 16),
        ("ldp q0, q1, [x0]", 32),
        ("ld1 { v3.16b, v4.16b }, [x2]", 32),
        ("ldr x3, [x4]", 0),
        ("str q2, [x1]", 0),
    ],
)
def test_bytes_of_vector_loads_are_counted(instruction: str, loaded: int) -> None:
    assert Loop((instruction,)).bytes_loaded == loaded


@pytest.mark.parametrize(
    ("cycles", "judged"), [(6.25, "100 % (as aimed at)"), (8.0, "78 % (enough)"), (12.5, "50 % (below 70 %)")]
)
def test_loop_is_set_beside_its_bound(cycles: float, judged: str) -> None:
    assert judged in Modelled("first_special_clean", 40, 64, cycles).line()
    assert judged in Modelled("first_special_clean", 80, 128, 2 * cycles).line()
    assert "bound" not in Modelled("digits", 40, 64, cycles).line()


def test_cycles_are_read_from_what_llvm_mca_prints() -> None:
    assert total_cycles("Iterations:        1000\nInstructions:      28000\nTotal Cycles:      6250\n") == 6250
    with pytest.raises(ValueError, match="Total Cycles"):
        total_cycles("error: no instructions")
