"""The decoder as a library: JSON records to Arrow, where a bad record is data and never an exception."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from penstock import _native
from penstock.decode.options import read_options, with_inferred

if TYPE_CHECKING:
    import pyarrow as pa
    from typing_extensions import Buffer

    from penstock._native import Decoded
    from penstock.config import Decode


class ArrowSchema(Protocol):
    """`pyarrow.Schema`, `polars.Schema`, or anything else that is an Arrow schema by the PyCapsule interface."""

    def __arrow_c_schema__(self) -> object:
        """Its capsule."""


Columns: TypeAlias = Mapping[str, str | Mapping[str, Any]] | ArrowSchema
"""`{"tokens": "int64"}`, `{"tokens": {"path": "usage.tokens", "type": "int64", "required": True}}`, or a schema."""

Data: TypeAlias = "Sequence[bytes | bytearray | None] | Buffer"
"""One value per record, None for a tombstone; or newline-delimited JSON."""


class Decoder:
    r"""Decodes JSON records to Arrow columns. One object may be used from several threads at once.

    >>> import pyarrow
    >>> decoder = Decoder({"id": "string", "tokens": {"path": "usage.tokens", "type": "int64"}})
    >>> decoded = decoder.decode(b'{"id": "a", "usage": {"tokens": 7}}\n{"id": "b", "new": true}\n{"id":')
    >>> pyarrow.record_batch(decoded.batch).to_pylist()
    [{'id': 'a', 'tokens': 7, '_residue': None}, {'id': 'b', 'tokens': None, '_residue': '{"new":true}'}]
    >>> decoded.rejections
    [<Rejection record 2, line 3: invalid_json at byte 6: expected a value>]

    `columns` are those of `[decode.columns]` in a pipeline file, or an Arrow schema: its fields are the columns, each
    at the key of its name; one that is not nullable is required, and binary is read from base64. Left out, they are
    inferred from the first records and then stay as they are.

    `strings` is the Arrow type of text at any depth: "view" (text is not copied where the input can be pointed into),
    "utf8" or "large_utf8". The other options are those of `[decode]`, with the same names, defaults and meaning.

    Raises `TypeError` or `ValueError`, with what to write, if something of it can't be.
    """

    def __init__(
        self,
        columns: Columns | None = None,
        *,
        strings: Literal["view", "utf8", "large_utf8"] = "view",
        invalid_text: Literal["reject", "replace"] = "reject",
        max_depth: int = 128,
        max_bytes: int | str = "16MiB",
        residue: bool = True,
        coerce: bool = False,
        infer_records: int = 10_000,
    ) -> None:
        self._options = read_options(
            columns,
            {
                "invalid_text": invalid_text,
                "max_depth": max_depth,
                "max_bytes": max_bytes,
                "residue": residue,
                "coerce": coerce,
                "infer_records": infer_records,
            },
        )
        self._strings = strings
        self._inferring = Lock()
        made = self._make(self._options)
        self._decoder = made if self._options.columns else None
        """None until the columns are known."""

    def decode(self, data: Data) -> Decoded:
        """Decode all records of `data`; the GIL is released while it computes.

        `data` is a list of `bytes`, one record each, with None for a tombstone, which is counted and no row; or one
        object with newline-delimited JSON: `bytes`, `bytearray`, `memoryview`, `mmap` or another buffer of bytes. There
        a record is a line, LF or CRLF; blank lines are skipped, and a last line without LF counts.

        Every record is a row of `batch`, one of `rejections`, or a tombstone; a bad one never raises. `bytes` and
        read-only maps of files are not copied and may be pointed into by the batch, which keeps them alive: such a file
        must not be changed or cut meanwhile. Whatever else could change is copied first.

        Raises `TypeError` or `ValueError` if `data` is something else, or too much text for one call.
        """
        decoder = self._decoder
        if decoder is None:
            # Whoever comes first settles the columns for all.
            with self._inferring:
                decoder = self._decoder or self._infer(data)
        return decoder.decode(data)

    @property
    def columns(self) -> dict[str, dict[str, Any]]:
        """The columns as another `Decoder` takes them, with `path`, `type` and `required`; empty while not inferred."""
        return {
            name: {"path": list(column.path), "type": str(column.type), "required": column.required}
            for name, column in self._options.columns.items()
        }

    @property
    def schema(self) -> pa.Schema:
        """The schema of every batch: the columns, all nullable, then `_residue`. `ValueError` while not inferred."""
        if self._decoder is None:
            raise ValueError("the columns are inferred from the first records; decode some first, or declare columns")
        import pyarrow as pa  # noqa: PLC0415 - Takes longer to import than all else here.

        return pa.schema(self._decoder)

    def __repr__(self) -> str:
        """Its columns."""
        columns = ", ".join(f"{name}: {column['type']}" for name, column in self.columns.items())
        return f"<Decoder {columns or 'without columns yet'}>"

    def _infer(self, data: Data) -> _native.Decoder:
        """A decoder for `data`; this object's from now on, if there is a record in it that has keys."""
        rules = json.dumps(self._options.rules())
        found = _native.infer_schema(data, rules, self._options.infer_records)
        if not found.columns:
            # The first records say nothing; if all of them do, there is nothing to settle yet.
            found = _native.infer_schema(data, rules)
        options = with_inferred(self._options, found)
        decoder = self._make(options)
        if options.columns:
            self._options, self._decoder = options, decoder
        return decoder

    def _make(self, options: Decode) -> _native.Decoder:
        return _native.Decoder(json.dumps(options.plan()), f"{self._strings}")
