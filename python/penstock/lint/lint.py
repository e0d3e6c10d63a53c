"""The check itself: every file, every finding."""

from __future__ import annotations

import os
from itertools import product
from typing import TYPE_CHECKING

from penstock.config.load import examine
from penstock.config.problem import KeyPath, Problem, dotted
from penstock.config.rules import overlap
from penstock.lint.advice import advise
from penstock.lint.mend import mended

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from penstock.config import Config
    from penstock.config.finding import Finding
    from penstock.config.layers import Layers

TABLES: tuple[KeyPath, ...] = (("sink", "path"), ("dead_letter", "path"))


def lint(
    paths: Sequence[Path], flags: Iterable[str] = (), environment: Mapping[str, str] = os.environ
) -> list[Finding]:
    """All findings about the files, file by file, in the order of their lines; codes of `penstock.lint.codes`.

    What the environment or a flag is to blame for comes first. Touches no network. Of a file with mistakes the rest is
    looked at too.
    """
    flags = tuple(flags)
    findings: list[Finding] = []
    before: list[tuple[Config, Layers]] = []
    for path in paths:
        examined = examine(path, flags, environment)
        found = list(examined.mistakes)
        if examined.layers is not None:
            config = examined.config or mended(examined.layers.values)
            if config is not None:
                found += _advice(config, examined.layers, [mistake.key for mistake in examined.mistakes])
            if examined.config is not None:
                found += examined.layers.report(_shared_tables(examined.config, examined.layers, before))
                before.append((examined.config, examined.layers))
        findings += sorted(found, key=lambda finding: (finding.place.line or 0, finding.place.column or 0))
    return findings


def _advice(config: Config, layers: Layers, mistaken: Iterable[str]) -> Iterator[Finding]:
    """Doubts, but for those that come from what stands in for a mistaken key."""
    for doubt in layers.report(advise(config, layers)):
        if not any(f"{doubt.key}.".startswith(f"{key}.") or (key and key in doubt.message) for key in mistaken):
            yield doubt


def _shared_tables(config: Config, layers: Layers, before: Iterable[tuple[Config, Layers]]) -> Iterator[Problem]:
    """The first table of this pipeline that is in the directory of another pipeline's."""
    for here, (other, others), there in product(TABLES, before, TABLES):
        relation = overlap(_location(config, here), _location(other, there))
        if relation is not None:
            message = f"{relation} {dotted(there)} of {others.file}; every table needs a directory of its own"
            if layers.says(here):
                yield Problem(here, message, code="tables_overlap")
            else:
                yield Problem(TABLES[0], f"{dotted(here)} beside it is {message}", code="tables_overlap")
            return


def _location(config: Config, table: KeyPath) -> str:
    section, _ = table
    return str(getattr(config, str(section)).path)
