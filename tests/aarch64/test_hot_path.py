"""The way through a loop that is taken most often, found in what qemu records."""

from __future__ import annotations

import pytest

from scripts.aarch64.cycles import Modelled, total_cycles
from scripts.aarch64.hot_path import Record, for_model
from scripts.aarch64.tools import FailedError

SYMBOL = "_ZN7kernels13kernel_digits17h0123456789abcdefE"
CODE = {
    0x10: ["a9bd7bfd  stp      x29, x30, [sp, #-0x30]!"],
    0x20: ["ad400500  ldp      q0, q1, [x8]", "54000208  b.hi     #0x40"],
    0x30: ["d503201f  nop      ", "14000005  b        #0x20"],
    0x40: ["10ecc7a9  adr      x9, #0x7f", "35000169  cbnz     w9, #0x20"],
    0x50: ["d65f03c0  ret      "],
    0x60: ["d65f03c0  ret      "],
}


def recorded(*pieces: int, symbol: str = SYMBOL) -> list[str]:
    """As qemu writes it: each piece's code before it is run for the first time."""
    lines = []
    for nth, piece in enumerate(pieces):
        if piece not in pieces[:nth]:
            lines += ["----------------", f"IN: {symbol}"]
            lines += [f"0x{piece + 4 * place:08x}:  {code}" for place, code in enumerate(CODE[piece])]
            lines.append("")
        lines.append(f"Trace 0: 0x7f061e157c80 [00001001/{piece:016x}/00000001/00000200] {symbol}")
    return lines


def test_most_common_way_from_head_to_head_is_found() -> None:
    """Other functions, called on the way, do not count; nor what is before the first head and after the last one."""
    record = Record()
    record.read(recorded(0x10, 0x20, 0x30, 0x20, 0x40, 0x20, 0x40))
    record.read(recorded(0x60, symbol="memcpy"))
    record.read(recorded(0x20, 0x40, 0x20, 0x50))
    path = record.hottest("digits")
    assert path is not None
    assert path.instructions == ("ldp q0, q1, [x8]", "b.hi #-4", "adr x9, #0", "cbnz w9, #-4")
    assert path.passes == 5
    assert path.share == 12 / (1 + 5 * 2 + 2 + 3 * 2 + 1)


def test_kernel_that_does_not_loop_has_no_path() -> None:
    record = Record()
    record.read(recorded(0x10, 0x50))
    assert record.hottest("digits") is None


def test_kernel_is_named_without_its_hash() -> None:
    record = Record()
    record.read(recorded(0x20, 0x20, symbol="kernels::kernel_string_end_clean"))
    record.read(recorded(0x20, 0x20, symbol="_ZN7kernels20kernel_string_end17h0123456789abcdefE"))
    assert list(record.runs) == ["string_end_clean", "string_end"]


@pytest.mark.parametrize(
    ("recorded", "taken"),
    [
        ("tbz      w0, #0, #0x7f0626190934", "tbz w0, #0, #-4"),
        ("adrp     x8, #0x7f0626167000", "adrp x8, #0"),
        ("ldr      q25, [x8, #0xc80]", "ldr q25, [x8, #0xc80]"),
        ("bic      v0.16b, v1.16b, v2.16b", "bic v0.16b, v1.16b, v2.16b"),
        ("cmp      x19, #0x3f", "cmp x19, #0x3f"),
    ],
)
def test_only_places_are_replaced(recorded: str, taken: str) -> None:
    assert for_model(recorded) == taken


@pytest.mark.parametrize(
    ("cycles", "judged"), [(6.25, "100 % (as aimed at)"), (8.0, "78 % (enough)"), (12.5, "50 % (below 70 %)")]
)
def test_path_is_set_beside_its_bound(cycles: float, judged: str) -> None:
    assert judged in Modelled("first_special", 40, 0.9, 64, cycles).line()
    assert judged in Modelled("first_special", 80, 0.9, 128, 2 * cycles).line()
    assert "bound" not in Modelled("digits", 40, 0.9, 64, cycles).line()


def test_cycles_are_read_from_what_llvm_mca_prints() -> None:
    assert total_cycles("Iterations:        1000\nInstructions:      28000\nTotal Cycles:      6250\n") == 6250
    with pytest.raises(FailedError, match="Total Cycles"):
        total_cycles("error: no instructions")
