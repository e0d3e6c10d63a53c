"""Penstock: agent event streams from Kafka into Arrow tables, nothing lost and nothing twice.

The decoder is public by itself: `penstock.Decoder` and `penstock.infer_schema` (docs/decoder.md). Tests of pipeline
files: `penstock.testing`. All else is the program's own.
"""

from importlib import import_module

TYPE_CHECKING = False  # As type checkers know it: `typing` itself would be half of what importing this costs.
if TYPE_CHECKING:
    from penstock._native import Batch, Decoded, DecodeReport, InferredColumn, Rejection
    from penstock.decode.decoder import Decoder
    from penstock.decode.inferred import Inferred, infer_schema

__all__ = [
    "Batch",
    "DecodeReport",
    "Decoded",
    "Decoder",
    "Inferred",
    "InferredColumn",
    "Rejection",
    "infer_schema",
]

_HOMES = {
    "Decoder": "penstock.decode.decoder",
    "Inferred": "penstock.decode.inferred",
    "infer_schema": "penstock.decode.inferred",
}


if not TYPE_CHECKING:  # With it, type checkers would take any name for one of ours.

    def __getattr__(name: str) -> object:
        """Import what is asked for only then: the program needs none of it to start."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES.get(name, "penstock._native")), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
